"""When two refusals are the same, and how long a row is left to the relay."""

import pytest

from service.delivery import outcome, waves
from service.delivery.outcome import Phase, Reply
from service.delivery.patience import LEFT_MOST, REMEMBERED_MOST, Patience
from service.delivery.suppressing import HARD_MOST, believed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("550 5.1.1 <anna@example.org>: User unknown", "550 5.1.1 <ben@example.org>: User unknown"),
        ("550 unknown user anna", "550 unknown user ben"),
        (
            "550 5.7.1 [192.0.2.7] blocked d2e1a7si12 - gsmtp",
            "550 5.7.1 [192.0.2.9] blocked 5b1f17b-xy34 - gsmtp",
        ),
        ("554 delivery error 2026-03-02T06:00:01", "554 delivery error 2026-03-02T06:00:02"),
    ],
)
def test_what_differs_from_reader_to_reader_is_left_out(one: str, other: str) -> None:
    assert waves.words(one, "anna@example.org") == waves.words(other, "ben@example.org")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("550 5.1.1 User unknown", "550 5.2.1 User unknown"),
        ("550 5.7.515 denied", "550 5.7.509 denied"),
        ("550 User unknown", "550 Mailbox unknown"),
    ],
)
def test_other_codes_and_other_words_are_other_refusals(one: str, other: str) -> None:
    assert waves.words(one, "a@example.org") != waves.words(other, "b@example.org")


@pytest.mark.parametrize(
    ("said", "wave"),
    [
        ("552 5.3.4 too big", waves.OF_THE_MESSAGE),
        ("501 5.5.4 syntax", waves.OF_THE_MESSAGE),
        ("550 5.7.1 policy", "550 5.7.1 policy"),
        ("550 5.1.1 unknown", "550 5.1.1 unknown"),
        ("450 4.2.0 greylisted", None),
        ("421 4.3.2 closing", None),
        ("250 2.0.0 taken", None),
    ],
)
def test_only_a_5xx_can_be_a_part_of_a_wave(said: str, wave: str | None) -> None:
    judged = outcome.of(Reply(Phase.DOT, int(said[:3]), said[4:]))
    assert waves.wave_of(judged, "reader@example.org") == wave


def test_a_row_is_left_to_the_relay_a_few_times_and_then_waits_like_any_other() -> None:
    patience = Patience()
    assert [patience.lasts((1, 7)) for _ in range(LEFT_MOST + 1)] == [True] * LEFT_MOST + [False]
    assert patience.lasts((1, 7)), "it begins anew"
    patience.end((1, 7))
    assert [patience.lasts((1, 7)) for _ in range(LEFT_MOST)] == [True] * LEFT_MOST


def test_patience_remembers_no_more_than_it_may() -> None:
    patience = Patience()
    for number in range(REMEMBERED_MOST + 50):
        patience.lasts((1, number))
    for number in range(50):
        assert all(patience.lasts((1, number)) for _ in range(LEFT_MOST)), "the oldest are forgotten"


@pytest.mark.parametrize(
    ("number", "hard", "accepted", "is_believed"),
    [
        (2, [2], 2, True),
        (1, [1], 0, False),  # nobody was accepted: the relay has not shown that it works
        (1, [1, 2], 1, False),
        (5, list(range(0, 1_000, 100)), 990, True),
        (5, list(range(5, 5 + HARD_MOST)), 5_000, True),
        (5, list(range(5, 6 + HARD_MOST)), 5_000, False),  # eleven of the nearest 200
        (900, [*range(5, 6 + HARD_MOST), 900], 5_000, True),  # ... but that one stands alone
        (5, list(range(0, 10_000, 25)), 7_600, True),  # 400 of 8,000: 5 %
        (5, list(range(0, 10_000, 25)), 7_599, False),
    ],
)
def test_a_dead_address_is_believed_only_among_many_that_live(
    number: int, hard: list[int], accepted: int, is_believed: bool
) -> None:
    assert believed(number, hard, accepted) is is_believed
