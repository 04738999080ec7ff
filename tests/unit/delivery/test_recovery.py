"""Who is asked to slow down, by how much, and when all is well again."""

from datetime import UTC, datetime, timedelta

import pytest

from service.delivery import outcome, provider_groups, recovery
from service.delivery.outcome import Phase, Reply
from service.delivery.recovery import Slowing

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)


def judged(code: int, text: str, phase: Phase = Phase.DOT) -> outcome.Outcome:
    return outcome.of(Reply(phase, code, text))


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (454, "Throttling failure: Maximum sending rate exceeded."),
        (421, "4.7.0 slow down"),
        (432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"),
        (421, "4.4.5 Too many concurrent SMTP connections"),
    ],
)
def test_a_relay_that_finds_us_too_fast_is_given_less(code: int, text: str) -> None:
    assert recovery.asks_relay_wide(judged(code, text))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (454, "Throttling failure: Daily message quota exceeded."),
        (535, "5.7.8 too many failed logins"),
        (450, "4.2.1 The user is receiving mail too quickly"),
        (550, "5.1.1 no such user"),
        (250, "2.0.0 Ok: queued, rate 5 per second"),
    ],
)
def test_what_a_slower_pace_would_not_mend_is_left_to_others(code: int, text: str) -> None:
    assert not recovery.asks_relay_wide(judged(code, text))


def test_gmail_rests_ten_minutes_then_gets_one_and_one_more_at_a_time() -> None:
    said = judged(421, "4.7.28 Gmail has detected an unusual rate of mail", Phase.RCPT)
    assert recovery.asks_of_provider(said)
    slowing = recovery.of_provider(said, NOW)
    allowed = [slowing.allowed(minutes(after)) for after in (0, 9.9, 10, 10.5, 15, 40)]
    assert allowed == [0.0, 0.0, 1.0, 2.0, 11.0, None]


def test_a_provider_that_names_a_longer_rest_has_it() -> None:
    said = judged(421, "4.7.0 [TSS04] Messages temporarily deferred due to volume", Phase.RCPT)
    assert recovery.of_provider(said, NOW).begins == NOW + timedelta(hours=2)


def test_a_relay_gets_half_of_what_it_took_and_has_all_of_it_again_in_two_minutes() -> None:
    slowing = recovery.of_relay(40.0, None, NOW)
    assert [slowing.allowed(minutes(after)) for after in (0, 1, 2)] == [20.0, 40.0, None]


def test_asked_again_it_gets_half_of_what_it_was_allowed() -> None:
    before = recovery.of_relay(40.0, None, NOW)
    assert recovery.of_relay(40.0, before, NOW).rate == 10.0
    assert recovery.of_relay(0.5, before, NOW).rate == 1.0


def test_nothing_is_allowed_before_a_rest_is_over() -> None:
    assert Slowing(True, minutes(10), 1.0).allowed(NOW) == 0.0


@pytest.mark.parametrize(
    ("address", "group"),
    [
        ("ann@gmail.com", "Google"),
        ("ann@GoogleMail.com", "Google"),
        ("ann@hotmail.co.uk", "Microsoft"),
        ("ann@me.com", "Apple"),
        ("ann@web.de", "GMX and WEB.DE"),
        ("ann@ledger.example.org", "ledger.example.org"),
    ],
)
def test_domains_of_one_provider_are_one_group(address: str, group: str) -> None:
    assert provider_groups.of(address) == group


def test_no_domain_is_in_two_groups() -> None:
    domains = [domain for one in provider_groups.GROUPS.values() for domain in one]
    assert len(domains) == len(set(domains))
    assert domains == [domain.lower() for domain in domains]


def test_a_relay_that_was_slowed_down_later_than_now_is_slow_and_does_not_stand() -> None:
    """The database's clock went back meanwhile."""
    assert Slowing(False, minutes(60), 40.0).allowed(NOW) == 40.0
