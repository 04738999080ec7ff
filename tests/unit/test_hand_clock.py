"""The clock that tests move by hand."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from service.clock import Clock
from tests.support.clock import HandClock

SIX = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)


def test_stands_still_and_is_a_clock() -> None:
    clock: Clock = HandClock(SIX)
    assert clock.now() == clock.now() == SIX


def test_tells_utc_whatever_it_was_set_in() -> None:
    clock = HandClock(SIX.astimezone(timezone(timedelta(hours=9))))
    assert clock.now().utcoffset() == timedelta(0)
    clock.advance(timedelta(minutes=1))
    assert clock.now() == SIX + timedelta(minutes=1)


def test_refuses_naive_times_and_steps_back() -> None:
    with pytest.raises(ValueError, match="aware"):
        HandClock(SIX.replace(tzinfo=None))
    with pytest.raises(ValueError, match="only advances"):
        HandClock(SIX).advance(timedelta(seconds=-1))


async def test_sleepers_wake_in_order_once_their_time_has_come() -> None:
    clock, woken = HandClock(SIX), list[int]()

    async def sleep(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleep(seconds)) for seconds in (30, 10, 20)]
    await clock.until_somebody_sleeps(3)
    assert clock.next_wake_at() == SIX + timedelta(seconds=10)
    clock.advance(timedelta(seconds=9))
    await asyncio.sleep(0)
    assert woken == []
    clock.advance(timedelta(seconds=11))
    await asyncio.sleep(0.01)
    assert woken == [10, 20]
    clock.set(SIX)
    clock.set(SIX + timedelta(hours=1))
    await asyncio.gather(*tasks)
    assert woken == [10, 20, 30]


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = HandClock(SIX)
    task = asyncio.create_task(clock.sleep(5))
    await clock.until_somebody_sleeps()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.sleeper_count == 0
    await clock.sleep(0)
