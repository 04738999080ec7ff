"""A sender's seats: one for each connection that it may have open. Where a relay's number is shared, they are leased in the database.

    take -> connect, carry -> is_over? -> leave, close, closed

A connection that waits for work is closed when the share becomes smaller, one at work after its message. Without work all are given back.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property

import sqlalchemy as sa

from service import logs, tokens
from service.database import Database
from service.delivery import seat_rows
from service.delivery.gate import Gate
from service.delivery.holding import Errand
from service.delivery.seat_rows import Claim
from service.delivery.sharing import SeatLane

log = logs.get(__name__)

BEAT_SECONDS = 0.5
HUNGRY_SECONDS = 0.2
WANTED_SECONDS = 2.5  # longer than the patience of `ready`: whoever waits is counted
PATIENCE_SECONDS = 2.0
VALID_SECONDS = 7.0  # others take what is not renewed for ten: until then all of ours is closed


@dataclass(frozen=True)
class Bench:
    """Which seats: `most` of the relay's connections, from `holder` for this lane. `shared`: how many all workers have together, unless
    its row says another number; None: all of ours are our own.
    """

    relay: str
    holder: str
    lane: SeatLane
    most: int
    shared: int | None

    @property
    def is_shared(self) -> bool:
        return self.shared is not None


class Seats:
    def __init__(self, database: Database, bench: Bench, is_at_work: Callable[[], bool]) -> None:
        self._database = database
        self._bench = bench
        self._is_at_work = is_at_work
        self._claim = Claim(tokens.new_uid(), bench.relay, bench.lane, bench.holder)
        self._given = 0
        self._renewed_at = float("-inf")
        self._wanted_until = float("-inf")
        self._seated = 0
        self._open = 0  # the seated, and those whose connection is not closed yet
        self._kept = 0
        self._is_asking = False
        self._has_row = False
        self._hurry = asyncio.Event()
        self._moved = asyncio.Event()

    @property
    def granted(self) -> int:
        if not self._bench.is_shared:
            return self._bench.most
        return self._given if self._now() - self._renewed_at < VALID_SECONDS else 0

    @property
    def is_over(self) -> bool:
        """Whether somebody has to leave."""
        return self._bench.is_shared and self._seated > self.granted

    async def ready(self) -> bool:
        """Say that there is work; returns whether a connection may be open for it."""
        if not self._bench.is_shared:
            return True
        self._wanted_until = self._now() + WANTED_SECONDS
        if not self.granted:
            self._hurry.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while not self.granted:
                        await self._moved.wait()
        return self.granted > 0

    @asynccontextmanager
    async def one(self) -> AsyncIterator[bool]:
        """For whoever asks the relay whether there can be work: that is a connection, too, and one will do. False: none is free."""
        if not self._bench.is_shared:
            yield True
            return
        self._kept += 1
        self._hurry.set()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while self._is_asking or self._open >= self.granted:
                        await self._moved.wait()
            if self._is_asking or self._open >= self.granted:
                yield False
                return
            self._open += 1
            try:
                yield True
            finally:
                self.closed()
        finally:
            self._kept -= 1

    async def take(self) -> None:
        """Wait for a seat."""
        while self._bench.is_shared and (self._is_asking or self._open + self._kept >= self.granted):
            await self._moved.wait()
        self._seated += 1
        self._open += 1

    async def errand(self, gate: Gate) -> Errand | None:
        """The next errand for somebody seated; None: leave, the share has become smaller."""
        if not self._bench.is_shared:
            return await gate.next()
        while not self.is_over:
            if (errand := gate.at_hand()) is not None:
                return errand
            coming, moved = asyncio.ensure_future(gate.next()), asyncio.ensure_future(self._moved.wait())
            try:
                await asyncio.wait({coming, moved}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                moved.cancel()
                coming.cancel()  # what nobody has taken stays in the queue
            if coming.done() and not coming.cancelled():
                return coming.result()
        return None

    def leave(self) -> None:
        self._seated -= 1

    def closed(self) -> None:
        self._open -= 1
        self._hurry.set()  # others wait for it

    async def run(self, on_none: Callable[[], None] = lambda: None) -> None:
        """Renew what is leased. `on_none`: there is work, and no connection for it."""
        while self._bench.is_shared:
            is_wanted = self._is_at_work() or self._now() < self._wanted_until
            wanted = self._bench.most if is_wanted else min(1, self._kept)
            if wanted or self._open or self._has_row:
                await self._renew(wanted)
                if is_wanted and not self.granted:
                    on_none()
                with suppress(TimeoutError):
                    async with asyncio.timeout(BEAT_SECONDS if self.granted else HUNGRY_SECONDS):
                        await self._hurry.wait()
            else:
                await self._hurry.wait()
            self._hurry.clear()

    async def give_all_back(self) -> None:
        """When every connection is closed."""
        if self._has_row:
            with suppress(sa.exc.SQLAlchemyError, OSError):  # then it goes stale
                await self._database.write(seat_rows.leave, self._claim.uid)

    async def _renew(self, wanted: int) -> None:
        began, self._is_asking = self._now(), True  # nobody sits down on a seat that is being taken away
        try:
            self._given = await self._database.write(
                seat_rows.renew,
                self._claim,
                wanted=wanted,
                opened=self._open,
                unless_said=self._bench.shared or 0,
            )
            self._renewed_at, self._has_row = began, bool(wanted or self._open)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            log.warning("seats.not_renewed", relay=self._bench.relay, problem=str(error).splitlines()[0])
        finally:
            self._is_asking = False
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()

    @cached_property
    def _now(self) -> Callable[[], float]:
        """The loop's clock: asked a few times for each message."""
        return asyncio.get_running_loop().time
