"""When failures add up to a dead address: at least three editions in a row, over at least fourteen days. Pure.

An edition that arrived clears all that failed before it. One that was only just accepted proves nothing yet: its bounce may still be on
its way, for as long as servers keep trying (RFC 5321 section 4.5.4.1: four to five days).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

EDITIONS_LEAST = 3
SPAN_LEAST = timedelta(days=14)
SETTLED_AFTER = timedelta(days=5)


class Fate(Enum):
    ARRIVED = "arrived"
    FAILED = "failed"
    NEITHER = "neither"  # not sent, or failed for a reason that is not the reader's


@dataclass(frozen=True)
class Try:
    """What became of one edition for one reader."""

    edition_id: int
    at: datetime
    fate: Fate


def in_a_row(tries: Iterable[Try], now: datetime) -> list[Try]:
    """The failures that nothing has cleared since, oldest first."""
    ordered = sorted(tries, key=lambda one: (one.at, one.edition_id))
    last_failed = max((place for place, one in enumerate(ordered) if one.fate is Fate.FAILED), default=-1)
    found: list[Try] = []
    for place, one in enumerate(ordered):
        if one.fate is Fate.FAILED:
            found.append(one)
        elif one.fate is Fate.ARRIVED and (place < last_failed or one.at <= now - SETTLED_AFTER):
            found.clear()
    return found


def are_enough(failures: list[Try]) -> bool:
    """`failures` as `in_a_row` gives them."""
    return len(failures) >= EDITIONS_LEAST and failures[-1].at - failures[0].at >= SPAN_LEAST
