"""A newsletter's editions as an Atom feed (RFC 4287), and whether whoever asks has it already (RFC 9110 §13)."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from service import pages

# What XML 1.0 §2.2 does not allow, not even as a reference: one such character and no reader opens the feed.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class FeedEntry:
    """`html` is the whole edition as its page has it, made without a reader."""

    id: str
    url: str
    title: str
    summary: str
    html: str
    published: datetime
    updated: datetime


@dataclass(frozen=True)
class AtomFeed:
    id: str
    url: str
    page_url: str
    title: str
    description: str
    author: str
    language: str
    updated: datetime
    entries: tuple[FeedEntry, ...]


def document(feed: AtomFeed) -> bytes:
    """The feed as UTF-8. Ids are of the rows, not of addresses, so that nothing turns unread when the service moves."""
    return _NOT_XML.sub("", pages.fragment("public/feed.xml", feed=feed)).encode()


def validators(source: str, updated: datetime) -> dict[str, str]:
    """Headers that name a feed by what it is made of. The tag is weak: a new release may draw the same editions otherwise."""
    return {
        "ETag": f'W/"{hashlib.sha256(source.encode()).hexdigest()[:32]}"',
        "Last-Modified": format_datetime(updated.astimezone(UTC), usegmt=True),
    }


def is_known(asked: Mapping[str, str], held: Mapping[str, str]) -> bool:
    """Whether a 304 is the answer; a tag that does not match outweighs a time that does (RFC 9110 §13.2.2)."""
    tags = asked.get("if-none-match")
    if tags is not None:
        named = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return not named.isdisjoint({"*", held["ETag"].removeprefix("W/")})
    since = _moment(asked.get("if-modified-since", ""))
    latest = _moment(held["Last-Modified"])
    return since is not None and latest is not None and since >= latest


def _moment(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
