"""What PostgreSQL can do to workers under way: forget the queue's jobs, end every connection. And how soon a newcomer has work."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.support.processes import Process, RelayProcess

EMPTIED_EVERY = 0.05


@asynccontextmanager
async def queue_emptied(url: str) -> AsyncIterator[None]:
    """Meanwhile the tables of PgQueuer lose everything, again and again: the rows decide what is due. On SQLite nothing happens."""
    if url.startswith("sqlite"):
        yield
        return
    emptying = asyncio.create_task(_empty_for_ever(url))
    try:
        yield
    finally:
        assert not emptying.done()
        emptying.cancel()
        await asyncio.gather(emptying, return_exceptions=True)


async def _empty_for_ever(url: str) -> None:
    while True:
        connection = await asyncpg.connect(_plain(url))
        try:
            found = await connection.fetch("SELECT tablename FROM pg_tables WHERE tablename LIKE 'pgqueuer%'")
            assert found
            while True:
                for row in found:
                    await connection.execute(f"DELETE FROM {row[0]}")
                await asyncio.sleep(EMPTIED_EVERY)
        except (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError):
            pass  # `terminate_everybody` meant ours, too
        finally:
            connection.terminate()


async def terminate_everybody(url: str) -> int:
    """How many connections to this database were ended, the caller's own left out."""
    connection = await asyncpg.connect(_plain(url))
    try:
        ended: int = await connection.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    return ended


async def seconds_until_its_first(worker: Process, name: str, relay: RelayProcess) -> float:
    """From saying that it is at work until the relay has a message of it."""
    await worker.wait_for_line("is at work")
    began = time.monotonic()
    async with asyncio.timeout(20):
        while not relay.has_one_of(name):
            worker.check_alive("its first message")
            await asyncio.sleep(0.05)
    return time.monotonic() - began


async def others_before_its_first(worker: Process, name: str, relay: RelayProcess) -> int:
    """How many messages of others the relay takes meanwhile: a clock that a busy machine slows down, too."""
    await worker.wait_for_line("is at work")
    before = len(relay.lines())
    await seconds_until_its_first(worker, name, relay)
    others = (line.ehlo_name.partition(".")[0] != name for line in relay.lines())
    return max(0, sum(itertools.takewhile(bool, others)) - before)


def _plain(url: str) -> str:
    return "postgresql://" + url.partition("://")[2]
