"""Beside PostgreSQL: nudges to any worker on the same database, and the queue's own tables there."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.domain.errors import PgqException
from pgqueuer.queries import Queries

from service import logs
from service.errors import Unavailable
from service.jobs import Handler, Kind, handing

log = logs.get(__name__)

CLOSE_WITHIN_SECONDS = 3.0
# Each kind of work keeps one for LISTEN; a pool that those fill nudges nobody any more. Opened as they are needed.
CONNECTIONS_MOST = 16


class QueueInterrupted(Unavailable):
    """The queue was interrupted."""


class PostgresqlJobs:
    """The database connection must not go through a transaction pooler."""

    def __init__(self, url: str) -> None:
        self._url = _plain(url)
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()
        self._serving: dict[int, PgQueuer] = {}  # by id: they have no hash
        self._is_stopped = False

    async def nudge(self, kind: Kind, *keys: str) -> bool:
        return await handing.told(kind, self._nudge(kind, keys))

    async def _nudge(self, kind: Kind, keys: Sequence[str]) -> None:
        await handing.nudge(Queries(AsyncpgPoolDriver(await self._opened())), kind, keys)

    async def serve(self, kind: Kind, handler: Handler, *, at_once: int) -> None:
        if self._is_stopped:
            return
        queue = PgQueuer.from_asyncpg_pool(await self._opened())
        self._serving[id(queue)] = queue
        try:
            await handing.serve(queue, kind, handler, at_once, ends_when_deaf=True)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, PgqException) as error:
            if not self._is_stopped:
                raise QueueInterrupted(str(error) or type(error).__name__) from error
        finally:
            del self._serving[id(queue)]

    async def tidy(self) -> None:
        queries = Queries(AsyncpgPoolDriver(await self._opened()))
        # Row by row: TRUNCATE would wait behind a backup that reads the tables, and every nudge behind TRUNCATE.
        kinds = [kind.value for kind in Kind]
        await queries.clear_queue_log(kinds)
        await queries.clear_statistics_log(kinds)

    async def waiting(self) -> dict[Kind, int]:
        queries = Queries(AsyncpgPoolDriver(await self._opened()))
        return handing.waiting(await queries.queue_size())

    def stop(self) -> None:
        self._is_stopped = True
        for queue in self._serving.values():
            queue.shutdown.set()

    async def close(self) -> None:
        """Waits a little for whoever has a connection: one that the queue lost in a restart of the database is never given back."""
        self.stop()
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), CLOSE_WITHIN_SECONDS)
            except TimeoutError:
                log.warning("jobs.connections_cut")
                self._pool.terminate()

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url, min_size=1, max_size=CONNECTIONS_MOST, reset=_left_as_it_is
                )
            return self._pool


async def _left_as_it_is(_connection: Any) -> None:
    """The usual RESET ALL after each statement is a round trip more, and while mail is sent the queue has a hundred a second. Its
    statements change nothing about a session; LISTEN does, and the driver takes that back itself. Open transactions the pool ends anyway.
    """


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


def _plain(url: str) -> str:
    return "postgresql://" + url.partition("://")[2]
