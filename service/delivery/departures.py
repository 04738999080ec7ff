"""What the clock has decided to begin, each edition by itself: one that waits for its pictures holds up neither others nor the tick.

    plan (one write: who may) -> a task for each -> launch      the process dies meanwhile -> the claim is found again by any worker

That it begins once is the launch's own write, whoever comes to it twice.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from service import logs
from service.delivery import launch
from service.editions import occurrences
from service.errors import MemoError

log = logs.get(__name__)

AT_ONCE = 4  # each may wait ten seconds for other people's sites, and each counts its audience, which takes a reader of the database

Begin = Callable[[str, Callable[[], Awaitable[None]]], None]


class Departures:
    def __init__(self, held: launch.Holder, begin: Begin) -> None:
        """`begin` has a named task go on beside everything else."""
        self._held = held
        self._begin = begin
        self._under_way: set[uuid.UUID] = set()
        self._places = asyncio.Semaphore(AT_ONCE)

    async def begin_due(self) -> None:
        now = self._held.clock.now()
        if not await self._held.database.read(occurrences.is_anything_due, now):
            return
        for edition_uid in await self._held.database.write(occurrences.plan, now):
            if edition_uid not in self._under_way:  # claimed long ago, and not begun yet: we are at it
                self._under_way.add(edition_uid)
                self._begin("launch", self._launching(edition_uid))

    def _launching(self, edition_uid: uuid.UUID) -> Callable[[], Awaitable[None]]:
        async def launched() -> None:
            try:
                async with self._places:
                    await launch.launch(self._held, edition_uid, actor="the timetable")
            except MemoError as error:
                log.warning("edition.not_started", edition=str(edition_uid), problem=error.message)
            finally:
                self._under_way.discard(edition_uid)

        return launched
