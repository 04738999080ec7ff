"""Writing out an audience: breaking news first, otherwise in turn, and not so far ahead that outcomes wait for it."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service.delivery import spans, spreading
from service.delivery.spans import Pinning
from service.dependencies import Resources
from service.jobs import Kind
from service.ledger import fanout
from service.ledger.models import Lane, Run, Span
from service.worker import Worker
from tests.support.outbox import Outbox, once_more, open_outbox

READERS = 120
CHUNKS = 3  # of 50, 50 and 20


async def outbox_with(resources: Resources) -> Outbox:
    return await open_outbox(resources, [f"reader{number}@example.org" for number in range(READERS)])


async def unwritten(resources: Resources, outbox: Outbox, lane: Lane = Lane.SCHEDULED) -> int:
    return await resources.database.write(
        once_more, outbox.edition.id, READERS, lane=lane, is_written_out=False
    )


def in_order(session: Session, *editions: int) -> list[int]:
    """Whose spans they are, as they were written."""
    query = sa.select(col(Span.edition_id)).where(col(Span.edition_id).in_(editions)).order_by(col(Span.id))
    return list(session.execute(query).scalars())


def is_all_written(session: Session) -> bool:
    return all(run.is_fanned_out and run.last_number == READERS for run in session.scalars(sa.select(Run)))


async def test_breaking_news_is_written_out_before_what_is_under_way(resources: Resources) -> None:
    outbox = await outbox_with(resources)
    large = await unwritten(resources, outbox)
    breaking = await unwritten(resources, outbox, Lane.BREAKING)
    assert await resources.database.read(fanout.unfinished) == [breaking]
    await spreading.carry_on(resources, asyncio.Event())
    assert await resources.database.read(in_order, large, breaking) == [breaking] * CHUNKS + [large] * CHUNKS
    assert await resources.database.read(is_all_written)


async def test_two_editions_are_written_out_in_turn(resources: Resources) -> None:
    outbox = await outbox_with(resources)
    one, two = await unwritten(resources, outbox), await unwritten(resources, outbox)
    await spreading.carry_on(resources, asyncio.Event())
    assert await resources.database.read(in_order, one, two) == [one, two] * CHUNKS
    assert await resources.database.read(is_all_written)


async def test_what_could_not_be_written_out_once_is_looked_at_again(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paused and resumed in the midst of another edition, it does not wait for that one's end."""
    outbox = await outbox_with(resources)
    one, two = await unwritten(resources, outbox), await unwritten(resources, outbox)
    monkeypatch.setattr(spreading, "ELSEWHERE_SECONDS", 0.0)
    tried, carry_on = [], fanout.carry_on

    def not_at_first(session: Session, edition_id: int, who: fanout.Audience) -> int | None:
        tried.append(edition_id)
        return None if tried == [one] else carry_on(session, edition_id, who)

    monkeypatch.setattr(fanout, "carry_on", not_at_first)
    await spreading.carry_on(resources, asyncio.Event())
    assert await resources.database.read(in_order, one, two) == [two, one] * CHUNKS
    assert await resources.database.read(is_all_written)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_somebody_else_writes_out_is_left_to_them(resources: Resources) -> None:
    outbox = await outbox_with(resources)
    theirs, ours = await unwritten(resources, outbox), await unwritten(resources, outbox)
    begun, is_enough = asyncio.Event(), asyncio.Event()

    def hold_it(session: Session) -> None:
        session.execute(sa.select(Run).where(col(Run.edition_id) == theirs).with_for_update())
        begun.set()
        for _ in range(200):
            if is_enough.is_set():
                return
            session.execute(sa.text("SELECT pg_sleep(0.1)"))

    holding = asyncio.create_task(resources.database.write(hold_it))
    async with asyncio.timeout(15):
        await begun.wait()
        await spreading.carry_on(resources, asyncio.Event())
    assert not holding.done(), "nobody waits for them"
    is_enough.set()
    await holding
    assert await resources.database.read(in_order, theirs, ours) == [ours] * CHUNKS


async def test_who_writes_out_is_not_nudged_to_and_who_has_failed_at_it_is(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = await outbox_with(resources)
    await unwritten(resources, outbox)
    begun, failing = asyncio.Event(), asyncio.Event()

    async def fails(_held: object, _stopping: asyncio.Event) -> None:
        begun.set()
        await failing.wait()
        raise OSError("the database is gone")

    monkeypatch.setattr(spreading, "carry_on", fails)
    worker = Worker(resources, None)
    writing_out = asyncio.create_task(worker._fan_out())
    async with asyncio.timeout(10):
        await begun.wait()
    await worker._begin_what_is_due()
    assert (await resources.jobs.waiting())[Kind.CHORE] == 0
    failing.set()
    with pytest.raises(OSError, match="gone"):
        await writing_out
    await worker._begin_what_is_due()
    assert (await resources.jobs.waiting())[Kind.CHORE] == 1


async def test_what_is_ahead_is_what_nobody_has_taken(resources: Resources) -> None:
    outbox = await outbox_with(resources)
    edition = outbox.edition.id
    assert await resources.database.read(fanout.rows_ahead, edition) == READERS
    pinning = Pinning(resources.clock.now(), resources.keys.fingerprint())
    taken = await resources.database.write(
        spans.take, holder="one", relay="a", pinning=pinning, uncertain_wait=timedelta(seconds=1)
    )
    assert taken is not None
    left = READERS - (taken.last - taken.first)
    assert await resources.database.read(fanout.rows_ahead, edition) == left


async def test_far_ahead_it_gives_way(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    """For many times as long as a chunk took, here after two of three."""
    outbox = await outbox_with(resources)
    monkeypatch.setattr(spreading, "GIVES_WAY", 300)
    monkeypatch.setattr(spreading, "LONGEST_SECONDS", 0.01)  # three seconds at most, also on a busy machine
    loop, took = asyncio.get_running_loop(), []
    for ahead in (READERS + 1, READERS + 1, READERS + 1, 80):
        monkeypatch.setattr(spreading, "AHEAD_ROWS", ahead)
        await unwritten(resources, outbox)
        began = loop.time()
        await spreading.carry_on(resources, asyncio.Event())
        took.append(loop.time() - began)
    assert took[-1] > 5 * min(took[:-1]), took
    assert await resources.database.read(is_all_written)


async def test_giving_way_it_sees_breaking_news_and_its_own_end(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it would rest."""
    monkeypatch.setattr(spreading, "GIVES_WAY", 1e6)
    monkeypatch.setattr(spreading, "AHEAD_ROWS", 1)
    outbox, stopping = await outbox_with(resources), asyncio.Event()
    large = await unwritten(resources, outbox)
    working = asyncio.create_task(spreading.carry_on(resources, stopping))
    await until_in_order(resources, [large], large)
    breaking = await unwritten(resources, outbox, Lane.BREAKING)
    await until_in_order(resources, [large, breaking], large, breaking)
    stopping.set()
    async with asyncio.timeout(20):
        await working
    assert not await resources.database.read(is_all_written)


async def until_in_order(resources: Resources, wanted: list[int], *editions: int) -> None:
    async with asyncio.timeout(20):
        while await resources.database.read(in_order, *editions) != wanted:
            await asyncio.sleep(0.02)
