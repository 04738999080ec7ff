"""A feed's bytes to items, and which of them we have not seen. Pure; the parser sees only bytes that were decoded here.

bytes -> decoding -> is it a feed at all? -> feedparser -> items -> decide(known) -> new | changed | suspicious
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import feedparser
from lxml import etree, html

from service.articles import dates, decoding, elements, links, markdown, spelling
from service.errors import Invalid

MAX_ITEMS: Final = 500
TITLE_FROM_TEXT: Final = 80
# A feed that we follow and that has at least so many items does not renew most of them at once.
SMALLEST_SUSPECT: Final = 4

DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*\?>")
WEB_PAGE: Final = re.compile(r"^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
END: Final = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf)\s*>|<(?:\w+:)?feed\b[^>]*/>", re.IGNORECASE)
CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)


class NotAFeed(Invalid):
    """This address answers with something that is no RSS or Atom feed. Give the address of the feed itself."""


@dataclass(frozen=True)
class FeedItem:
    guid: str | None
    link: str | None
    title: str
    summary_markdown: str
    author: str
    published_at: datetime | None
    date_was_readable: bool
    section: str


@dataclass(frozen=True)
class ParsedFeed:
    title: str
    items: tuple[FeedItem, ...]
    replaced_bytes: int
    blank_items: int


@dataclass(frozen=True)
class FeedDecision:
    """`changed` items are known under one name and carry another that is not: their article is to be updated."""

    new: tuple[FeedItem, ...]
    changed: tuple[FeedItem, ...]
    suspicious: bool


def parse(body: bytes, url: str, *, content_type: str | None, now: datetime) -> ParsedFeed:
    charset = CHARSET.search(content_type or "")
    decoded = decoding.decode(body, charset=charset.group(1) if charset else None)
    _check_is_feed(decoded.text)
    try:
        found = feedparser.parse(
            DECLARATION.sub("", decoded.text).lstrip().encode(),
            # No address of the feed: feedparser would make guids absolute with it, and so other guids.
            response_headers={"content-type": "application/xml; charset=utf-8"},
            resolve_relative_uris=False,
        )
        if not found.get("version"):
            raise NotAFeed
        read = [_item(entry, url, now) for entry in found.entries[:MAX_ITEMS]]
        title = _plain(dict.get(found.feed, "title_detail"))
    except NotAFeed:
        raise
    except Exception as error:
        # The parser has many ways to fail on what a stranger's server sent, and one meaning.
        raise NotAFeed(
            "This feed is broken in a way that cannot be read. Tell its maker, or try later."
        ) from error
    items = [item for item in read if item.title]
    return ParsedFeed(
        title, tuple(_without_shared_guids(items)), decoded.replaced_bytes, len(read) - len(items)
    )


def _check_is_feed(text: str) -> None:
    opening = text.lstrip()
    if not opening:
        raise NotAFeed("This address answers with nothing. Check that it is the address of a feed.")
    if WEB_PAGE.match(DECLARATION.sub("", opening)):
        raise NotAFeed(
            "This address answers with a web page, not a feed. Give the address of the feed itself."
        )
    if opening[0] in "{[":
        raise NotAFeed("This address answers with JSON. Give the address of an RSS or Atom feed.")
    if not END.search(text):
        raise NotAFeed(
            "This feed breaks off before its end, or is no feed. Check the address, or try again later."
        )


def _item(entry: Any, url: str, now: datetime) -> FeedItem:
    # dict.get, since feedparser's own look-up answers for a missing key with another one.
    guid = str(dict.get(entry, "id") or "").strip() or None
    link = _link(entry, guid, url)
    summary = _markdown(entry, link, url)
    title = _plain(dict.get(entry, "title_detail"))
    if not title:
        flat = " ".join(markdown.plain(summary).split())
        title = flat if len(flat) <= TITLE_FROM_TEXT else flat[:TITLE_FROM_TEXT].rpartition(" ")[0] + "…"
    written = (dict.get(entry, name) for name in ("published", "updated", "created"))
    published_at = next((moment for text in written if (moment := dates.read_plausible(text, now=now))), None)
    author = dict.get(entry, "author_detail") or {}
    tags = dict.get(entry, "tags") or [{}]
    return FeedItem(
        guid=guid,
        link=link,
        title=title,
        summary_markdown=summary,
        author=" ".join(str(author.get("name") or dict.get(entry, "author") or "").split()),
        published_at=published_at,
        date_was_readable=published_at is not None,
        section=" ".join(str(tags[0].get("term") or "").split()),
    )


def _link(entry: Any, guid: str | None, url: str) -> str | None:
    for link in dict.get(entry, "links") or []:
        found = links.absolute(url, link.get("href"))
        if link.get("rel", "alternate") == "alternate" and found:
            return found
    is_address = guid is not None and guid.startswith(("http://", "https://"))
    return links.absolute(url, guid) if is_address and dict.get(entry, "guidislink") else None


def _markdown(entry: Any, link: str | None, url: str) -> str:
    """The text; its relative addresses belong to xml:base, else to the article they came from."""
    details = [dict.get(entry, "summary_detail"), *(dict.get(entry, "content") or [])]
    detail: dict[str, Any] = next((one for one in details if one and str(one.get("value") or "").strip()), {})
    value, stated = str(detail.get("value") or ""), detail.get("base")
    base = links.absolute(url, str(stated or "")) or link or url
    if not value.strip():
        return ""
    try:
        fragment = html.fragment_fromstring(value, create_parent="div")
    except (etree.ParserError, ValueError):
        return ""
    links.settle(fragment, base)
    return markdown.from_element(fragment)


def _plain(detail: Any) -> str:
    value = str((detail or {}).get("value") or "")
    if "html" in str((detail or {}).get("type")) and value.strip():
        value = elements.text(html.fragment_fromstring(value, create_parent="div"))
    return " ".join(value.split())


def _without_shared_guids(items: list[FeedItem]) -> Iterable[FeedItem]:
    """One guid with two links is two items, so that guid names neither."""
    linked: dict[str | None, set[str | None]] = defaultdict(set)
    for item in items:
        linked[item.guid].add(item.link and spelling.normalised(item.link))
    return (replace(item, guid=None) if len(linked[item.guid]) > 1 else item for item in items)


def identities(item: FeedItem) -> tuple[str, ...]:
    """The names under which the item is known: its guid, its link, its title with its date. Each at most 80 characters."""
    found = []
    if item.guid:
        found.append(_named("guid", item.guid))
    if item.link:
        found.append(f"link:{spelling.key(item.link)}")
    if item.published_at:
        found.append(_named("title", f"{item.title.casefold()}\n{item.published_at.isoformat()}"))
    elif not found:
        found.append(_named("title", f"{item.title.casefold()}\n{item.summary_markdown}"))
    return tuple(found)


def _named(kind: str, text: str) -> str:
    return f"{kind}:{hashlib.sha256(text.encode('utf-8', errors='replace')).hexdigest()}"


def decide(known: Collection[str], items: Iterable[FeedItem]) -> FeedDecision:
    """Feeds rename their items, though RFC 4287 §4.2.6 forbids it; one name that we know is enough."""
    every = list(items)
    names_known = frozenset(known)
    seen: set[str] = set()
    new, changed = [], []
    for item in every:
        names = identities(item)
        # Within one feed two items may share a title and a minute; only their first name sets them apart.
        if names[0] in seen:
            continue
        seen.update(name for name in names if len(names) == 1 or not name.startswith("title:"))
        if names_known.isdisjoint(names):
            new.append(item)
        elif not names_known.issuperset(names):
            changed.append(item)
    is_flood = len(every) >= SMALLEST_SUSPECT and len(new) * 2 > len(every)
    return FeedDecision(tuple(new), tuple(changed), suspicious=bool(names_known) and is_flood)
