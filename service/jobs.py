"""The messenger: wakes whoever has work to do, on this machine or another. The rows decide; losing a job loses nothing.

A thin port over PgQueuer: its asyncpg pool driver beside PostgreSQL, its in-memory driver beside SQLite. A job carries a key
and nothing else, has no delay, and is a nudge, not an order: its handler takes the best work there is. What the queue loses, a
tick repairs within a second.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.inmemory import InMemoryQueries
from pgqueuer.queries import Queries

from service import logs

log = logs.get(__name__)

Handler = Callable[[], Awaitable[None]]
HEARTBEAT = timedelta(seconds=10)
POLL = timedelta(seconds=2)  # a lost LISTEN falls back to this silently
RESTART_AFTER_SECONDS = 1.0


class Kind(StrEnum):
    """Each kind has a queue manager of its own: limits count all entry points of a manager together."""

    SPAN = "span"
    NOTICE = "notice"
    CHORE = "chore"


class Jobs(Protocol):
    async def nudge(self, kind: Kind, key: str) -> None:
        """Wake a handler, after the commit that made the work due. The same key waits only once."""
        ...

    async def serve(self, kind: Kind, handler: Handler, *, at_once: int) -> None:
        """Run the handler once for each nudge, `at_once` at the same time, until cancelled or stopped."""
        ...

    async def tidy(self) -> None:
        """Clear the queue's own logs, which only grow."""
        ...

    def stop(self) -> None:
        """Take no more jobs; running handlers end by themselves."""
        ...

    async def close(self) -> None: ...


def connect(database_url: str) -> Jobs:
    if database_url.startswith("sqlite"):
        return MemoryJobs()
    return PostgresqlJobs(_plain(database_url))


class MemoryJobs:
    """Nudges inside one process."""

    def __init__(self) -> None:
        self._queues = {kind: PgQueuer.in_memory() for kind in Kind}

    async def nudge(self, kind: Kind, key: str) -> None:
        queries = self._queues[kind].qm.queries
        await queries.enqueue([kind.value], [None], [0], dedupe_key=[key], on_conflict="skip")

    async def serve(self, kind: Kind, handler: Handler, *, at_once: int) -> None:
        await _serve(self._queues[kind], kind, handler, at_once)

    async def tidy(self) -> None:
        for queue in self._queues.values():
            queries = queue.qm.queries
            if isinstance(queries, InMemoryQueries):
                await queries.clear_queue_log()
                await queries.clear_statistics_log()

    def stop(self) -> None:
        for queue in self._queues.values():
            queue.shutdown.set()

    async def close(self) -> None:
        self.stop()


class PostgresqlJobs:
    """Nudges to any worker on the same database. The database connection must not go through a transaction pooler."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._serving: list[PgQueuer] = []
        self._is_stopped = False

    async def nudge(self, kind: Kind, key: str) -> None:
        queries = Queries(AsyncpgPoolDriver(await self._opened()))
        await queries.enqueue([kind.value], [None], [0], dedupe_key=[key], on_conflict="skip")

    async def serve(self, kind: Kind, handler: Handler, *, at_once: int) -> None:
        while not self._is_stopped:
            try:
                queue = PgQueuer.from_asyncpg_pool(await self._opened())
                self._serving.append(queue)
                await _serve(queue, kind, handler, at_once)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("jobs.interrupted", kind=kind.value, problem=str(error))
            if not self._is_stopped:
                await asyncio.sleep(RESTART_AFTER_SECONDS)

    async def tidy(self) -> None:
        queries = Queries(AsyncpgPoolDriver(await self._opened()))
        await queries.clear_queue_log()
        await queries.clear_statistics_log()

    def stop(self) -> None:
        self._is_stopped = True
        for queue in self._serving:
            queue.shutdown.set()

    async def close(self) -> None:
        self.stop()
        if self._pool is not None:
            await self._pool.close()

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(self._url, min_size=1, max_size=8)
            return self._pool


async def install(database_url: str) -> None:
    """Make or renew the queue's own tables on PostgreSQL."""
    connection = await asyncpg.connect(_plain(database_url))
    try:
        queries = Queries.from_asyncpg_connection(connection)
        if await queries.schema_is_installed():
            await queries.upgrade()
        else:
            await queries.install()
    finally:
        await connection.close()


async def uninstall(database_url: str) -> None:
    connection = await asyncpg.connect(_plain(database_url))
    try:
        queries = Queries.from_asyncpg_connection(connection)
        if await queries.schema_is_installed():
            await queries.uninstall()
    finally:
        await connection.close()


async def _serve(queue: PgQueuer, kind: Kind, handler: Handler, at_once: int) -> None:
    # An entry point's own limit counts the jobs of every worker, dead ones too: a killed worker would keep the next one waiting.
    place = asyncio.Semaphore(at_once)

    async def nudged(_job: object) -> None:
        async with place:
            try:
                await handler()
            except Exception:
                log.exception("jobs.handler_failed", kind=kind.value)

    queue.entrypoint(kind.value)(nudged)
    await queue.run(
        dequeue_timeout=POLL, batch_size=1, max_concurrent_tasks=max(2, at_once), heartbeat_timeout=HEARTBEAT
    )


def _plain(url: str) -> str:
    return "postgresql://" + url.partition("://")[2]
