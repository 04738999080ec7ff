"""Tokens in a worker's hands: used at their moment, lapsing soon after, asked for as they are needed."""

import pytest

from service.delivery import pace
from service.delivery.pace import Grant, Purse


def test_a_token_is_used_at_its_moment_and_not_before() -> None:
    purse = Purse()
    purse.fill(Grant(3, delay=0.1, spacing=0.01), 100.0)
    assert not purse.has(100.09)
    assert purse.has(100.101)
    purse.take()
    assert not purse.has(100.105)
    assert purse.left == 2


def test_what_is_not_used_soon_is_lost_and_told_to_the_quota() -> None:
    purse = Purse()
    purse.fill(Grant(10, spacing=0.01), 100.0)
    assert purse.has(100.05)
    assert not purse.has(101.0)
    assert (purse.left, purse.unused) == (0, 10)


def test_so_late_a_second_holds_no_more_than_a_tenth_of_the_next_ones_tokens() -> None:
    assert pace.GRACE_SECONDS <= 0.1
    assert 2 * pace.SLOT_SECONDS + pace.GRACE_SECONDS <= pace.AHEAD_SECONDS + 1e-9


def test_it_asks_for_more_while_all_is_used_up_and_for_less_when_some_lapses() -> None:
    purse, asked = Purse(), []
    for _ in range(5):
        asked.append(purse.wants(500.0))
        purse.fill(Grant(asked[-1], spacing=0.002), 100.0)
        for number in range(asked[-1]):
            assert purse.has(100.0001 + number * 0.002)
            purse.take()
    assert asked == [4, 8, 16, 32, 50]
    purse.fill(Grant(50, spacing=0.002), 100.0)
    assert not purse.has(200.0)
    assert purse.wants(500.0) == 1


@pytest.mark.parametrize(("rate", "most"), [(1.0, 1), (5.0, 1), (200.0, 20), (None, pace.WITHOUT_RATE_MOST)])
def test_a_lease_is_a_tenth_of_a_second_at_most(rate: float | None, most: int) -> None:
    assert pace.most_at_once(rate) == most


def test_refused_it_waits_and_asks_for_less() -> None:
    purse = Purse()
    before = purse.wants(200.0)
    purse.fill(Grant(0, retry=0.05), 100.0)
    assert purse.not_before == pytest.approx(100.05)
    assert purse.wants(200.0) <= before * 2


def test_a_notice_waits_for_nobody_while_editions_use_all_there_is() -> None:
    """And they pay for it: what they get next begins one token later."""
    given = pace.notice_grant(100.0, 100.2, 0.0, 200.0)
    assert given.delay == 0.0
    assert given.next_at == pytest.approx(100.205)


@pytest.mark.parametrize(("rate", "kept"), [(200.0, 10), (10.0, 1), (1.0, 1)])
def test_beside_editions_notices_have_a_twentieth_and_at_least_one_a_second(rate: float, kept: int) -> None:
    notice_at, in_time = 0.0, 0
    for _ in range(100):
        given = pace.notice_grant(100.0, 100.2, notice_at, rate)
        notice_at = given.notice_at
        in_time += given.delay <= 5.0
    assert in_time == pytest.approx(kept * 6, abs=2)


def test_alone_notices_have_all_of_it() -> None:
    assert pace.notice_grant(100.0, 99.0, 105.0, 10.0).delay == 0.0


def test_after_the_clock_went_back_a_notice_leaves_at_once_and_the_bucket_is_as_of_now() -> None:
    given = pace.notice_grant(100.0, 3_700.0, 3_700.0, 10.0)
    assert given.delay == 0.0
    assert given.next_at == pytest.approx(100.0 + pace.AHEAD_SECONDS + 0.1)
    assert given.notice_at == pytest.approx(101.0)


def test_no_notice_waits_longer_than_it_is_held_and_none_is_taken_for_one_from_before() -> None:
    next_at = notice_at = 100.1
    for _ in range(100):
        given = pace.notice_grant(100.0, next_at, notice_at, 1.0)
        assert given.delay <= pace.FAR_SECONDS
        assert given.notice_at >= notice_at
        next_at, notice_at = given.next_at, given.notice_at


def test_a_quota_is_used_up_once_it_has_left_nothing_for_a_while() -> None:
    purse, nothing = Purse(), Grant(0, retry=0.25, is_used_up=True)
    for moment in (100.0, 100.3):
        purse.fill(nothing, moment)
        assert not purse.is_used_up(moment)
    assert purse.is_used_up(100.6)
    purse.fill(Grant(1), 100.6)
    assert not purse.is_used_up(200.0)


def test_what_was_refused_long_ago_does_not_count() -> None:
    purse, nothing = Purse(), Grant(0, retry=0.25, is_used_up=True)
    purse.fill(nothing, 100.0)
    purse.fill(nothing, 200.0)
    assert not purse.is_used_up(200.0)
