"""Feeds are read by whoever is woken first, each by one worker at a time; the rows say what is due, whatever the queue loses."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest
from sqlmodel import Session, col, select

from service.articles import polling, queries, reading
from service.articles.models import Article, Feed
from service.clock import SystemClock
from service.dependencies import Resources, opened
from service.jobs import Kind
from service.settings import Settings
from service.worker import Worker
from tests.service.articles.test_polling import NOW, XML, feed_of, item
from tests.support import publishing
from tests.support.clock import HandClock
from tests.support.newsroom import Newsroom

NO_RELAY = "smtp://127.0.0.1:1?tls=none"
FEEDS = 12


@pytest.fixture
def chosen(chosen: Settings, newsroom: Newsroom) -> Settings:
    return chosen.model_copy(update={"fetch_allow": [f"127.0.0.1:{newsroom.port}"]})


async def follow(resources: Resources, newsroom: Newsroom, count: int) -> list[Feed]:
    urls = [newsroom.slow(f"/feed/{n}", feed_of(item(n)).encode(), piece=400) for n in range(count)]

    def start(session: Session) -> list[Feed]:
        memo = publishing.newsletter(session, NOW)
        return [polling.add_feed(session, memo, url, now=NOW, actor="test") for url in urls]

    return await resources.database.write(start)


def articles(session: Session) -> list[str]:
    return list(session.exec(select(Article.headline).order_by(col(Article.id))))


async def empty_the_queue(url: str) -> None:
    connection = await asyncpg.connect("postgresql://" + url.partition("://")[2])
    try:
        await connection.execute("DELETE FROM pgqueuer")
    finally:
        await connection.close()


async def test_two_workers_read_each_feed_once_also_when_the_queue_is_lost(
    resources: Resources, newsroom: Newsroom
) -> None:
    """Two on PostgreSQL. Both nudge for every feed, and one reads it."""
    feeds = await follow(resources, newsroom, FEEDS)
    async with AsyncExitStack() as stack:
        workers = []
        for _ in range(1 if resources.database.is_sqlite else 2):
            held = await stack.enter_async_context(opened(resources.settings, SystemClock()))
            workers.append(await stack.enter_async_context(Worker(held, NO_RELAY).running()))
        async with asyncio.timeout(120):
            while len(await resources.database.read(articles)) < FEEDS:
                for worker in workers:
                    await worker.look_for_feeds()
                if not resources.database.is_sqlite:
                    await empty_the_queue(resources.settings.database_url)
                await asyncio.sleep(0.05)
    assert [newsroom.count(f"/feed/{n}") for n in range(FEEDS)] == [1] * FEEDS
    for feed in feeds:
        assert (await resources.database.read(queries.feed, feed.uid)).next_poll_at > NOW + polling.POLL_EVERY


async def test_a_feed_whose_reader_died_is_due_again_and_the_late_answer_changes_nothing(
    resources: Resources, clock: HandClock, newsroom: Newsroom
) -> None:
    (feed,) = await follow(resources, newsroom, 1)
    clock.set(NOW)
    slept = await resources.database.write(polling.take, clock.now())
    assert slept is not None
    assert not await polling.poll_next(resources.database, resources.fetcher, clock)
    clock.advance(polling.TAKEN_FOR)
    old = await reading.read_feed(resources.fetcher, slept, clock.now())
    newsroom.serve("/feed/0", feed_of(item(0), item(1)), content_type=XML)
    assert await polling.poll_next(resources.database, resources.fetcher, clock)
    after = await resources.database.read(queries.feed, feed.uid)
    clock.advance(timedelta(seconds=1))
    assert await resources.database.write(polling.record, slept, old, clock.now()) == []
    assert await resources.database.read(queries.feed, feed.uid) == after
    assert len(await resources.database.read(articles)) == 2


async def test_what_the_desk_decides_during_a_poll_is_not_overwritten(
    resources: Resources, clock: HandClock, newsroom: Newsroom
) -> None:
    """It wants the feed read anew, with its items known: the poll under way does not put that off."""
    (feed,) = await follow(resources, newsroom, 1)
    clock.set(NOW)
    facts = await resources.database.write(polling.take, clock.now())
    assert facts is not None
    outcome = await reading.read_feed(resources.fetcher, facts, clock.now())

    def accept(session: Session) -> None:
        polling.accept_as_known(session, queries.feed(session, feed.uid), now=clock.now(), actor="desk")

    await resources.database.write(accept)
    assert await resources.database.write(polling.record, facts, outcome, clock.now()) == []
    assert await resources.database.read(polling.due, clock.now()) == [feed.id]


async def test_the_queue_says_how_much_waits_in_it(resources: Resources) -> None:
    assert await resources.jobs.waiting() == dict.fromkeys(Kind, 0)
    for key in ("feed-1", "feed-2", "feed-1"):
        await resources.jobs.nudge(Kind.FEED, key)
    await resources.jobs.nudge(Kind.SPAN, "span-1")
    assert await resources.jobs.waiting() == {Kind.SPAN: 1, Kind.NOTICE: 0, Kind.CHORE: 0, Kind.FEED: 2}
