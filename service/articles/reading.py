"""Reads pages and feeds from the web: network and threads, no session.

read_page: fetch -> extract (in a thread) -> draft
read_feed: fetch -> parse (in a thread) -> decide -> the page behind each item that is new -> outcome
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from service import logs
from service.articles import spelling
from service.articles.intake import ArticleDraft
from service.errors import MemoError, Unavailable
from service.fetching import Fetched, Fetcher, NotNow

log = logs.get(__name__)
T = TypeVar("T")

PARSING_SECONDS = 20.0
PAGES_PER_POLL = 40
PAGES_AT_ONCE = 3
ALL_PAGES_SECONDS = 60.0


class TakesTooLong(Unavailable):
    """This takes too long to read. Check the address, or write the item by hand."""


@dataclass(frozen=True)
class FeedFacts:
    """What a poll needs to know about a feed; `known` holds the names of the items seen so far; it is the poller's own `until` then."""

    id: int
    url: str
    etag: str | None
    last_modified: str | None
    known: frozenset[str]
    until: datetime


@dataclass(frozen=True)
class Listed:
    """An item as the feed itself tells of it; `names` are those it is known under."""

    names: tuple[str, ...]
    link: str | None
    draft: ArticleDraft


@dataclass(frozen=True)
class FeedRead:
    """A feed's items that are new, or known and now carry another name; of one that is suspicious, not to be taken in."""

    title: str
    new: tuple[Listed, ...]
    changed: tuple[Listed, ...]
    is_suspicious: bool
    blank_items: int
    replaced_bytes: int


@dataclass(frozen=True)
class Found:
    """An item that is new, or known under one of these names and now carries another."""

    names: tuple[str, ...]
    draft: ArticleDraft


@dataclass(frozen=True)
class FeedOutcome:
    """What one poll brought: nothing changed, items, or a problem in words for the desk."""

    is_unchanged: bool = False
    title: str = ""
    etag: str | None = None
    last_modified: str | None = None
    moved_to: str | None = None
    new: tuple[Found, ...] = ()
    changed: tuple[Found, ...] = ()
    is_suspicious: bool = False
    blank_items: int = 0
    replaced_bytes: int = 0
    problem: str | None = None
    retry_after: str | None = None


async def read_page(fetcher: Fetcher, url: str) -> ArticleDraft:
    fetched = await fetcher.fetch(url, accept="page")
    return await _in_thread(_page, fetched)


async def read_feed(fetcher: Fetcher, facts: FeedFacts, now: datetime) -> FeedOutcome:
    """Never raises for what the other side did: a problem is an outcome."""
    try:
        fetched = await fetcher.fetch(
            facts.url, accept="feed", etag=facts.etag, last_modified=facts.last_modified
        )
        if fetched.not_modified:
            return FeedOutcome(
                is_unchanged=True, moved_to=fetched.moved_permanently_to, retry_after=fetched.retry_after
            )
        read = await _in_thread(_feed, fetched, facts, now)
    except MemoError as error:
        retry_after = error.retry_after if isinstance(error, NotNow) else None
        return FeedOutcome(problem=error.message, retry_after=retry_after)
    outcome = FeedOutcome(
        title=read.title,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
        moved_to=fetched.moved_permanently_to,
        is_suspicious=read.is_suspicious,
        blank_items=read.blank_items,
        replaced_bytes=read.replaced_bytes,
        retry_after=fetched.retry_after,
    )
    return outcome if read.is_suspicious else await _with_articles(fetcher, outcome, read)


def _page(fetched: Fetched) -> ArticleDraft:
    from service.articles import drafting

    return drafting.page(fetched)


def _feed(fetched: Fetched, facts: FeedFacts, now: datetime) -> FeedRead:
    from service.articles import drafting

    return drafting.feed_items(fetched, facts, now)


async def _with_articles(fetcher: Fetcher, outcome: FeedOutcome, feed: FeedRead) -> FeedOutcome:
    """Feeds list the newest first, so under the limits it is the newest whose pages are read."""
    items = [*feed.new, *feed.changed]
    drafts = [item.draft for item in items]
    gate = asyncio.Semaphore(PAGES_AT_ONCE)

    async def read(number: int) -> None:
        async with gate:
            drafts[number] = await _from_page(fetcher, items[number])

    reading = [
        asyncio.create_task(read(number))
        for number, item in enumerate(items[:PAGES_PER_POLL])
        if item.link is not None
    ]
    if reading:
        _, late = await asyncio.wait(reading, timeout=ALL_PAGES_SECONDS)
        for task in late:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    drafts = _with_own_addresses(items, drafts)
    found = [Found(item.names, draft) for item, draft in zip(items, drafts, strict=True)]
    count = len(feed.new)
    return replace(outcome, new=tuple(found[:count]), changed=tuple(found[count:]))


def _with_own_addresses(items: list[Listed], drafts: list[ArticleDraft]) -> list[ArticleDraft]:
    # Some sites name one and the same page as the canonical one of all; then each item's own link tells them apart.
    named = Counter(spelling.key(draft.url) for draft in drafts if draft.url)
    return [
        replace(draft, url=item.link) if draft.url and named[spelling.key(draft.url)] > 1 else draft
        for item, draft in zip(items, drafts, strict=True)
    ]


async def _from_page(fetcher: Fetcher, item: Listed) -> ArticleDraft:
    """The article behind the item; where its page cannot be read, what the feed itself says of it."""
    summary = item.draft
    try:
        draft = await read_page(fetcher, item.link or "")
    except MemoError as error:
        log.info("feed.page_unread", url=item.link, problem=error.message)
        return summary
    return replace(
        draft,
        headline=draft.headline or summary.headline,
        deck=draft.deck or summary.deck,
        byline=draft.byline or summary.byline,
        section=draft.section or summary.section,
        published_at=summary.published_at or draft.published_at,
    )


async def _in_thread(function: Callable[..., T], *args: Any) -> T:
    try:
        async with asyncio.timeout(PARSING_SECONDS):
            return await asyncio.to_thread(function, *args)
    except TimeoutError as error:
        raise TakesTooLong from error
