"""Which feeds are to be read, and what a poll changed. Reading itself is `reading.read_feed`, between the two:

due -> a nudge for each -> take -> (no transaction) reading.read_feed -> record

A feed that is taken is due again only after `TAKEN_FOR`, so that nobody else reads it meanwhile, and somebody does if its reader dies.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from sqlmodel import Session, select

from service import logs
from service.articles import intake, queries, reading, spelling
from service.articles.models import Article, Feed, FeedIdentity, Source
from service.articles.reading import FeedFacts, FeedOutcome, Found
from service.clock import Clock
from service.database import Database
from service.errors import Conflict, Invalid
from service.events import log as events
from service.fetching import Fetcher
from service.ledger import alarms
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering import characters, links

log = logs.get(__name__)

POLL_EVERY = timedelta(minutes=15)
SLOWEST_POLL = timedelta(hours=24)
FAILURES_BEFORE_ALARM = 3
FEEDS_AT_ONCE = 8  # of one process
NUDGED_AT_ONCE = 50
TAKEN_FOR = timedelta(minutes=3)  # longer than reading.read_feed can take
TITLE_CHARACTERS = 300
PROBLEM_CHARACTERS = 500
FLOOD = (
    "Most of this feed is suddenly new, which feeds do when their site moves. Nothing of it has been taken in. "
    "Look at the feed, then say here that its items are known."
)


class FeedKnown(Conflict):
    """This newsletter follows that feed already."""


class FeedAddressInvalid(Invalid):
    """This is no address of a feed; give one that begins with https:// or http://."""


def add_feed(session: Session, newsletter: Newsletter, url: str, *, now: datetime, actor: str) -> Feed:
    address = characters.single_line(url)
    if not links.is_web(address) or len(address) > 2000:
        raise FeedAddressInvalid(field="url")
    if any(
        spelling.key(feed.url) == spelling.key(address) for feed in queries.feeds_of(session, newsletter.id)
    ):
        raise FeedKnown
    feed = Feed(newsletter_id=newsletter.id, url=address, next_poll_at=now, created_at=now)
    session.add(feed)
    session.flush()
    events.record(
        session, "feed.added", actor=actor, now=now, subject=("feed", feed.uid), facts={"url": address}
    )
    return feed


def due(session: Session, now: datetime) -> list[int]:
    """The ids of feeds to read, those that have waited longest first."""
    return queries.feeds_due(session, now, limit=NUDGED_AT_ONCE)


def take(session: Session, now: datetime) -> FeedFacts | None:
    """The feed that has waited longest, for the caller to read and no other."""
    feed = queries.feed_to_take(session, now)
    if feed is None:
        return None
    feed.next_poll_at = now + TAKEN_FOR
    session.add(feed)
    return _facts(session, feed)


async def poll_next(database: Database, fetcher: Fetcher, clock: Clock) -> bool:
    """Read one feed that is due; False if none is."""
    facts = await database.write(take, clock.now())
    if facts is None:
        return False
    outcome = await reading.read_feed(fetcher, facts, clock.now())
    await database.write(record, facts, outcome, clock.now())
    return True


async def poll_due(database: Database, fetcher: Fetcher, clock: Clock) -> None:
    """Every feed that is due, some side by side."""

    async def poll() -> None:
        while await poll_next(database, fetcher, clock):
            pass

    async with asyncio.TaskGroup() as pollers:
        for _ in range(FEEDS_AT_ONCE):
            pollers.create_task(poll())


def record(session: Session, facts: FeedFacts, outcome: FeedOutcome, now: datetime) -> list[Article]:
    """Store what a poll brought; returns the articles that are new. The same outcome twice changes nothing, nor does one that
    comes when the feed is no longer its reader's own: somebody else has read it, or the desk has it read anew.
    """
    feed = session.exec(select(Feed).where(Feed.id == facts.id).with_for_update()).one_or_none()
    if feed is None or feed.next_poll_at != facts.until:
        return []
    feed.polled_at = now
    if outcome.problem is not None:
        _failed(session, feed, outcome, now)
        return []
    _succeeded(feed, outcome, now)
    if outcome.is_unchanged:
        return []
    if outcome.is_suspicious:
        _warn(session, feed, "feed.suspicious", FLOOD, now)
        feed.problem = FLOOD
        # Without these the next poll brings the same items again, until the desk has decided.
        feed.etag = feed.last_modified = None
        return []
    feed.problem = None
    return _take_in(session, feed, outcome, now)


def accept_as_known(session: Session, feed: Feed, *, now: datetime, actor: str) -> None:
    """The desk's answer to a flood: the next poll takes the feed as it is, as a first poll does."""
    for identity in session.exec(select(FeedIdentity).where(FeedIdentity.feed_id == feed.id)):
        session.delete(identity)
    feed.problem, feed.next_poll_at = None, now
    feed.etag = feed.last_modified = None
    session.add(feed)
    session.flush()
    events.record(session, "feed.accepted", actor=actor, now=now, subject=("feed", feed.uid))


