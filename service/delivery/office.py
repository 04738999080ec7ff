"""What a sender works with: made by whoever starts it, and the same for all its connections."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from service.clock import Clock
from service.database import Database
from service.delivery import messages, seat_rows
from service.delivery.exchange import Envelope
from service.delivery.figures import Figures
from service.delivery.limits import Limits, Timeouts
from service.delivery.messages import Mould
from service.delivery.paging import Row
from service.delivery.return_paths import ReturnPaths
from service.delivery.seats import Bench
from service.delivery.sharing import SeatLane
from service.delivery.standing_by import StandingBy
from service.delivery.transport import RelayAddress
from service.tokens import Keys


@dataclass(frozen=True)
class Office:
    """What a sender works with."""

    holder: str
    database: Database
    clock: Clock
    keys: Keys
    base_url: str
    relay: RelayAddress
    timeouts: Timeouts
    connections: int  # that editions may have
    uncertain_wait: timedelta
    limits: Limits = field(default_factory=Limits)
    figures: Figures = field(default_factory=Figures)
    # False for a relay that signs by itself or rewrites messages: then we do not sign.
    keeps_our_bytes: bool = True
    shared_connections: int | None = None  # of all workers together; None: as many as are ours
    is_alone: bool = False  # no other process sends
    return_paths: ReturnPaths | None = None  # None: the newsletter's address is the sender of the envelope

    @property
    def standing_by(self) -> StandingBy:
        return self.figures.standing_by

    def bench(self, lane: SeatLane) -> Bench:
        """The connections that one of its lanes may have."""
        most = 1 if lane is SeatLane.NOTICES else self.connections
        return Bench(self.relay.name, seat_rows.holder(self.holder), lane, most, self._shared(lane))

    def _shared(self, lane: SeatLane) -> int | None:
        """A notice that no other worker could want to send keeps its connection, unless that is the only one."""
        is_own = self.is_alone and lane is SeatLane.NOTICES and (self.shared_connections or 0) > 1
        return None if is_own else self.shared_connections

    def message(self, mould: Mould, row: Row, pins: Mapping[str, Any]) -> Envelope:
        """What goes to this reader. Raises as `messages.make` does."""
        return messages.make(
            mould,
            row,
            pins,
            keys=self.keys,
            base_url=self.base_url,
            return_paths=self.return_paths,
        )
