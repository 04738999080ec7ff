"""A worker's tokens of every place: leased while they are asked for, given back to the quota when nobody has used them.

A token that lapses here is one that another worker waits for: it is told with the next lease, and where none follows by itself.
"""

import asyncio
from collections.abc import Callable, Iterable

import sqlalchemy as sa

from service import logs
from service.database import Database
from service.delivery import leasing_at_once, pace_rows
from service.delivery.pace import Grant, Purse
from service.delivery.pace_rows import RELAY

log = logs.get(__name__)

BEAT_SECONDS = 0.02
GIVE_BACK_SECONDS = 0.1
AFTER_ERROR_SECONDS = 0.3
CLOSE_SECONDS = 2.0
PLACES_MOST = 50


class Leasing:
    """`rate_at`: messages a second of a place. `waiting`: how many errands want a token. `on_filled`: there are some now."""

    def __init__(
        self,
        database: Database,
        relay: str,
        *,
        rate_at: Callable[[str], float | None],
        waiting: Callable[[], int],
        on_filled: Callable[[], None],
    ) -> None:
        self._database = database
        self._relay = relay
        self._rate_at = rate_at
        self._waiting = waiting
        self._on_filled = on_filled
        self._own = Purse()  # of the relay: the one that a quota counts
        self._others: dict[str, Purse] = {}
        self._short = asyncio.Event()
        self._has_some = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None
        self._giving: asyncio.Task[None] | None = None
        self._is_closed = False
        self.has_quota = False

    def of(self, place: str) -> Purse:
        if place == RELAY + self._relay:
            return self._own
        if place not in self._others:
            if len(self._others) > PLACES_MOST:
                self._others.clear()  # tokens of editions that are long over; what is lost of others is asked for again
            self._others[place] = Purse()
        return self._others[place]

    def ask(self, purses: Iterable[Purse]) -> None:
        for purse in purses:
            purse.is_asked_for = True
            if purse.is_low:
                self._short.set()

    def come_back(self) -> None:
        """A token that was used for nothing."""
        self._own.unused += 1
        self._has_some.set()

    def forget(self) -> None:
        """There is no limit any more."""
        self._own.lapse_all()
        self._others.clear()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lease_again_and_again())
            group.create_task(self._give_back_again_and_again())

    async def close(self) -> None:
        """Nothing is sent any more: others may have what is left."""
        if under_way := {task for task in (self._asking, self._giving) if task is not None}:
            await asyncio.wait(under_way, timeout=CLOSE_SECONDS)
        self._is_closed = True
        await self._give_all_back()

    async def _lease_again_and_again(self) -> None:
        while True:
            await self._short.wait()
            self._short.clear()
            wanted = self._wanted(asyncio.get_running_loop().time())
            if wanted:
                # What is given out after we were told to stop is given back by `close`.
                self._asking = asyncio.create_task(self._lease(wanted))
                await asyncio.shield(self._asking)
            else:
                await asyncio.sleep(BEAT_SECONDS)

    def _wanted(self, now: float) -> dict[str, tuple[int, float | None]]:
        purses = {RELAY + self._relay: self._own, **self._others}
        return {
            place: (
                min(purse.wants(rate := self._rate_at(place)), max(1, self._waiting() - purse.left)),
                rate,
            )
            for place, purse in purses.items()
            if purse.is_asked_for and purse.is_low and purse.not_before <= now
        }

    async def _lease(self, wanted: dict[str, tuple[int, float | None]]) -> None:
        loop, own = asyncio.get_running_loop(), self._own
        is_own = RELAY + self._relay in wanted
        unused = own.taken_back() if is_own else 0
        may_rest = is_own and own.is_used_up(loop.time())
        try:
            given = await self._short_way(wanted)
            if given is None:
                given = await self._database.write(
                    pace_rows.lease, self._relay, wanted, unused=unused, may_rest=may_rest
                )
        except (sa.exc.SQLAlchemyError, OSError) as error:
            own.unused += unused
            log.warning("pace.not_leased", problem=str(error).splitlines()[0])
            await asyncio.sleep(AFTER_ERROR_SECONDS)
            if self._is_closed:
                await self._give_all_back()
            return
        for place, grant in given.items():
            self.of(place).fill(grant, loop.time())
        if self._is_closed:
            await self._give_all_back()
        self._has_some.set()
        self._on_filled()

    async def _short_way(self, wanted: dict[str, tuple[int, float | None]]) -> dict[str, Grant] | None:
        """None: there is none. Several places are locked in an order, in one transaction."""
        at_once = self._database.aside
        if at_once is None or self.has_quota or len(wanted) > 1:
            return None
        ((place, (count, rate)),) = wanted.items()
        if rate is None:
            return None
        given = await leasing_at_once.lease(at_once, self._relay, place, count, rate)
        return None if given is None else {place: given}

    async def _give_back_again_and_again(self) -> None:
        while True:
            await self._has_some.wait()
            await asyncio.sleep(GIVE_BACK_SECONDS)
            self._own.lapse(asyncio.get_running_loop().time())
            await self._give_back()
            if not (self._own.left or self._own.unused):
                self._has_some.clear()

    async def _give_all_back(self) -> None:
        self._own.lapse_all()
        await self._give_back()

    async def _give_back(self) -> None:
        unused = self._own.taken_back()
        if unused and self.has_quota:
            # Whoever is told to stop in the midst of it would lose them: nobody knows then whether they came back.
            self._giving = asyncio.create_task(self._given_back(unused))
            await asyncio.shield(self._giving)

    async def _given_back(self, unused: int) -> None:
        try:
            await self._database.write(pace_rows.give_back, self._relay, unused)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            self._own.unused += unused
            log.warning("pace.not_given_back", problem=str(error).splitlines()[0])
