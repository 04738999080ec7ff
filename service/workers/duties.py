"""What the queue wakes a worker for, and how that is begun without the queue: a messenger that fails keeps nobody from the work.

To whoever nudges it is the queue. A nudge that could not be given, or that nobody hears while listening fails, begins the work here, in
the same places: no more of a kind at once than there would be else.
"""

import asyncio
from collections.abc import Awaitable, Callable

from service.errors import Unavailable
from service.jobs import Handler, Jobs, Kind
from service.workers.supervision import Supervisor

QUEUE = "queue"


class QueueSilent(Unavailable):
    """The queue cannot tell anybody of what is due. It is found by each worker's tick all the same."""


class _Duty:
    def __init__(self, handler: Handler, at_once: int) -> None:
        self.handler = handler
        self._at_once = at_once
        self._places = asyncio.Semaphore(at_once)
        self._asked = 0  # with those that wait for a place

    @property
    def free_count(self) -> int:
        return max(0, self._at_once - self._asked)

    async def done(self) -> None:
        """One may wait for a place, in case that what is under way has just found nothing more; the others would wait for the same."""
        if self._asked > self._at_once:
            return
        self._asked += 1
        try:
            async with self._places:
                await self.handler()
        finally:
            self._asked -= 1


class Duties:
    def __init__(self, jobs: Jobs, supervisor: Supervisor) -> None:
        self._jobs = jobs
        self._supervisor = supervisor
        self._duties: dict[Kind, _Duty] = {}

    async def nudge(self, kind: Kind, *keys: str) -> bool:
        if not keys:
            return True
        is_told = False
        try:
            is_told = await self._jobs.nudge(kind, *keys)
            problem: Exception = QueueSilent()
        except Exception as error:
            problem = error
        if is_told:
            self._supervisor.worked(QUEUE)
        else:
            self._supervisor.failed(QUEUE, problem)
        if not is_told or self._supervisor.has_failed(_serving(kind)):
            self.begin(kind, len(keys))
        return is_told

    def keep(self, kind: Kind, handler: Handler, *, at_once: int) -> None:
        """Do what the queue says until the worker stops."""
        duty = self._duties[kind] = _Duty(handler, at_once)
        self._supervisor.keep(_serving(kind), lambda: self._jobs.serve(kind, duty.done, at_once=at_once))

    def begin(self, kind: Kind, count: int = 1) -> None:
        """Without the queue, in places that are free: whoever has one goes on to the next work by itself."""
        duty = self._duties.get(kind)
        if duty is None:
            return
        for _ in range(min(count, duty.free_count)):
            self._supervisor.begin(kind.value, duty.done)

    async def take_up(self, kind: Kind, due: Callable[[int], Awaitable[list[int]]]) -> None:
        """What a tick finds due, as many as there is room for, is begun here. Told by the queue, every worker would look for it, each
        second of a send, and most have their hands full. It is told only while it fails, to see whether it still does.
        """
        duty = self._duties.get(kind)
        if duty is None or not duty.free_count:
            return
        found = await due(duty.free_count)
        if self._supervisor.has_failed(QUEUE):
            await self.nudge(kind, *(f"{kind.value}-{one}" for one in found))
        else:
            self.begin(kind, len(found))

    async def serve(self, kind: Kind, handler: Handler, *, at_once: int) -> None:
        await self._jobs.serve(kind, handler, at_once=at_once)

    async def tidy(self) -> None:
        await self._jobs.tidy()

    async def waiting(self) -> dict[Kind, int]:
        return await self._jobs.waiting()

    def stop(self) -> None:
        self._jobs.stop()

    async def close(self) -> None:
        await self._jobs.close()


def _serving(kind: Kind) -> str:
    return f"{kind.value}s from the queue"
