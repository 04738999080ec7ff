"""A worker's watch over its database: is it the one that this machine saw last, and may anything leave?

At the start the marker is compared; while it works, and once more at its end, database and marker go on together, the database first.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import sqlalchemy as sa

from service import logs
from service.backups import continuity, marker, standstill
from service.clock import Clock
from service.database import Database
from service.settings import Settings

log = logs.get(__name__)

BEAT_SECONDS = 10.0


class Vigil:
    def __init__(
        self, database: Database, clock: Clock, chosen: Settings, secrets: Mapping[str, str]
    ) -> None:
        self._database = database
        self._clock = clock
        self._path = marker.place(chosen)
        self._secrets = dict(secrets)
        self._beaten_at = 0.0
        self.is_held = True  # until it has been looked at

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """From before anything leaves until everything has been let go."""
        await self._compare()
        await self.look()
        await self._beat()
        try:
            yield
        finally:
            try:
                await self._beat()
            except (sa.exc.SQLAlchemyError, OSError) as error:
                log.warning("marker.not_written", problem=type(error).__name__)

    async def look(self) -> bool:
        """Whether sending is on hold, also if another process has found a reason."""
        self.is_held = await self._database.read(continuity.hold) is not None
        return self.is_held

    async def beat(self) -> None:
        """Called at the end of each tick; writes only every `BEAT_SECONDS`."""
        if asyncio.get_running_loop().time() - self._beaten_at >= BEAT_SECONDS:
            await self._beat()

    async def _compare(self) -> None:
        seen = await asyncio.to_thread(marker.read, self._path)
        if not await self._database.read(standstill.is_older, seen):
            return
        found = await self._database.write(standstill.begin_if_older, seen, now=self._clock.now())
        if found is not None and found.hold is not None:
            log.error(
                "service.held", reason=found.hold.reason, stopped=len(found.stopped), missed=len(found.missed)
            )

    async def _beat(self) -> None:
        self._beaten_at = asyncio.get_running_loop().time()
        reached = await self._database.write(continuity.beat, self._secrets)
        await asyncio.to_thread(marker.write, self._path, reached)
