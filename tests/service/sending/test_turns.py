"""Editions of one rank side by side, where one of them is slow, or the relay: measured where messages arrive."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from sqlmodel import Session

from service.clock import SystemClock
from service.delivery import slowing
from service.delivery.carrying import PAGE_STALE_SECONDS, Carrier, Shift
from service.delivery.committer import Committer
from service.delivery.fence import Take
from service.delivery.holding import Holding
from service.delivery.paging import Row
from service.delivery.sameness import SameRefusals
from service.dependencies import Resources
from service.editions.models import Edition
from service.ledger.models import DeliveryState, Lane
from service.settings import Settings
from service.worker import Worker
from tests.service.sending.test_pace import limit, readers
from tests.support.lag import Lag
from tests.support.outbox import Outbox, office, once_more, open_outbox, relay_at
from tests.support.relay import Relay
from tests.support.relay_log import Received

READERS = 200
SOON = 2.5  # a look comes three times a second, a turn lasts one, and what is under way is waited for


@pytest.fixture
def resources(resources: Resources) -> Resources:
    return replace(resources, clock=SystemClock())


@asynccontextmanager
async def working(resources: Resources, relay: Relay, *, connections: int = 10) -> AsyncIterator[None]:
    chosen = Settings.model_validate(
        resources.settings.model_dump() | {"relay_url": relay.url, "relay_connections": connections}
    )
    async with Worker(replace(resources, settings=chosen), relay.url).running():
        yield


async def slowed(resources: Resources, edition_id: int, rate: int | None) -> None:
    edition = await resources.database.read(Session.get_one, Edition, edition_id)
    await resources.database.write(slowing.slow, edition.uid, rate, now=resources.clock.now(), actor="test")


async def begun(outbox: Outbox, *, lane: Lane = Lane.SCHEDULED) -> int:
    return await outbox.resources.database.write(once_more, outbox.edition.id, READERS, lane=lane)


def of(received: list[Received]) -> Counter[str]:
    """How many of each edition: a Message-ID names edition and number."""
    return Counter(one.message_id.rpartition("@")[0].rpartition(".")[0] for one in received)


async def seconds_until(relay: Relay, editions: int, *, within: float = 20.0) -> float:
    """Until so many editions have reached somebody."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(within):
        while len(of(relay.received)) < editions:
            await asyncio.sleep(0.02)
    return loop.time() - began


async def test_beside_one_slowed_by_hand_another_begins_at_once(resources: Resources, relay: Relay) -> None:
    outbox = await open_outbox(resources, readers(READERS))
    await slowed(resources, outbox.edition.id, 2)
    async with working(resources, relay):
        await relay.until(6, within=20)
        async with Lag().measured() as lag:
            await begun(outbox)
            assert await seconds_until(relay, 2) <= SOON + 2 * lag.seconds
        await relay.until(READERS, within=20)
        before = (await outbox.progress()).accepted
        async with Lag().measured() as lag:
            await asyncio.sleep(5)
        given, late = (await outbox.progress()).accepted - before, 2 * lag.seconds
        assert 8 - late <= given <= 12 + late, "the slow one keeps its pace"


async def test_at_a_relay_with_a_low_rate_both_get_as_much(resources: Resources, relay: Relay) -> None:
    outbox = await open_outbox(resources, readers(READERS))
    await resources.database.write(limit, relay_at(relay.url).name, rate=4)
    async with working(resources, relay):
        await relay.until(8, within=20)
        async with Lag().measured() as lag:
            await begun(outbox)
            assert await seconds_until(relay, 2) <= SOON + 2 * lag.seconds
        before = len(relay.received)
        await relay.until(before + 40, within=30)
    assert min(of(relay.received[before:]).values()) >= 12, of(relay.received[before:])


async def test_at_a_relay_that_is_slow_to_answer_both_get_as_much(resources: Resources, relay: Relay) -> None:
    relay.delay = 0.4
    outbox = await open_outbox(resources, readers(READERS))
    async with working(resources, relay, connections=5):
        await relay.until(8, within=20)
        async with Lag().measured() as lag:
            await begun(outbox)
            assert await seconds_until(relay, 2) <= SOON + 2 * lag.seconds
        before = len(relay.received)
        await relay.until(before + 60, within=30)
    assert min(of(relay.received[before:]).values()) >= 15, of(relay.received[before:])


