"""Who goes first, and what they say about the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.delivery import canary, canary_rules
from service.delivery.canary_rules import Tally, Verdict
from service.errors import Invalid
from service.ledger.models import Lane
from service.newsletters import details
from service.newsletters.canary import CanaryRules
from service.newsletters.models import Newsletter
from tests.support.publishing import DETAILS

WAIT, GO, STOP = Verdict


@pytest.mark.parametrize(
    ("size", "waiting", "refused", "is_over", "verdict"),
    [
        (200, 150, 0, False, WAIT),
        (200, 0, 0, False, WAIT),
        (200, 0, 10, True, GO),  # 5 %: the limit, not above it
        (200, 0, 11, True, STOP),
        (200, 180, 11, False, STOP),  # that cannot turn out well any more
        (200, 180, 9, True, WAIT),  # most have no answer: nobody knows
        (200, 99, 9, True, STOP),  # 9 of 101
        (200, 100, 4, True, GO),
        (20, 0, 2, True, GO),  # two dead addresses are no sign
        (20, 0, 3, True, STOP),
        (200, 200, 0, True, WAIT),
    ],
)
def test_the_rest_follows_unless_too_many_are_refused(
    size: int, waiting: int, refused: int, is_over: bool, verdict: Verdict
) -> None:
    assert canary_rules.judged(Tally(size, waiting, refused), percent=5, is_over=is_over) is verdict


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.integers(1, 100))
def test_what_stops_it_early_would_stop_it_at_the_end(
    accepted: int, waiting: int, refused: int, percent: int
) -> None:
    tally = Tally(accepted + waiting + refused, waiting, refused)
    if canary_rules.judged(tally, percent=percent, is_over=False) is STOP:
        at_the_end = Tally(tally.size, 0, refused)
        assert canary_rules.judged(at_the_end, percent=percent, is_over=True) is STOP


def newsletter(**rules: object) -> Newsletter:
    return Newsletter(
        options={"canary": rules}, **{name: DETAILS[name] for name in ("slug", "name", "time_zone")}
    )


def test_it_is_on_above_five_thousand_readers_unless_said_otherwise() -> None:
    usual = canary.wanted(newsletter(), 5_001, Lane.SCHEDULED)
    assert usual is not None
    assert (usual.rows, usual.wait.seconds, usual.percent) == (200, 60, 5)
    assert canary.wanted(newsletter(), 5_000, Lane.SCHEDULED) is None
    assert canary.wanted(newsletter(is_on=False), 1_000_000, Lane.SCHEDULED) is None
    assert canary.wanted(newsletter(is_on=True), 201, Lane.SCHEDULED) is not None
    assert canary.wanted(newsletter(is_on=True), 200, Lane.SCHEDULED) is None, "there is no rest"


def test_breaking_news_does_not_wait() -> None:
    assert canary.wanted(newsletter(is_on=True), 1_000_000, Lane.BREAKING) is None


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ({"first_count": "9"}, "at least 10"),
        ({"wait_seconds": "soon"}, "whole number"),
        ({"refused_percent": "101"}, "at most 100"),
        ({"seeds": ["ada@"]}, "seeds"),
        ({"seeds": ["ada@example.org"] * 21}, "too long"),
    ],
)
def test_what_cannot_be_is_said(rules: dict[str, object], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        details.read(DETAILS | {"canary": rules})
    assert CanaryRules(seeds=["Ada@Example.org"]).seeds == ["Ada@example.org"]
