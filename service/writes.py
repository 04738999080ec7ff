"""What writing costs one process: counted beside each write, read by whoever watches. Plain numbers, so that they cost nothing."""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import sqlalchemy as sa

# Upper ends in seconds. A commit on a good disk takes a few milliseconds; PostgreSQL gives a lock up after one second.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PROBLEM_SECONDS = 60.0
# An error of these says what was wrong with the values, not that nothing can be written.
OF_THE_VALUES = (sa.exc.IntegrityError, sa.exc.DataError)
OF_THE_DATABASE = (sa.exc.DBAPIError, sa.exc.TimeoutError, OSError)


@dataclass
class Writes:
    """`seconds`: from asking until the commit had answered. `retries`: a lock or a serialisation was lost and it ran again."""

    seconds: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    retries: int = 0
    failures: int = 0
    under_way: int = 0
    _problem: str | None = None
    _failed_at: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def problem(self) -> str | None:
        """What kept the last write from being committed. None once one was, or when it is too long ago to say anything about now."""
        return self._problem if perf_counter() - self._failed_at < PROBLEM_SECONDS else None

    @contextmanager
    def timed(self) -> Iterator[None]:
        began = perf_counter()
        self.under_way += 1
        try:
            yield
        except OF_THE_VALUES:
            raise
        except OF_THE_DATABASE as error:
            self.failures += 1
            self._problem, self._failed_at = (
                type(getattr(error, "orig", None) or error).__name__,
                perf_counter(),
            )
            raise
        else:
            took = perf_counter() - began
            self.seconds += took
            self.counts[bisect_left(BUCKETS, took)] += 1
            self._problem = None
        finally:
            self.under_way -= 1

    def as_facts(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 3),
            "counts": list(self.counts),
            "retries": self.retries,
            "failures": self.failures,
            "under_way": self.under_way,
        }
