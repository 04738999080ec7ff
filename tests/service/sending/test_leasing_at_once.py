"""The short way to a worker's tokens, on PostgreSQL: it gives what the long way gives, and says when only the long way can tell."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlmodel import Session

from service import database
from service.delivery import leasing_at_once, pace, pace_rows
from service.delivery.leasing import Leasing
from service.delivery.models import Bucket
from service.delivery.models import Relay as RelayRow
from service.delivery.pace import Grant
from service.dependencies import Resources
from service.postgresql import AtOnce
from service.settings import Settings
from tests.support.lag import Lag

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

RATE = 200.0
NAME = "relay.example.net:25"
PLACE = f"relay:{NAME}"
HUNGRY_SECONDS = 0.8
SLOWER = 40  # than a rate of 100: what passes between two questions on a busy machine then counts for little
SLOW = 100.0 / SLOWER


def short(held: database.Database) -> AtOnce:
    assert held.aside is not None
    return held.aside


async def leased(held: database.Database, count: int = 10, rate: float = RATE) -> Grant | None:
    return await leasing_at_once.lease(short(held), NAME, PLACE, count, rate)


def have_bucket(session: Session, next_at: float = 0.0) -> None:
    session.merge(Bucket(place=PLACE, next_at=next_at))


@pytest.fixture
def further_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many tokens as at a rate of 100."""
    monkeypatch.setattr(pace, "AHEAD_SECONDS", SLOWER * pace.AHEAD_SECONDS)


@asynccontextmanager
async def workers(chosen: Settings, count: int) -> AsyncIterator[list[database.Database]]:
    made = [database.connect(chosen.database) for _ in range(count)]
    try:
        yield made
    finally:
        for one in made:
            await one.close()


async def test_no_two_workers_have_the_same_moments(resources: Resources, chosen: Settings) -> None:
    await resources.database.write(have_bucket)
    loop, given, started = asyncio.get_running_loop(), 0, 0.0

    async def hungry(held: database.Database) -> None:
        nonlocal given
        while loop.time() - started < HUNGRY_SECONDS:
            found = await leased(held)
            assert found is not None
            given += found.count

    async with workers(chosen, 4) as four:
        await asyncio.gather(*map(leased, four))  # they are connected
        await asyncio.sleep(pace.AHEAD_SECONDS)
        async with Lag().measured() as lag:
            started = loop.time()
            await asyncio.gather(*map(hungry, four))
            elapsed = loop.time() - started
    assert given <= RATE * (elapsed + pace.AHEAD_SECONDS) + 1
    assert given >= RATE * 0.7 * (elapsed - lag.seconds) / HUNGRY_SECONDS, (
        "but for what lapsed in a standstill"
    )


@pytest.mark.usefixtures("further_ahead")
async def test_it_gives_the_next_moments_and_both_ways_go_on_from_each_other(resources: Resources) -> None:
    await resources.database.write(have_bucket)
    first = await leased(resources.database, 10, SLOW)
    assert first == Grant(10, delay=0.0, spacing=0.01 * SLOWER)
    second = (await resources.database.write(pace_rows.lease, NAME, {PLACE: (5, SLOW)}, unused=0))[PLACE]
    assert second.count == 5
    assert 0.0 < second.delay <= 0.1 * SLOWER
    third = await leased(resources.database, 5, SLOW)
    assert third is not None
    assert third.count == 5
    assert second.delay < third.delay <= 0.15 * SLOWER


@pytest.mark.usefixtures("further_ahead")
async def test_what_is_further_ahead_than_a_quarter_of_a_second_is_refused_for_now(
    resources: Resources,
) -> None:
    await resources.database.write(have_bucket)
    assert (await leased(resources.database, 20, SLOW)) == Grant(20, delay=0.0, spacing=0.01 * SLOWER)
    assert await leased(resources.database, 20, SLOW) == Grant(0, retry=0.1 * SLOWER)


async def test_a_bucket_that_is_missing_goes_the_long_way(resources: Resources) -> None:
    assert await leased(resources.database) is None


async def test_a_bucket_from_before_the_clock_went_back_goes_the_long_way(resources: Resources) -> None:
    now = (await resources.database.read(database.now)).timestamp()
    await resources.database.write(have_bucket, now + 3600)
    assert await leased(resources.database) is None


@pytest.mark.parametrize("quota", ["per_hour", "per_day"])
async def test_a_quota_that_somebody_has_just_set_is_counted(resources: Resources, quota: str) -> None:
    """The worker has not seen it yet, and nothing is given out past it."""
    await resources.database.write(have_bucket, 1.0)
    relay = RelayRow(name=NAME)
    setattr(relay, quota, 30)
    await resources.database.write(lambda session: session.add(relay))
    assert await leased(resources.database) is None
    bucket = await resources.database.read(lambda session: session.get(Bucket, PLACE))
    assert bucket is not None
    assert bucket.next_at == 1.0


async def test_a_worker_goes_the_short_way_for_one_place_without_a_quota(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    await resources.database.write(have_bucket)
    long_way = list[set[str]]()
    really = pace_rows.lease

    def noted(session: Session, relay: str, wanted: dict[str, Any], **others: Any) -> dict[str, Grant]:
        long_way.append(set(wanted))
        return really(session, relay, wanted, **others)

    monkeypatch.setattr(pace_rows, "lease", noted)
    filled = asyncio.Event()
    leasing = Leasing(
        resources.database, NAME, rate_at=lambda _: RATE, waiting=lambda: 10, on_filled=filled.set
    )
    at_work = asyncio.create_task(leasing.run())
    try:
        for places, has_quota, wanted in (
            ([PLACE], False, []),
            ([PLACE, "edition:7"], False, [{PLACE, "edition:7"}]),
            ([PLACE], True, [{PLACE}]),
        ):
            leasing.has_quota = has_quota
            long_way.clear()
            filled.clear()
            leasing.ask([leasing.of(place) for place in places])
            async with asyncio.timeout(5):
                await filled.wait()
            assert long_way == wanted
            leasing.forget()
    finally:
        at_work.cancel()
        await asyncio.wait({at_work})
