"""Reads pages and feeds from the web: network and threads, no session.

read_page: fetch -> extract (in a thread) -> draft
read_feed: fetch -> parse (in a thread) -> decide -> the page behind each item that is new -> outcome
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from service import logs
from service.articles import extraction, feed, markdown, page
from service.articles.extraction import CouldNotExtract, Extracted
from service.articles.feed import FeedDecision, FeedItem, ParsedFeed
from service.articles.intake import ArticleDraft
from service.errors import MemoError, Unavailable
from service.fetching import Fetched, Fetcher, NotNow

log = logs.get(__name__)
T = TypeVar("T")

PARSING_SECONDS = 20.0
PAGES_PER_POLL = 40
PAGES_AT_ONCE = 3
ALL_PAGES_SECONDS = 60.0
DECK_CHARACTERS = 300


class TakesTooLong(Unavailable):
    """This takes too long to read. Check the address, or write the item by hand."""


@dataclass(frozen=True)
class FeedFacts:
    """What a poll needs to know about a feed; `known` holds the names of the items seen so far."""

    id: int
    url: str
    etag: str | None
    last_modified: str | None
    known: frozenset[str]


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
    extracted = await _in_thread(
        lambda: extraction.extract(fetched.body, fetched.url, charset=fetched.charset)
    )
    return draft_of(extracted)


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
        parsed, decision = await _in_thread(lambda: _parsed(fetched, facts, now))
    except MemoError as error:
        retry_after = error.retry_after if isinstance(error, NotNow) else None
        return FeedOutcome(problem=error.message, retry_after=retry_after)
    outcome = FeedOutcome(
        title=parsed.title,
        etag=fetched.etag,
        last_modified=fetched.last_modified,
        moved_to=fetched.moved_permanently_to,
        is_suspicious=decision.suspicious,
        blank_items=parsed.blank_items,
        replaced_bytes=parsed.replaced_bytes,
        retry_after=fetched.retry_after,
    )
    return outcome if decision.suspicious else await _with_articles(fetcher, outcome, decision)


def draft_of(extracted: Extracted) -> ArticleDraft:
    comments = extracted.comments
    return ArticleDraft(
        url=extracted.canonical_url,
        headline=extracted.headline,
        deck=extracted.deck,
        byline=extracted.byline,
        section=extracted.section,
        language=extracted.language,
        published_at=extracted.published_at,
        body_markdown=extracted.body_markdown,
        picture=asdict(extracted.picture) if extracted.picture else None,
        key_graphs=[asdict(one) for one in extracted.key_graphs],
        late_updates=[asdict(one) for one in extracted.late_updates],
        documents=[asdict(one) for one in extracted.documents],
        comment_count=comments.count if comments else None,
        comments_url=comments.url if comments else None,
        warnings=list(extracted.warnings),
    )


def draft_of_item(item: FeedItem) -> ArticleDraft:
    flat = " ".join(markdown.plain(item.summary_markdown).split())
    deck = flat if len(flat) <= DECK_CHARACTERS else flat[:DECK_CHARACTERS].rpartition(" ")[0] + "…"
    return ArticleDraft(
        url=item.link,
        headline=item.title,
        deck="" if deck == item.title else deck,
        byline=item.author,
        section=item.section,
        published_at=item.published_at,
        body_markdown=item.summary_markdown,
    )


def _parsed(fetched: Fetched, facts: FeedFacts, now: datetime) -> tuple[ParsedFeed, FeedDecision]:
    charset = f"; charset={fetched.charset}" if fetched.charset else ""
    parsed = feed.parse(fetched.body, fetched.url, content_type=fetched.content_type + charset, now=now)
    return parsed, feed.decide(facts.known, parsed.items)


async def _with_articles(fetcher: Fetcher, outcome: FeedOutcome, decision: FeedDecision) -> FeedOutcome:
    """Feeds list the newest first, so under the limits it is the newest whose pages are read."""
    items = [*decision.new, *decision.changed]
    drafts = [draft_of_item(item) for item in items]
    gate = asyncio.Semaphore(PAGES_AT_ONCE)

    async def read(number: int) -> None:
        async with gate:
            drafts[number] = await _from_page(fetcher, items[number], drafts[number])

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
    found = [Found(feed.identities(item), draft) for item, draft in zip(items, drafts, strict=True)]
    count = len(decision.new)
    return replace(outcome, new=tuple(found[:count]), changed=tuple(found[count:]))


def _with_own_addresses(items: list[FeedItem], drafts: list[ArticleDraft]) -> list[ArticleDraft]:
    # Some sites name one and the same page as the canonical one of all; then each item's own link tells them apart.
    named = Counter(page.key(draft.url) for draft in drafts if draft.url)
    return [
        replace(draft, url=item.link) if draft.url and named[page.key(draft.url)] > 1 else draft
        for item, draft in zip(items, drafts, strict=True)
    ]


async def _from_page(fetcher: Fetcher, item: FeedItem, summary: ArticleDraft) -> ArticleDraft:
    """The article behind the item; where its page cannot be read, what the feed itself says of it."""
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


async def _in_thread(function: Callable[[], T], *args: Any) -> T:
    try:
        async with asyncio.timeout(PARSING_SECONDS):
            return await asyncio.to_thread(function, *args)
    except TimeoutError as error:
        raise TakesTooLong from error


__all__ = ["CouldNotExtract", "FeedFacts", "FeedOutcome", "Found", "draft_of", "read_feed", "read_page"]
