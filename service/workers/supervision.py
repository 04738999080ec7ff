"""A worker's tasks: one that ends by a fault of its own is logged and begun anew, and what keeps failing is told by the pulse.

keep       goes on until the worker stops
begin      once, beside everything else
attempt    once, here and now: a step of a tick
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from service import logs
from service.errors import Unavailable

log = logs.get(__name__)

AGAIN_AFTER_SECONDS = 1.0
LASTING_SECONDS = 10.0  # what fails for so long does not get well by itself
FORGOTTEN_SECONDS = 30.0  # what has not failed since then has got well

Work = Callable[[], Awaitable[None]]


@dataclass
class _Trouble:
    first: float
    last: float
    problem: str


class Supervisor:
    def __init__(self, stopping: asyncio.Event) -> None:
        self._stopping = stopping
        self._tasks: set[asyncio.Task[None]] = set()
        self._troubles: dict[str, _Trouble] = {}

    def keep(self, name: str, work: Work) -> None:
        self._add(self._kept(name, work))

    def begin(self, name: str, work: Work) -> None:
        self._add(self._begun(name, work))

    async def attempt(self, name: str, work: Work) -> None:
        """Whatever it fails by: a driver has errors of its own, and what comes behind this has to come."""
        try:
            await work()
        except Exception as error:
            self.failed(name, error)
        else:
            self.worked(name)

    async def stop(self, seconds: float) -> None:
        """What is under way gets so long to end by itself."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def failed(self, name: str, error: Exception) -> None:
        """Where it failed is written once, and not every second; of what does not answer it says nothing."""
        now, problem = _now(), repr(error)
        before = self._troubles.get(name)
        has_no_place = isinstance(error, Unavailable) or (before is not None and before.problem == problem)
        log.error("worker.task_failed", task=name, problem=problem, exc_info=None if has_no_place else error)
        goes_on = before is not None and now - before.last < FORGOTTEN_SECONDS
        self._troubles[name] = _Trouble(before.first if before is not None and goes_on else now, now, problem)

    def worked(self, name: str) -> None:
        self._troubles.pop(name, None)

    def has_failed(self, name: str) -> bool:
        """Of late."""
        trouble = self._troubles.get(name)
        return trouble is not None and _now() - trouble.last < FORGOTTEN_SECONDS

    def failing(self) -> list[str]:
        """What has failed for a while, and fails still."""
        return sorted(
            name
            for name, trouble in self._troubles.items()
            if self.has_failed(name) and trouble.last - trouble.first >= LASTING_SECONDS
        )

    async def _kept(self, name: str, work: Work) -> None:
        while not self._stopping.is_set():
            try:
                await work()
                if not self._stopping.is_set():
                    self.failed(name, RuntimeError("It has ended, and should go on."))
            except Exception as error:
                self.failed(name, error)
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_AFTER_SECONDS):
                    await self._stopping.wait()

    async def _begun(self, name: str, work: Work) -> None:
        try:
            await work()
        except Exception as error:
            self.failed(name, error)

    def _add(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _now() -> float:
    return asyncio.get_running_loop().time()
