"""Real workers that are stopped and wake up, or are told to pause: whoever no longer holds a span begins no further message of it."""

import asyncio
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import steering
from service.delivery.models import Seat
from service.delivery.sharing import SeatLane
from service.dependencies import Resources
from service.ledger.models import Delivery, DeliveryState, Span
from tests.support import processes
from tests.support.crash import Rehearsal, Verdict
from tests.support.nursery import nursery
from tests.support.outbox import open_outbox
from tests.support.processes import Process
from tests.support.sabotage import Plan, Point

CONNECTIONS = 4
HEARTBEAT_OVER_SECONDS = 11  # a span is stale after 10
WITHOUT_FENCE = Plan(without_fence=True)


def readers(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(count)]


async def test_workers_that_sleep_past_their_heartbeat_and_wake_repeat_no_more_than_they_had_in_flight(
    resources: Resources, tmp_path: Path
) -> None:
    """On PostgreSQL beside a third that takes over; on SQLite nobody else can."""
    if resources.database.is_sqlite:
        found, sleepers = await slept_alone(resources, tmp_path), 1
    else:
        found, sleepers = await slept_beside_another(resources, tmp_path, Plan()), 2
    assert list(found.wrongs()) == []
    assert found.repeats_in_all <= sleepers * CONNECTIONS


async def test_the_same_sleep_tells_a_sender_without_the_fence(resources: Resources, tmp_path: Path) -> None:
    """The fence is asked whether the span is still ours, which only another process can change, or the desk: a pause."""
    if resources.database.is_sqlite:
        assert await begun_after_a_pause(resources, tmp_path, WITHOUT_FENCE) > CONNECTIONS
    else:
        found = await slept_beside_another(resources, tmp_path, WITHOUT_FENCE)
        assert found.repeats_in_all > 2 * CONNECTIONS


async def test_nb_29_after_a_pause_no_connection_begins_more_than_one_message(
    resources: Resources, tmp_path: Path
) -> None:
    assert await begun_after_a_pause(resources, tmp_path, Plan()) <= CONNECTIONS


async def slept_alone(resources: Resources, folder: Path) -> Verdict:
    """The only worker stops between the statements of a commit, and goes on when all that it holds is stale."""
    outbox = await open_outbox(resources, readers(300))
    async with await processes.relay(folder) as relay, nursery(folder) as lives:
        rehearsal = Rehearsal(outbox, relay, lives, folder=folder, connections=CONNECTIONS)
        async with await rehearsal.life(point=Point.BETWEEN_STATEMENTS, nth=20, stops=True) as worker:
            await worker.until_stopped()
            await asyncio.sleep(HEARTBEAT_OVER_SECONDS)
            worker.resume()
            await outbox.until_ended(within=60)
        return await rehearsal.verdict()


async def slept_beside_another(resources: Resources, folder: Path, build: Plan) -> Verdict:
    """Two of three workers stop, one of them with locks held, and go on as soon as the third is at a span of theirs."""
    outbox = await open_outbox(resources, readers(1_000))
    async with await processes.relay(folder, "--delay-ms", "80") as relay, nursery(folder) as lives:
        together = 3 * CONNECTIONS
        rehearsal = Rehearsal(outbox, relay, lives, folder=folder, connections=together, build=build)
        async with await rehearsal.life() as first, await rehearsal.life() as third:
            for one in (first, third):
                await _until_it_has(resources, one, range(1, together + 1))
            # It comes last, so it never has more connections than its share.
            async with await rehearsal.life(point=Point.BETWEEN_STATEMENTS, nth=20, stops=True) as second:
                await second.until_stopped()
                await _until_it_has(resources, first, range(1, CONNECTIONS + 1))
                await _paused_at_a_span(resources, first)
                await asyncio.gather(*(_woken_when_robbed(resources, sleeper) for sleeper in (first, second)))
                await asyncio.sleep(1.5)
                relay.script(delay_ms=0)
                await outbox.until_ended(within=60)
        return await rehearsal.verdict()


async def _until_it_has(resources: Resources, worker: Process, connections: range) -> None:
    async with asyncio.timeout(20):
        while await resources.database.read(_connections_of, worker.pid) not in connections:
            await asyncio.sleep(0.02)


def _connections_of(session: Session, pid: int) -> int:
    """As many as it has open at most."""
    is_its = (col(Seat.lane) == SeatLane.EDITIONS, col(Seat.holder).contains(f":{pid}@"))
    return sum(session.exec(select(Seat.allowed).where(*is_its)).all())


async def _paused_at_a_span(resources: Resources, worker: Process) -> None:
    """With much of it left: between two spans, or at the end of one, there is nothing that another could take over and send again."""
    async with asyncio.timeout(20):
        while True:
            worker.pause()
            if await resources.database.read(_rows_left, worker.pid) > 4 * CONNECTIONS:
                return
            worker.resume()
            await asyncio.sleep(0.05)


async def _woken_when_robbed(resources: Resources, sleeper: Process) -> None:
    held = await resources.database.read(_held_by, sleeper.pid)
    assert held
    try:
        async with asyncio.timeout(40):
            while await resources.database.read(_held_by, sleeper.pid) == held:
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise AssertionError(f"nobody took over: {await resources.database.read(_spans)}") from error
    sleeper.resume()


def _rows_left(session: Session, pid: int) -> int:
    left = (
        sa.select(sa.func.count())
        .join_from(Delivery, Span, col(Delivery.edition_id) == col(Span.edition_id))
        .where(
            col(Span.id).in_(_held_by(session, pid)),
            col(Delivery.number) >= col(Span.first),
            col(Delivery.number) < col(Span.last),
            col(Delivery.state) == DeliveryState.QUEUED,
        )
    )
    return int(session.execute(left).scalar_one())


def _spans(session: Session) -> list[str]:
    """Who is at what, for whoever has to find out why it stands."""
    now = database.now(session)
    return [
        f"{one.first}-{one.last} {one.counts} due {one.due_at and now - one.due_at} held by {one.holder}, renewed "
        f"{one.renewed_at and now - one.renewed_at} ago, {one.deaths} deaths"
        for one in session.exec(select(Span).order_by(col(Span.id)))
    ]


def _held_by(session: Session, pid: int) -> list[int]:
    query = sa.select(col(Span.id)).where(
        col(Span.holder).endswith(f":{pid}"), col(Span.renewed_at).is_not(None)
    )
    return list(session.execute(query.order_by(col(Span.id))).scalars())


async def begun_after_a_pause(resources: Resources, folder: Path, build: Plan) -> int:
    """How many messages the relay still takes after the pause is in the database; nobody is lost by it."""
    outbox = await open_outbox(resources, readers(300))
    uid, now = outbox.edition.uid, resources.clock.now()
    async with await processes.relay(folder, "--delay-ms", "50") as relay, nursery(folder) as lives:
        rehearsal = Rehearsal(outbox, relay, lives, folder=folder, connections=CONNECTIONS, build=build)
        async with await rehearsal.life():
            await relay.until_accepted(20)
            await resources.database.write(steering.pause, uid, reason="a wrong link", now=now, actor="test")
            before = len(relay.lines())
            await asyncio.sleep(1)
            if build.without_fence:  # more are certain to come, but not how soon
                await relay.until_accepted(before + CONNECTIONS + 1, within=10)
            begun = len(relay.lines()) - before
            await resources.database.write(steering.resume, uid, now=now, actor="test")
            relay.script(delay_ms=0)
            await outbox.until_ended(within=60)
        assert list((await rehearsal.verdict()).wrongs()) == []
        return begun
