"""The timetable's ticks, run by the real scheduler."""

import asyncio
import logging

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from service import worker


async def test_a_tick_that_our_own_stop_cuts_short_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def without_end() -> None:
        begun.set()
        await asyncio.Event().wait()

    scheduler = AsyncIOScheduler(timezone="UTC")
    scheduler.add_job(worker._unharmed(without_end))
    scheduler.start()
    await asyncio.wait_for(begun.wait(), 10)
    before = asyncio.all_tasks()
    scheduler.shutdown(wait=False)
    await asyncio.wait(before - {asyncio.current_task()}, timeout=10)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
