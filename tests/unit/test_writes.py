import time

import pytest
import sqlalchemy as sa

from service import writes
from service.errors import Conflict
from service.writes import BUCKETS, Writes


def one(kept: Writes, error: Exception | None = None) -> None:
    with kept.timed():
        assert kept.under_way == 1
        if error is not None:
            raise error


def test_a_write_that_is_committed_is_counted_once() -> None:
    kept = Writes()
    one(kept)
    one(kept)
    assert (kept.count, kept.failures, kept.under_way, kept.problem) == (2, 0, 0, None)
    assert kept.seconds > 0
    assert len(kept.as_facts()["counts"]) == len(BUCKETS) + 1


@pytest.mark.parametrize(
    "error",
    [
        sa.exc.OperationalError("INSERT", {}, RuntimeError("disk full")),
        sa.exc.TimeoutError("no connection is free"),
        OSError("connection refused"),
    ],
)
def test_what_the_database_cannot_do_is_a_problem_until_it_can(error: Exception) -> None:
    kept = Writes()
    with pytest.raises(type(error)):
        one(kept, error)
    assert (kept.count, kept.failures, kept.under_way) == (0, 1, 0)
    assert kept.problem is not None
    one(kept)
    assert kept.problem is None


@pytest.mark.parametrize(
    "error", [Conflict(), sa.exc.IntegrityError("INSERT", {}, RuntimeError("twice")), KeyError("x")]
)
def test_what_is_wrong_with_the_wish_is_no_problem_of_the_database(error: Exception) -> None:
    kept = Writes()
    with pytest.raises(type(error)):
        one(kept, error)
    assert (kept.count, kept.failures, kept.under_way, kept.problem) == (0, 0, 0, None)


def test_a_problem_of_long_ago_says_nothing_about_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that only serves pages may not write again for hours."""
    kept = Writes()
    with pytest.raises(OSError):
        one(kept, OSError("connection refused"))
    assert kept.problem == "OSError"
    later = time.perf_counter() + writes.PROBLEM_SECONDS
    monkeypatch.setattr(writes, "perf_counter", lambda: later)
    assert kept.problem is None