def _facts(session: Session, feed: Feed) -> FeedFacts:
    known = frozenset(queries.identities(session, feed.id))
    return FeedFacts(feed.id, feed.url, feed.etag, feed.last_modified, known, feed.next_poll_at)


def _succeeded(feed: Feed, outcome: FeedOutcome, now: datetime) -> None:
    if feed.failures:
        feed.failures, feed.problem = 0, None
    feed.next_poll_at = now + max(POLL_EVERY, _asked_wait(outcome.retry_after, now))
    if outcome.moved_to and len(outcome.moved_to) <= 2000:
        feed.url = outcome.moved_to
    if outcome.is_unchanged:
        return
    feed.title = characters.single_line(outcome.title)[:TITLE_CHARACTERS] or feed.title
    feed.etag = outcome.etag if outcome.etag and len(outcome.etag) <= 500 else None
    modified = outcome.last_modified
    feed.last_modified = modified if modified and len(modified) <= 100 else None


def _failed(session: Session, feed: Feed, outcome: FeedOutcome, now: datetime) -> None:
    feed.failures += 1
    feed.problem = (outcome.problem or "")[:PROBLEM_CHARACTERS]
    slower = POLL_EVERY * 2 ** min(feed.failures - 1, 7)
    feed.next_poll_at = now + max(min(slower, SLOWEST_POLL), _asked_wait(outcome.retry_after, now))
    session.add(feed)
    if feed.failures == FAILURES_BEFORE_ALARM:
        _warn(session, feed, "feed.failing", feed.problem, now)


def _warn(session: Session, feed: Feed, event: str, problem: str, now: datetime) -> None:
    if event == "feed.suspicious" and feed.problem == problem:
        return
    log.warning(event, feed=str(feed.uid), problem=problem)
    events.record(
        session, event, actor="clock", now=now, subject=("feed", feed.uid), facts={"problem": problem}
    )
    newsletter = publication.get_by_id(session, feed.newsletter_id)
    alarms.ring(
        session, newsletter, subject=f"The feed {feed.url}", text=problem, path="/desk/feeds", now=now
    )


def _asked_wait(retry_after: str | None, now: datetime) -> timedelta:
    """Retry-After: seconds or an HTTP date (RFC 9110 §10.2.3), within a day."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdecimal():
        wait = timedelta(seconds=min(int(text[:9]), 10**8))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return timedelta(0)
        wait = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta(0)), SLOWEST_POLL)


def _take_in(session: Session, feed: Feed, outcome: FeedOutcome, now: datetime) -> list[Article]:
    known = queries.identities(session, feed.id)
    taken = []
    for found in outcome.new:
        # Another process may have recorded the same poll meanwhile.
        if known.keys().isdisjoint(found.names) and (article := _add(session, feed, found, now)) is not None:
            taken.append(article)
            _remember(session, feed, found.names, article.id, known)
    for found in outcome.changed:
        _bring_up_to_date(session, feed, found, known, now)
    if outcome.blank_items or outcome.replaced_bytes:
        log.info(
            "feed.blemished", feed=str(feed.uid), blank=outcome.blank_items, replaced=outcome.replaced_bytes
        )
    if outcome.replaced_bytes:
        feed.problem = (
            f"{outcome.replaced_bytes} unreadable bytes were replaced; look for \ufffd in its articles."
        )
    session.add(feed)
    session.flush()
    return taken


def _add(session: Session, feed: Feed, found: Found, now: datetime) -> Article | None:
    try:
        return intake.add(session, feed.newsletter_id, found.draft, source=Source.FEED, now=now)
    except intake.ArticleInvalid as error:
        log.info("feed.item_dropped", feed=str(feed.uid), problem=error.message)
        return None


def _bring_up_to_date(
    session: Session, feed: Feed, found: Found, known: dict[str, int | None], now: datetime
) -> None:
    article_id = next((known[name] for name in found.names if known.get(name) is not None), None)
    article = session.get(Article, article_id) if article_id is not None else None
    if article is not None:
        try:
            intake.update(session, article, found.draft, now=now)
        except intake.ArticleInvalid as error:
            log.info("feed.item_dropped", feed=str(feed.uid), problem=error.message)
    _remember(session, feed, found.names, article_id, known)


def _remember(
    session: Session, feed: Feed, names: Iterable[str], article_id: int | None, known: dict[str, int | None]
) -> None:
    missing = [name for name in dict.fromkeys(names) if name not in known]
    queries.add_identities(session, feed.id, missing, article_id)
    known.update(dict.fromkeys(missing, article_id))
