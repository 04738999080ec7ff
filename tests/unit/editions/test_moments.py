from datetime import UTC, datetime

import pytest

from service.editions import timing
from service.editions.timing import MomentInvalid

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01T08:00",
        "2026-07-01T08:00:00",
        "2026-07-01 08:00",
        "2026-07-01T08:00+02:00",
        "2026-07-01T06:00Z",
        "2026-07-01t06:00:00.000z",
        " 2026-07-01T02:00-04:00 ",
    ],
)
def test_nb_26_every_spelling_is_the_same_instant(text: str) -> None:
    assert timing.read_moment(text, BERLIN) == datetime(2026, 7, 1, 6, 0, tzinfo=UTC)


def test_nb_26_a_time_is_echoed_with_its_offset_and_said_with_its_zone() -> None:
    moment = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
    assert timing.shown(moment, BERLIN) == "2026-07-01T08:00+02:00"
    assert timing.said(moment, BERLIN) == "Wed 1 July 2026, 08:00 (Europe/Berlin)"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "2026-07-01",
        "08:00",
        "2026-02-30T08:00",
        "2026-07-01T25:00",
        "2026-W27-3T08:00",
        "20260701T0800",
        "2026-07-01T08:00+25:00",
        "0001-01-01T00:00+14:00",
        "9999-12-31T23:59-12:00",
        "٢٠٢٦-07-01T08:00",
    ],
)
def test_nb_26_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(MomentInvalid, match="2026-07-01T06:00"):
        timing.read_moment(text, BERLIN)


def test_a_time_that_does_not_exist_is_moved_on_and_one_that_comes_twice_is_the_first() -> None:
    assert timing.read_moment("2026-03-29T02:30", BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert timing.read_moment("2026-10-25T02:30", BERLIN) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
