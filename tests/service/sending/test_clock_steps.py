"""The database's clock goes back by an hour: what was written before lies ahead, and must stop nobody."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database, tokens, upkeep
from service.delivery import closing, notice_rows, pace, pace_rows, quota, seat_rows, spans, steering
from service.delivery.models import Bucket, HandedOver, Seat
from service.delivery.models import Relay as RelayRow
from service.delivery.notice_lane import NoticeLane
from service.delivery.notice_messages import Stationery
from service.delivery.seat_rows import Claim
from service.delivery.sharing import SeatLane
from service.dependencies import Resources
from service.ledger.models import Delivery, Notice, Span
from service.worker import Worker
from service.workers import present, register
from service.workers.models import WorkerProcess
from service.workers.register import Identity
from tests.service.sending.test_notices import ask, real
from tests.service.sending.test_pace import NAME, RATE, limit, mean, readers, workers
from tests.service.sending.test_spans import PINNING
from tests.support.arrivals import busiest_second
from tests.support.clock import HandClock
from tests.support.lag import Lag
from tests.support.outbox import office, open_outbox, relay_at
from tests.support.relay import Relay

HOUR = timedelta(hours=1)


def given_before(session: Session, relay: str, rate: int) -> None:
    """Tokens up to an hour from now."""
    limit(session, relay, rate=rate)
    ahead = (database.now(session) + HOUR).timestamp()
    session.add(Bucket(place=f"relay:{relay}", next_at=ahead, notice_at=ahead))


def held_before(session: Session) -> None:
    ahead = database.now(session) + HOUR
    session.execute(sa.update(Span).values(renewed_at=ahead, holder="dead:1", epoch=5))


def seats_before(session: Session) -> None:
    ahead = database.now(session) + HOUR
    session.add(RelayRow(name=NAME, connections=4))
    session.add(Seat(uid=tokens.new_uid(), relay=NAME, lane=SeatLane.EDITIONS, holder="dead", wanted=4, allowed=4,
                     since=ahead, seen_at=ahead))  # fmt: skip


def ten_seconds_later(session: Session) -> None:
    for seat in session.exec(select(Seat)):
        seat.seen_at -= seat_rows.STALE
        session.add(seat)


def notice_held_before(session: Session) -> None:
    notice = session.exec(select(Notice)).one()
    notice.renewed_at = database.now(session) + HOUR
    session.add(notice)


async def test_a_relays_rate_goes_on_and_is_kept(resources: Resources, relay: Relay) -> None:
    await resources.database.write(given_before, relay_at(relay.url).name, RATE)
    await open_outbox(resources, readers(300))
    async with workers(resources, relay, 4):
        await relay.until(1)
        async with Lag().measured() as lag:
            await relay.until(300, within=10)
    moments = sorted(one.at for one in relay.received)
    assert busiest_second(moments) <= RATE * 1.1
    assert mean(moments, lag=lag.seconds) >= RATE * 0.4


async def test_what_is_given_out_then_is_given_out_once(resources: Resources) -> None:
    """Also beside the tokens that workers had from before: those are used up first."""
    await resources.database.write(given_before, NAME, RATE)
    loop, given, first = asyncio.get_running_loop(), 0, float("inf")
    wanted = {f"relay:{NAME}": (10, float(RATE))}
    started = loop.time()

    async def hungry() -> None:
        nonlocal given, first
        while loop.time() - started < 0.8 or not given:  # nothing is, before the old tokens are used up
            found = (await resources.database.write(pace_rows.lease, NAME, wanted, unused=0))[f"relay:{NAME}"]
            if found.count:
                first = min(first, loop.time() - started + found.delay)
            given += found.count

    async with asyncio.timeout(10):
        await asyncio.gather(*(hungry() for _ in range(4)))
    assert 0 < given <= RATE * (loop.time() - started) + 1
    assert first >= pace.AHEAD_SECONDS - 0.01


async def test_an_edition_slowed_by_hand_has_its_bucket_back_after_one_question(resources: Resources) -> None:
    wanted = {"edition:7": (1, 2.0)}

    def before(session: Session) -> None:
        session.add(Bucket(place="edition:7", next_at=(database.now(session) + HOUR).timestamp()))

    await resources.database.write(before)
    refused = (await resources.database.write(pace_rows.lease, NAME, wanted, unused=0))["edition:7"]
    assert refused.count == 0
    await asyncio.sleep(refused.retry)
    assert (await resources.database.write(pace_rows.lease, NAME, wanted, unused=0))["edition:7"].count == 1


async def test_a_notice_leaves_within_seconds(resources: Resources, relay: Relay) -> None:
    resources = real(resources)
    await resources.database.write(ask, resources)
    await resources.database.write(given_before, relay_at(relay.url).name, 10)
    await resources.database.write(notice_held_before)
    stationery = Stationery(resources.keys, resources.templates, "https://news.example.org")
    notices = NoticeLane(office(resources, relay_at(relay.url)), stationery)
    assert await resources.database.read(notice_rows.due, relay_at(relay.url).name)
    async with asyncio.timeout(5):
        await notices.send_due()
    await notices.close()
    assert len(relay.received) == 1


async def test_notices_wait_a_bounded_time_however_many_workers_ask(resources: Resources) -> None:
    await resources.database.write(limit, NAME, rate=1)
    delays = [await resources.database.write(pace_rows.notice_delay, NAME) for _ in range(30)]
    assert max(delays) < seat_rows.STALE.total_seconds()


async def test_spans_of_the_dead_are_free(resources: Resources) -> None:
    await open_outbox(resources, readers(50))
    await resources.database.write(held_before)
    assert await resources.database.read(spans.due, NAME)
    wait = timedelta(seconds=1)
    taken = await resources.database.write(
        spans.take, holder="me", relay=NAME, pinning=PINNING, uncertain_wait=wait
    )
    assert taken is not None
    assert await resources.database.read(spans.due, NAME) == []  # held, by one who lives


async def test_a_cancelled_edition_ends_without_the_dead(resources: Resources) -> None:
    outbox = await open_outbox(resources, readers(50))
    await resources.database.write(held_before)
    await resources.database.write(
        steering.cancel, outbox.edition.uid, now=resources.clock.now(), actor="test"
    )
    assert await resources.database.write(closing.sweep_cancelled) == 1


async def test_connections_of_the_dead_come_back_and_the_living_keep_theirs(resources: Resources) -> None:
    """Nobody can tell one from the other but by waiting: the number holds at every moment."""
    await resources.database.write(seats_before)
    claim = Claim(tokens.new_uid(), NAME, SeatLane.EDITIONS, "me")
    wish = {"wanted": 3, "opened": 0, "unless_said": 4}
    assert await resources.database.write(seat_rows.renew, claim, **wish) == 0
    await resources.database.write(ten_seconds_later)
    assert await resources.database.write(seat_rows.renew, claim, **wish) == 3


async def test_what_is_said_ahead_of_now_by_little_is_no_step(resources: Resources) -> None:
    """Clocks are set by a few milliseconds all the time."""
    await open_outbox(resources, readers(50))

    def held(session: Session) -> None:
        session.execute(sa.update(Span).values(renewed_at=database.now(session) + timedelta(seconds=2)))

    await resources.database.write(held)
    assert await resources.database.read(spans.due, NAME) == []
    held_spans = sa.select(sa.func.count()).where(col(Span.renewed_at).is_not(None))
    assert await resources.database.read(lambda session: session.scalar(held_spans)) == 1


def everything_waits(session: Session) -> None:
    """As an hour that is to come to once more has left it: waits of seconds, said by a clock that was an hour ahead."""
    ahead = database.now(session) + HOUR
    session.add(WorkerProcess(uid=tokens.new_uid(), name="one:1", host="one", pid=1, version="0", figures={},
                              started_at=ahead - HOUR, seen_at=ahead))  # fmt: skip
    session.execute(sa.update(Span).values(due_at=ahead + timedelta(seconds=1)))
    session.execute(sa.update(Delivery).values(due_at=ahead + timedelta(seconds=1)))
    session.execute(sa.update(Notice).values(due_at=ahead))
    session.flush()


def relay_waits(session: Session, name: str) -> None:
    ahead = database.now(session) + HOUR
    relay = session.exec(select(RelayRow).where(RelayRow.name == name)).first() or RelayRow(name=name)
    relay.problem, relay.wait_until, relay.rest_until = "no connection", ahead, ahead
    session.add(relay)


async def test_what_waits_is_moved_back_by_whoever_sees_it_first(resources: Resources, relay: Relay) -> None:
    await open_outbox(resources, readers(20))
    await resources.database.write(everything_waits)
    await resources.database.write(relay_waits, relay_at(relay.url).name)
    async with Worker(real(resources), relay.url).running():
        await relay.until(20, within=15)


async def test_a_notice_that_waits_is_moved_back_too(resources: Resources, relay: Relay) -> None:
    resources = real(resources)
    await resources.database.write(ask, resources)
    await resources.database.write(everything_waits)
    async with Worker(resources, relay.url).running():
        await relay.until(1, within=15)


async def test_it_is_seen_once_and_a_quota_counts_what_was_given_out_then(resources: Resources) -> None:
    await resources.database.write(everything_waits)

    def used(session: Session) -> None:
        now = database.now(session)
        session.add(RelayRow(name=NAME, per_hour=100))
        quota.note(session, NAME, now, 10)
        quota.note(session, NAME, now + HOUR, 30)

    await resources.database.write(used)
    before = await resources.database.read(database.now)
    for name in ("two:2", "three:3"):
        one = Identity(tokens.new_uid(), name, "two", 2, "0")
        await resources.database.write(register.beat, one, {}, upkeep.clock_went_back)

    def given_out(session: Session) -> tuple[int, datetime]:
        count, latest = sa.func.sum(col(HandedOver.count)), sa.func.max(col(HandedOver.since))
        row = session.execute(sa.select(count, latest)).one()
        return row[0], row[1]

    count, latest = await resources.database.read(given_out)
    assert count == 40
    assert before - 2 * quota.STEP < latest <= await resources.database.read(database.now)


async def test_a_worker_that_is_dead_is_dead_by_the_new_clock_too(resources: Resources) -> None:
    def two(session: Session) -> None:
        ahead = database.now(session) + HOUR
        for number, seen_at in ((1, ahead), (2, ahead - register.GONE_AFTER * 2)):
            session.add(WorkerProcess(uid=tokens.new_uid(), name=f"one:{number}", host="one", pid=number, version="0",
                                      figures={}, started_at=seen_at, seen_at=seen_at))  # fmt: skip

    await resources.database.write(two)
    one = Identity(tokens.new_uid(), "two:2", "two", 2, "0")
    step = await resources.database.write(register.beat, one, {}, upkeep.clock_went_back)
    assert step is not None
    assert abs(step - HOUR) < timedelta(seconds=5)
    found = {one.name: one.is_alive for one in await resources.database.read(present.everybody)}
    assert found == {"one:1": True, "one:2": False, "two:2": True}


async def test_a_step_of_a_second_moves_nothing(resources: Resources) -> None:
    await open_outbox(resources, readers(5))

    def a_little(session: Session) -> None:
        soon = database.now(session) + timedelta(seconds=3)
        session.execute(sa.update(Span).values(due_at=soon + HOUR))
        session.add(WorkerProcess(uid=tokens.new_uid(), name="one:1", host="one", pid=1, version="0", figures={},
                                  started_at=soon, seen_at=soon))  # fmt: skip

    await resources.database.write(a_little)
    due = sa.select(col(Span.due_at))
    before = await resources.database.read(lambda session: session.scalar(due))
    one = Identity(tokens.new_uid(), "two:2", "two", 2, "0")
    assert await resources.database.write(register.beat, one, {}, upkeep.clock_went_back) is None
    assert await resources.database.read(lambda session: session.scalar(due)) == before


async def test_a_notice_is_due_by_the_clock_that_will_be_asked(resources: Resources) -> None:
    """A web server's clock may be a minute ahead of the database's: nobody's confirmation waits for that."""
    resources = real(resources)
    ahead = replace(resources, clock=HandClock(datetime.now(UTC) + HOUR))
    await resources.database.write(ask, ahead)
    assert await resources.database.read(notice_rows.due, NAME)
