"""Who may have how many of a relay's connections: pure. All workers share them fairly, and one is kept for notices.

    what a sender may open     its fair share, and no more than the others leave
    what it has open           counts as its own until it is closed, also while its share has become smaller

So all together never have more than the relay's number open, whatever the shares do meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class SeatLane(StrEnum):
    EDITIONS = "editions"
    NOTICES = "notices"


@dataclass(frozen=True)
class Wish:
    """`allowed`: what it may have open, or has open still."""

    lane: SeatLane
    wanted: int
    allowed: int


def for_editions(connections: int) -> int:
    """Of a relay that takes so many."""
    return max(1, connections - 1)


def granted(connections: int, wishes: Sequence[Wish], number: int) -> int:
    """How many the sender of that number may have open now. `wishes`: who asked first comes first."""
    mine = wishes[number]
    alike = [at for at, wish in enumerate(wishes) if wish.lane is mine.lane]
    capacity = _capacity(connections, mine.lane, wishes)
    share = fair(capacity, [wishes[at].wanted for at in alike])[alike.index(number)]
    others = [wish for at, wish in enumerate(wishes) if at != number]
    left = connections - sum(wish.allowed for wish in others)
    left_in_lane = capacity - sum(wish.allowed for wish in others if wish.lane is mine.lane)
    return max(0, min(share, left, left_in_lane))


def fair(capacity: int, wanted: Sequence[int]) -> list[int]:
    """Each gets what it wants, or as much as the others who want more; what cannot be divided goes to the first."""
    shares, left = [0] * len(wanted), capacity
    while left > 0 and (hungry := [at for at, most in enumerate(wanted) if shares[at] < most]):
        for at in hungry[:left]:
            shares[at] += 1
        left -= min(left, len(hungry))
    return shares


def _capacity(connections: int, lane: SeatLane, wishes: Sequence[Wish]) -> int:
    """A relay's only connection belongs to editions until a notice wants it."""
    if lane is SeatLane.NOTICES:
        return 1
    is_wanted = any(wish.wanted or wish.allowed for wish in wishes if wish.lane is SeatLane.NOTICES)
    return 0 if connections == 1 and is_wanted else for_editions(connections)
