"""A span in the hands of this process, and the errands it gives out."""

import asyncio
from typing import NamedTuple

from service.delivery.exchange import Envelope
from service.delivery.fence import Take
from service.delivery.paging import Row


class Holding:
    """`is_fenced`: somebody else has it now, or it was paused. `progressed`: something of it was recorded.
    `is_outranked`: a higher lane waits, or an edition that nobody is at, or the relay takes nothing: it is let go, its rows untouched.
    """

    def __init__(self, taken: Take) -> None:
        self.taken = taken
        self.since = asyncio.get_running_loop().time()
        self._fenced = asyncio.Event()
        self.progressed = False
        self.is_outranked = False
        self._pending = 0
        self._aside = 0  # of them, those that wait for their provider
        self._enough = 0
        self._few = asyncio.Event()

    @property
    def is_fenced(self) -> bool:
        return self._fenced.is_set()

    @is_fenced.setter
    def is_fenced(self, has_fallen: bool) -> None:
        """Once fallen it never stands again: the next take has another turn or another epoch."""
        if has_fallen:
            self._fenced.set()

    def errand(self, row: Row, read_at: float) -> "Errand":
        self._pending += 1
        return Errand(self, row, read_at)

    def one_done(self) -> None:
        self._pending -= 1
        self._look_if_few()

    def stand_aside(self) -> None:
        self._aside += 1
        self._look_if_few()

    def come_back(self) -> None:
        self._aside -= 1

    def _look_if_few(self) -> None:
        if self._are_few():
            self._few.set()

    def _are_few(self) -> bool:
        return self._pending - (self._aside if self._enough else 0) <= self._enough

    async def down_to(self, left: int, draining: asyncio.Event, patience: float) -> None:
        """Until no more than `left` errands are under way; once draining or fenced, not longer than `patience` seconds.

        Those that stand aside for their provider count only where nobody is to be left.
        """
        self._enough = left
        if self._are_few():
            return
        self._few.clear()
        few = asyncio.ensure_future(self._few.wait())
        stop = asyncio.ensure_future(draining.wait())
        fall = asyncio.ensure_future(self._fenced.wait())
        try:
            await asyncio.wait({few, stop, fall}, return_when=asyncio.FIRST_COMPLETED)
            if not few.done():
                await asyncio.wait({few}, timeout=patience)
        finally:
            few.cancel()
            stop.cancel()
            fall.cancel()


class Errand(NamedTuple):
    holding: Holding
    row: Row
    read_at: float
    made: Envelope | Exception | None = None  # made and signed ahead, or why that cannot be
    has_token: bool = False  # counted by the relay's quota, if it has one

    @property
    def taken(self) -> Take:
        return self.holding.taken

    def done(self) -> None:
        self.holding.one_done()
