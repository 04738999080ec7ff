"""A span in the hands of this process, and the errands it gives out."""

import asyncio
from dataclasses import dataclass

from service.delivery.paging import Row
from service.delivery.spans import Take


class Holding:
    """`is_fenced`: somebody else has it now, or it was paused. `progressed`: something of it was recorded."""

    def __init__(self, taken: Take) -> None:
        self.taken = taken
        self.is_fenced = False
        self.progressed = False
        self._pending = 0
        self._idle = asyncio.Event()

    def errand(self, row: Row, read_at: float) -> "Errand":
        self._pending += 1
        self._idle.clear()
        return Errand(self, row, read_at)

    def one_done(self) -> None:
        self._pending -= 1
        if not self._pending:
            self._idle.set()

    async def settled(self, draining: asyncio.Event, patience: float) -> None:
        """Until every errand is done; once draining, not longer than `patience` seconds."""
        if not self._pending:
            return
        idle = asyncio.ensure_future(self._idle.wait())
        stop = asyncio.ensure_future(draining.wait())
        try:
            await asyncio.wait({idle, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not idle.done():
                await asyncio.wait({idle}, timeout=patience)
        finally:
            idle.cancel()
            stop.cancel()


@dataclass(frozen=True)
class Errand:
    holding: Holding
    row: Row
    read_at: float

    @property
    def taken(self) -> Take:
        return self.holding.taken

    def done(self) -> None:
        self.holding.one_done()
