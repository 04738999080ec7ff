"""Three editions in a row, over fourteen days, and any that arrived clears what was before it."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from service.bounces import strikes
from service.bounces.strikes import Fate, Try

NOW = datetime(2026, 3, 31, 6, tzinfo=UTC)
FATES = {"x": Fate.FAILED, "+": Fate.ARRIVED, ".": Fate.NEITHER}


def month(days: str) -> list[Try]:
    """One letter a day, the last of them today."""
    first = NOW - timedelta(days=len(days) - 1)
    return [Try(day, first + timedelta(days=day), FATES[letter]) for day, letter in enumerate(days)]


def is_dead(days: str) -> bool:
    return strikes.are_enough(strikes.in_a_row(month(days), NOW))


def test_three_over_fourteen_days_are_enough() -> None:
    assert is_dead("x......x......x")
    assert is_dead("xxxxxxxxxxxxxxx")
    assert is_dead("x.............xx")


def test_fewer_or_in_less_time_are_not() -> None:
    assert not is_dead("x.............x")
    assert not is_dead("xxxxxxxxxxxxxx")
    assert not is_dead("")
    assert not is_dead("...............")


def test_an_edition_that_arrived_clears_what_was_before_it() -> None:
    assert not is_dead("x......x+.....x")
    assert not is_dead("xxxxxxxxxxxxxx+x")
    assert is_dead("+x......x......x")


def test_one_that_was_only_just_accepted_proves_nothing_yet() -> None:
    assert is_dead("x......x......x+")
    assert not is_dead("x......x......x+....."), "five days on its bounce would be here"


@settings(max_examples=60)
@given(st.text(alphabet="x+.", max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_telling_does_not_matter(days: str, chance: Random) -> None:
    tries = month(days)
    shuffled = list(tries)
    chance.shuffle(shuffled)
    assert strikes.in_a_row(shuffled, NOW) == strikes.in_a_row(tries, NOW)


@settings(max_examples=60)
@given(st.text(alphabet="x+.", max_size=40))
def test_only_failures_behind_the_last_arrival_are_left(days: str) -> None:
    found = strikes.in_a_row(month(days), NOW)
    assert all(one.fate is Fate.FAILED for one in found)
    before_the_last = days.rstrip("+.")
    expected = before_the_last.rpartition("+")[2].count("x")
    assert len(found) in {expected, 0}
