"""A relay's connections, shared by all workers: counted where they arrive."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from sqlmodel import Session, select

from service import database, tokens
from service.clock import SystemClock
from service.delivery import seat_rows
from service.delivery.models import Relay as RelayRow
from service.delivery.models import Seat
from service.delivery.notice_lane import NoticeLane
from service.delivery.notice_messages import Stationery
from service.delivery.office import Office
from service.delivery.seats import Seats
from service.delivery.sending import Sender
from service.delivery.sharing import SeatLane
from service.dependencies import Resources
from service.newsletters.models import Newsletter
from service.subscribers import register
from service.subscribers.models import State
from service.subscribers.register import NewReader
from tests.service.sending.test_pace import at_work, readers
from tests.support.lag import Lag
from tests.support.outbox import office, open_outbox, relay_at
from tests.support.relay import Relay

CONNECTIONS = 6
NEWCOMER_SECONDS = 2.0


def shared(resources: Resources, relay: Relay, holder: str, connections: int = CONNECTIONS) -> Office:
    alone = office(resources, relay_at(relay.url), holder=holder, connections=max(1, connections - 1))
    return replace(alone, shared_connections=connections)


@asynccontextmanager
async def worker(office: Office) -> AsyncIterator[Sender]:
    sender = Sender(office)
    running, working = asyncio.create_task(sender.run()), asyncio.create_task(at_work(sender))
    try:
        yield sender
    finally:
        sender.drain()
        working.cancel()
        await asyncio.wait({working}, timeout=5)
        running.cancel()
        await asyncio.wait({running}, timeout=5)


def limited(session: Session, name: str, connections: int) -> None:
    session.add(RelayRow(name=name, connections=connections or None))


def died(session: Session, relay: str) -> None:
    """A worker that had all of them, nine seconds ago."""
    at = database.now(session) - timedelta(seconds=9)
    session.add(Seat(uid=tokens.new_uid(), relay=relay, lane=SeatLane.EDITIONS, holder="dead", wanted=5, allowed=5,
                     since=at, seen_at=at))  # fmt: skip


def seated(session: Session, holders: list[str]) -> None:
    at = database.now(session)
    for holder in holders:
        session.add(Seat(uid=tokens.new_uid(), relay="a", lane=SeatLane.EDITIONS, holder=holder, wanted=1, allowed=1,
                         since=at, seen_at=at))  # fmt: skip


def holders(session: Session) -> set[str]:
    return set(session.exec(select(Seat.holder)))


def fell_silent(session: Session) -> None:
    for seat in session.exec(select(Seat)):
        seat.seen_at -= timedelta(seconds=3)
        session.add(seat)


def allowed(session: Session) -> dict[str, int]:
    return {
        seat.holder: seat.allowed for seat in session.exec(select(Seat)) if seat.lane is SeatLane.EDITIONS
    }


def asked(session: Session, resources: Resources) -> None:
    """Somebody signs up: a confirmation is due."""
    newsletter = session.exec(select(Newsletter)).one()
    reader, now = NewReader("nora@example.net", state=State.PENDING), SystemClock().now()
    register.add(session, newsletter, reader, actor="test", pepper=resources.pepper, now=now)


async def until_shares_are(resources: Resources, wanted: list[int], *, within: float) -> float:
    """Seconds until live workers have so many each."""
    loop = asyncio.get_running_loop()
    began, found = loop.time(), {}
    while loop.time() - began < within:
        found = await resources.database.read(allowed)
        if sorted(count for holder, count in found.items() if holder != "dead") == sorted(wanted):
            return loop.time() - began
        await asyncio.sleep(0.02)
    raise AssertionError(f"no {wanted} in {within} s: {found}")


async def test_workers_share_them_a_newcomer_too_and_those_of_the_dead_come_back(
    resources: Resources, relay: Relay
) -> None:
    name = relay_at(relay.url).name
    relay.delay = 0.04
    await resources.database.write(limited, name, CONNECTIONS)
    await resources.database.write(died, name)
    await open_outbox(resources, readers(1_500))  # twelve seconds of work
    stationery = Stationery(resources.keys, resources.templates, "https://news.example.org")
    notices = NoticeLane(shared(replace(resources, clock=SystemClock()), relay, "one"), stationery)
    async with Lag().measured() as lag, worker(shared(resources, relay, "one")):
        await until_shares_are(resources, [5], within=5)
        async with worker(shared(resources, relay, "two")):
            took = await until_shares_are(resources, [3, 2], within=10)
            async with worker(shared(resources, relay, "three")):
                took = max(took, await until_shares_are(resources, [2, 2, 1], within=10))
                await resources.database.write(asked, resources)
                await notices.send_due()
                await relay.until(1, recipient="nora@example.net", within=5)
            await until_shares_are(resources, [3, 2], within=10)
        await until_shares_are(resources, [5], within=10)
        before = len(relay.received)
        await relay.until(before + 20)
    assert relay.peak_count <= CONNECTIONS
    assert took <= NEWCOMER_SECONDS + 2 * lag.seconds
    assert await resources.database.read(allowed) == {}, "all are given back"


async def test_a_relays_only_connection_is_lent_to_a_notice(resources: Resources, relay: Relay) -> None:
    await resources.database.write(limited, relay_at(relay.url).name, 1)
    relay.delay = 0.02
    await open_outbox(resources, readers(400))
    stationery = Stationery(resources.keys, resources.templates, "https://news.example.org")
    notices = NoticeLane(shared(replace(resources, clock=SystemClock()), relay, "one", 1), stationery)
    async with worker(shared(resources, relay, "one", 1)):
        await relay.until(10)
        await resources.database.write(asked, resources)
        async with asyncio.timeout(10):
            while not relay.to("nora@example.net"):
                await notices.send_due()
        before = len(relay.received)
        await relay.until(before + 10)
    assert relay.peak_count == 1


async def test_a_worker_that_stands_by_asks_the_relay_only_over_a_connection_of_its_share(
    resources: Resources, relay: Relay
) -> None:
    name = relay_at(relay.url).name
    await resources.database.write(limited, name, 1)
    await open_outbox(resources, readers(5))
    far = shared(resources, relay, "far", 1)
    far.standing_by.begin(name, "cannot be reached from here")
    sender = Sender(far)
    near = Seats(
        resources.database, shared(resources, relay, "near", 1).bench(SeatLane.EDITIONS), lambda: True
    )
    beating, running = asyncio.create_task(near.run()), asyncio.create_task(sender.run())
    assert await near.ready()
    while far.standing_by.is_waiting(name):
        await asyncio.sleep(0.05)
    await sender.send_due()
    assert relay.connection_count == 0
    beating.cancel()
    await asyncio.wait({beating})
    await near.give_all_back()
    async with asyncio.timeout(20):
        while not relay.received:  # it waits for a seat for two seconds only
            await sender.send_due()
    assert len(relay.received) == 5
    running.cancel()
    await asyncio.wait({running})
    assert relay.peak_count == 1


async def test_a_worker_that_begins_takes_back_what_the_dead_of_its_machine_had(resources: Resources) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    me, dead = "here:1@a", f"here:{gone.pid}@a"
    alive, far, beside = f"here:{os.getpid()}@a", f"elsewhere:{gone.pid}@a", "here:1@b"
    others = {alive, far, beside, "not a process"}
    await resources.database.write(seated, [me, dead, *others])
    await resources.database.write(seat_rows.let_go_of_the_dead, me, is_alone=False)
    assert await resources.database.read(holders) == others
    await resources.database.write(fell_silent)
    await resources.database.write(seat_rows.let_go_of_the_dead, me, is_alone=False)
    assert await resources.database.read(holders) == others - {beside}, "a container that was replaced"
    await resources.database.write(seat_rows.let_go_of_the_dead, me, is_alone=True)
    assert await resources.database.read(holders) == set()


async def test_a_relay_whose_row_says_no_number_is_shared_as_the_setting_says(
    resources: Resources, relay: Relay
) -> None:
    """As the one is that MEMO_RELAY_URL tells."""
    await resources.database.write(limited, relay_at(relay.url).name, 0)
    relay.delay = 0.05
    await open_outbox(resources, readers(800))
    async with worker(shared(resources, relay, "one")), worker(shared(resources, relay, "two")):
        await until_shares_are(resources, [3, 2], within=10)
        before = len(relay.received)
        await relay.until(before + 20)
    assert relay.peak_count <= CONNECTIONS