async def test_readers_whose_page_has_become_old_cost_their_edition_no_turn(
    resources: Resources, relay: Relay
) -> None:
    """At a relay that takes seconds a page is read again before it is used up. Given back one by one, its old readers took as many
    turns, and the other edition had all of the relay meanwhile.
    """
    chosen = office(resources, relay_at(relay.url))
    committer = Committer(resources.database)
    shift = Shift(chosen, committer, SameRefusals(resources.database, chosen.clock, committer))
    now = asyncio.get_running_loop().time()
    old, fresh = (Holding(Take(one, one, 1, 51, Lane.SCHEDULED, 1, 0, {}, False)) for one in (1, 2))
    for number in range(20):
        row = Row(number, f"reader{number}@example.org", {}, DeliveryState.QUEUED, 0, 0, None)
        shift.gate.give(old.errand(row, now - PAGE_STALE_SECONDS - 1))
        shift.gate.give(fresh.errand(row, now + 60))
    first = shift.gate.at_hand()
    assert first is not None
    assert first.holding is old
    assert Carrier(shift)._made(first) is None
    assert (shift.gate.errands.count_of(1), shift.gate.errands.count_of(2)) == (0, 20)
    await asyncio.wait_for(old.down_to(0, asyncio.Event(), 5), 5)


async def test_more_editions_than_places_take_turns(resources: Resources, relay: Relay) -> None:
    outbox = await open_outbox(resources, readers(READERS))
    await resources.database.write(limit, relay_at(relay.url).name, rate=10)
    async with working(resources, relay):
        await relay.until(10, within=20)
        for _ in range(4):
            await begun(outbox)
        async with Lag().measured() as lag:
            assert await seconds_until(relay, 5) <= 8 + 2 * lag.seconds
        before = len(relay.received)
        await relay.until(before + 120, within=40)
    found = of(relay.received[before:])
    assert len(found) == 5
    assert min(found.values()) >= 8, found


async def test_breaking_news_slowed_by_hand_leaves_the_rest_to_others_and_else_goes_first(
    resources: Resources, relay: Relay
) -> None:
    outbox = await open_outbox(resources, readers(READERS))
    await resources.database.write(limit, relay_at(relay.url).name, rate=20)
    breaking = await begun(outbox, lane=Lane.BREAKING)
    await slowed(resources, breaking, 4)
    async with working(resources, relay):
        async with Lag().measured() as lag:
            assert await seconds_until(relay, 2) <= 5 + 2 * lag.seconds
        await asyncio.sleep(1)
        before = len(relay.received)
        await relay.until(before + 60, within=20)
        few, many = sorted(of(relay.received[before:]).values())
        assert 8 <= few <= 16, "a fifth of what the relay takes, and at once"
        assert many >= 40
        await slowed(resources, breaking, None)
        async with asyncio.timeout(20):
            while len(of(relay.received[-10:])) > 1:  # a look may come late
                await asyncio.sleep(0.05)
        before = len(relay.received)
        await relay.until(before + 40, within=20)
        assert len(of(relay.received[before:])) == 1, "unslowed it goes before everything"
        assert (await outbox.progress()).open > 0


async def test_places_that_slowed_breaking_news_has_are_given_to_others(
    resources: Resources, relay: Relay
) -> None:
    """It is slowed down while it has all of them."""
    outbox = await open_outbox(resources, readers(READERS))
    await resources.database.write(limit, relay_at(relay.url).name, rate=20)
    breaking = await begun(outbox, lane=Lane.BREAKING)
    async with working(resources, relay):
        await relay.until(20, within=20)
        assert len(of(relay.received)) == 1
        await slowed(resources, breaking, 2)
        async with Lag().measured() as lag:
            assert await seconds_until(relay, 2) <= SOON + 2 * lag.seconds
