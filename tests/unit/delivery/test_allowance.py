"""A person's limit and what a provider asked for by itself: the lesser counts, and whoever waits is told which of them it is."""

from datetime import UTC, datetime, timedelta

import pytest

from service.delivery import provider_limits
from service.delivery.allowance import BEGINS, Allowance
from service.delivery.provider_limits import LimitInvalid, ProviderInvalid
from service.delivery.recovery import Slowing

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
LATER = NOW + timedelta(minutes=20)
SLOWED = Slowing(True, NOW + timedelta(minutes=10), 1.0)


def test_the_lesser_of_the_two_counts() -> None:
    both = Allowance(5, "", SLOWED)
    assert [both.allowed(moment) for moment in (NOW, LATER - timedelta(minutes=9), LATER)] == [0.0, 3.0, 5.0]
    assert Allowance(5).allowed(NOW) == 5
    assert Allowance(slowing=SLOWED).allowed(LATER) == 21.0
    assert both.begins(NOW) == SLOWED.begins
    assert Allowance(5).begins(NOW) == NOW


def test_who_waits_hears_why() -> None:
    ours = Allowance(5, "warming up", SLOWED)
    assert ours.said("Google", LATER) == (
        "Waits: Google gets at most 5 messages a second from us (warming up); it goes by itself."
    )
    theirs = ours.said("Google", NOW)
    assert "has asked for less" in theirs
    assert all(
        said.startswith(BEGINS.format(provider="Google")) for said in (theirs, ours.said("Google", LATER))
    )


@pytest.mark.parametrize(
    ("text", "provider"),
    [
        ("Gmail.com ", "Google"),
        ("google", "Google"),
        ("reader@googlemail.com", "Google"),
        ("Example.org", "example.org"),
        ("münchen.de", "xn--mnchen-3ya.de"),
    ],
)
def test_a_provider_is_meant_by_its_name_or_a_domain(text: str, provider: str) -> None:
    assert provider_limits.named(text) == provider


@pytest.mark.parametrize("text", ["", "gmail", "a b.de", "x" * 300])
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(ProviderInvalid, match=r"for example gmail\.com"):
        provider_limits.named(text)


@pytest.mark.parametrize(
    ("values", "field"),
    [({"rate": ""}, "rate"), ({"rate": "0"}, "rate"), ({"rate": "5", "why": "x" * 121}, "why")],
)
def test_a_limit_that_is_none_says_which_field(values: dict[str, str], field: str) -> None:
    with pytest.raises(LimitInvalid) as raised:
        provider_limits.read(values)
    assert raised.value.field == field
