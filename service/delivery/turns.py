"""Editions of one rank share a worker fairly, however slow one of them or the relay is.

errands     of each edition in turn, for the connections
places      an edition that nobody is at gets the place that another one has had for longest
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable

from service.delivery.holding import Errand, Holding

TURN_SECONDS = 1.0  # at least so long an edition keeps a place


class Turns(asyncio.Queue[Errand]):
    """Errands that wait for somebody, one of each edition in turn; those of one edition in their order."""

    def _init(self, maxsize: int) -> None:
        self._waiting: dict[int, deque[Errand]] = {}
        self._count = 0

    def qsize(self) -> int:
        return self._count

    def empty(self) -> bool:
        return not self._count

    def count_of(self, edition_id: int) -> int:
        return len(self._waiting.get(edition_id, ()))

    def _put(self, errand: Errand) -> None:
        self._waiting.setdefault(errand.holding.taken.edition_id, deque()).append(errand)
        self._count += 1

    def _get(self) -> Errand:
        edition_id = next(iter(self._waiting))
        errands = self._waiting[edition_id]
        errand = errands.popleft()
        self._count -= 1
        if len(self._waiting) > 1 or not errands:
            del self._waiting[edition_id]
            if errands:
                self._waiting[edition_id] = errands
        return errand


def to_give_way(
    holdings: Iterable[Holding], is_waited_for: Callable[[Holding], bool], now: float
) -> Holding | None:
    """Which span to let go for an edition that nobody is at: the oldest of the edition that has most. None: not yet, or one is going."""
    held = [holding for holding in holdings if is_waited_for(holding)]
    if not held or any(holding.is_outranked for holding in held):
        return None
    counts = Counter(holding.taken.edition_id for holding in held)
    oldest = min(held, key=lambda one: (-counts[one.taken.edition_id], one.since))
    return oldest if now - oldest.since >= TURN_SECONDS else None
