"""Live progress: one loop per watched edition reads its figures once a second and fans them out to every viewer.

reading loop (one per edition) → newest figures → each viewer's slot of one → the viewer's stream

A viewer who is slow misses steps, never the last one. No session is held between two readings, and the loop ends with its last
viewer or with the edition.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

from service import logs
from service.clock import Clock
from service.desk.sending_view import SendingView
from service.errors import NotFound

log = logs.get(__name__)

READ_EVERY_SECONDS = 1.0
Read = Callable[[UUID], Awaitable[SendingView]]
Slot = asyncio.Queue[SendingView | None]


@dataclass
class _Watched:
    viewers: set[Slot] = field(default_factory=set)
    task: asyncio.Task[None] | None = None
    newest: SendingView | None = None


class Watching:
    def __init__(self, read: Read, clock: Clock) -> None:
        self._read = read
        self._clock = clock
        self._watched: dict[UUID, _Watched] = {}

    @property
    def watched_count(self) -> int:
        return len(self._watched)

    async def follow(
        self, edition_uid: UUID, *, until: Callable[[], Awaitable[None]] | None = None
    ) -> AsyncGenerator[SendingView]:
        """The figures now, then whenever they change, the final ones last; `until` ends it before."""
        slot: Slot = asyncio.Queue(maxsize=1)
        watched = self._join(edition_uid, slot)
        ending = asyncio.create_task(_end(slot, until)) if until else None
        try:
            while (seen := await slot.get()) is not None:
                yield seen
                if seen.is_final:
                    return
        finally:
            if ending is not None:
                ending.cancel()
            self._leave(edition_uid, watched, slot)

    async def close(self) -> None:
        tasks = [watched.task for watched in self._watched.values() if watched.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _join(self, edition_uid: UUID, slot: Slot) -> _Watched:
        watched = self._watched.setdefault(edition_uid, _Watched())
        watched.viewers.add(slot)
        if watched.newest is not None:
            slot.put_nowait(watched.newest)
        if watched.task is None:
            watched.task = asyncio.create_task(self._watch(edition_uid, watched))
        return watched

    def _leave(self, edition_uid: UUID, watched: _Watched, slot: Slot) -> None:
        watched.viewers.discard(slot)
        if not watched.viewers:
            if watched.task is not None:
                watched.task.cancel()
            if self._watched.get(edition_uid) is watched:
                del self._watched[edition_uid]

    async def _watch(self, edition_uid: UUID, watched: _Watched) -> None:
        try:
            while True:
                seen = await self._read(edition_uid)
                if seen != watched.newest:
                    watched.newest = seen
                    _give(watched, seen)
                if seen.is_final:
                    return
                await self._clock.sleep(READ_EVERY_SECONDS)
        except NotFound:
            log.info("desk.watched_edition_gone", edition=str(edition_uid))
        except Exception:
            log.exception("desk.watching_failed", edition=str(edition_uid))
        finally:
            if self._watched.get(edition_uid) is watched:
                del self._watched[edition_uid]
            _give(watched, None)


async def _end(slot: Slot, until: Callable[[], Awaitable[None]]) -> None:
    await until()
    _close(slot)


def _give(watched: _Watched, seen: SendingView | None) -> None:
    """Put it in every slot; figures nobody has taken yet are replaced, the end waits behind the last ones."""
    for slot in watched.viewers:
        if seen is None:
            _close(slot)
            continue
        if slot.full():
            slot.get_nowait()
        slot.put_nowait(seen)


def _close(slot: Slot) -> None:
    if slot.empty():
        slot.put_nowait(None)
        return
    waiting = slot.get_nowait()
    if waiting is None or not waiting.is_final:
        slot.put_nowait(None)
    else:
        slot.put_nowait(waiting)
