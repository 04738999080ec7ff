"""A process's own sign of life: figures of what it does, written into its row every few seconds as long as its tick comes round."""

import asyncio
import os
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import metadata
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session

from service import logs, tokens
from service.database import Database
from service.workers import present, register
from service.workers.register import BEAT_SECONDS, Follow, Identity

log = logs.get(__name__)

RATE_WINDOW_SECONDS = 20.0


@dataclass(frozen=True)
class OnStep:
    """What is to be done when the database's clock went back: in the write that sees it, and after that."""

    at_once: Follow
    afterwards: Callable[[timedelta], Awaitable[None]]


class Pulse:
    def __init__(
        self, database: Database, name: str, figures: Callable[[], dict[str, Any]], on_step: OnStep
    ) -> None:
        """`figures` counts up from the process's beginning; its `accepted` makes the rate."""
        self._on_step = on_step
        self._database = database
        self._figures = figures
        self._samples: deque[tuple[float, int]] = deque()
        self._beaten_at = -BEAT_SECONDS
        self.identity = Identity(
            tokens.new_uid(), name, socket.gethostname(), os.getpid(), metadata.version("morning-memo")
        )

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """A row from here to the end of the block; the tick renews it by `beat`."""
        self._beaten_at = self._now()
        await self._beat(self._measured())
        try:
            yield
        finally:
            await self._say_good_bye()

    async def beat(self) -> None:
        """Called at the end of each tick; writes only every `BEAT_SECONDS`."""
        now = self._now()
        measured = self._measured()
        if now - self._beaten_at >= BEAT_SECONDS:
            await self._beat(measured)
            self._beaten_at = now

    async def _beat(self, measured: dict[str, Any]) -> None:
        step = await self._database.write(register.beat, self.identity, measured, self._on_step.at_once)
        if step is not None:
            await self._on_step.afterwards(step)

    async def _say_good_bye(self) -> None:
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                await self._database.write(register.end, self.identity, self._measured())
        except (sa.exc.SQLAlchemyError, OSError) as error:
            # Then it looks like one that died, which is what the database saw of it.
            log.warning("worker.end_not_noted", worker=self.identity.name, problem=type(error).__name__)

    def is_another_able(self, session: Session, relay: str) -> bool:
        """Whether another process is alive and has said nothing against this relay."""
        return present.is_another_able(session, self.identity.uid, relay)

    def _measured(self) -> dict[str, Any]:
        figures, now = self._figures(), self._now()
        accepted = int(figures.get("accepted", 0))
        self._samples.append((now, accepted))
        while len(self._samples) > 2 and now - self._samples[1][0] >= RATE_WINDOW_SECONDS:
            self._samples.popleft()
        since, before = self._samples[0]
        passed = now - since
        return {**figures, "rate": round((accepted - before) / passed, 1) if passed > 0 else 0.0}

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
