"""The messenger between processes: what one worker does must not keep another waiting."""

import asyncio

import asyncpg
import pytest

from service import jobs
from service.jobs import Kind, postgresql
from service.settings import Settings


async def test_a_worker_that_is_full_or_dead_keeps_no_other_from_its_work(chosen: Settings) -> None:
    full, other = jobs.connect(chosen.database_url), jobs.connect(chosen.database_url)
    let_go, done = asyncio.Event(), asyncio.Event()
    running = most = 0

    async def holds_its_jobs() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await let_go.wait()
        running -= 1

    async def works() -> None:
        done.set()

    serving = [asyncio.create_task(full.serve(Kind.SPAN, holds_its_jobs, at_once=2))]
    try:
        for key in "abcd":
            await full.nudge(Kind.SPAN, key)
        async with asyncio.timeout(10):
            while running < 2:
                await asyncio.sleep(0.05)
        serving.append(asyncio.create_task(other.serve(Kind.SPAN, works, at_once=2)))
        await other.nudge(Kind.SPAN, "e")
        async with asyncio.timeout(30):
            await done.wait()
        assert most == 2
    finally:
        let_go.set()
        full.stop()
        other.stop()
        await asyncio.wait(serving, timeout=10)
        await full.close()
        await other.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_its_logs_are_cleared_also_while_a_backup_reads_them(chosen: Settings) -> None:
    """TRUNCATE would wait for the backup, and every nudge for TRUNCATE."""
    queue = jobs.connect(chosen.database_url)
    done = asyncio.Event()

    async def works() -> None:
        done.set()

    serving = asyncio.create_task(queue.serve(Kind.FEED, works, at_once=1))
    backup = await asyncpg.connect("postgresql://" + chosen.database_url.partition("://")[2])
    try:
        async with asyncio.timeout(15):
            await queue.nudge(Kind.FEED, "feed-1")
            await done.wait()
            async with backup.transaction():
                assert await backup.fetchval("SELECT count(*) FROM pgqueuer_log") > 0
                await queue.tidy()
                await queue.nudge(Kind.SPAN, "span-1")
            queue.stop()
            await serving
            await queue.tidy()
            assert await backup.fetchval("SELECT count(*) FROM pgqueuer_log") == 0
    finally:
        await backup.close()
        await queue.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_that_is_never_given_back_keeps_no_process_from_ending(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "CLOSE_WITHIN_SECONDS", 0.2)
    queue = postgresql.PostgresqlJobs(database_url)
    lost = await (await queue._opened()).acquire()
    async with asyncio.timeout(5):
        await queue.close()
    with pytest.raises(asyncpg.InterfaceError):
        await lost.execute("SELECT 1")


async def test_one_nudge_can_have_several_keys_of_which_some_wait_already(chosen: Settings) -> None:
    queue = jobs.connect(chosen.database_url)
    try:
        await queue.nudge(Kind.SPAN)
        assert (await queue.waiting())[Kind.SPAN] == 0
        await queue.nudge(Kind.SPAN, "a", "b")
        await queue.nudge(Kind.SPAN, "c", "b", "c")
        assert (await queue.waiting())[Kind.SPAN] == 3
    finally:
        await queue.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_connection_that_heard_of_work_is_given_back_deaf(database_url: str) -> None:
    """The pool does not reset what it is given back; who listened and is not asked any more would hear on."""
    queue = postgresql.PostgresqlJobs(database_url)
    done = asyncio.Event()

    async def works() -> None:
        done.set()

    serving = asyncio.create_task(queue.serve(Kind.SPAN, works, at_once=1))
    try:
        async with asyncio.timeout(10):
            await queue.nudge(Kind.SPAN, "a")
            await done.wait()
            queue.stop()
            await serving
        pool = await queue._opened()
        held = [await pool.acquire() for _ in range(pool.get_size())]
        assert len(held) > 1
        heard = [await one.fetch("SELECT pg_listening_channels()") for one in held]
        for one in held:
            await pool.release(one)
        assert not any(heard)
    finally:
        await queue.close()
