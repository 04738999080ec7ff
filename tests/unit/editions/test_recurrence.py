import calendar
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.editions import recurrence
from service.editions.recurrence import CadenceInvalid, Rule

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Nuuk",
    "UTC",
]
DAILY = frozenset(range(7))


def rule(weekdays: str, clock: str, zone: str) -> Rule:
    return recurrence.read_rule(weekdays, clock, zone)


def first_runs(chosen: Rule, after: datetime, count: int) -> list[tuple[date, datetime]]:
    return list(islice(recurrence.runs(chosen, after), count))


def test_nb_67_weekly_stays_at_eight_on_the_wall_over_the_change_of_clocks() -> None:
    found = first_runs(rule("tue", "08:00", "Europe/Berlin"), datetime(2026, 3, 23, tzinfo=UTC), 3)
    assert [moment for _, moment in found] == [
        datetime(2026, 3, 24, 7, tzinfo=UTC),
        datetime(2026, 3, 31, 6, tzinfo=UTC),
        datetime(2026, 4, 7, 6, tzinfo=UTC),
    ]


@pytest.mark.parametrize(
    ("zone", "clock", "day", "expected"),
    [
        ("Europe/Berlin", "02:30", date(2026, 3, 29), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("America/New_York", "02:30", date(2026, 3, 8), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),
        # Half an hour only: 02:15 becomes 02:45.
        ("Australia/Lord_Howe", "02:15", date(2026, 10, 4), datetime(2026, 10, 3, 15, 45, tzinfo=UTC)),
        # The clock goes forward when Ramadan ends.
        ("Africa/Casablanca", "02:30", date(2026, 3, 22), datetime(2026, 3, 22, 2, 30, tzinfo=UTC)),
    ],
)
def test_a_time_in_the_gap_is_moved_on_by_the_gap(
    zone: str, clock: str, day: date, expected: datetime
) -> None:
    (found, moment) = recurrence.next_run(rule("daily", clock, zone), expected - timedelta(hours=5))
    assert (found, moment) == (day, expected)
    shown = moment.astimezone(ZoneInfo(zone))
    assert shown.date() == day
    assert shown.time() > recurrence.read_clock(clock)


@pytest.mark.parametrize(
    ("zone", "clock", "day", "expected"),
    [
        ("Europe/Berlin", "02:30", date(2026, 10, 25), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("America/New_York", "01:30", date(2026, 11, 1), datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", "01:45", date(2026, 4, 5), datetime(2026, 4, 4, 14, 45, tzinfo=UTC)),
        ("Africa/Casablanca", "02:30", date(2026, 2, 15), datetime(2026, 2, 15, 1, 30, tzinfo=UTC)),
    ],
)
def test_a_time_that_comes_twice_runs_the_first_time_only(
    zone: str, clock: str, day: date, expected: datetime
) -> None:
    chosen = rule("daily", clock, zone)
    assert recurrence.next_run(chosen, expected - timedelta(hours=3)) == (day, expected)
    following, moment = recurrence.next_run(chosen, expected)
    assert following == day + timedelta(days=1)
    assert moment - expected > timedelta(hours=23)


@given(
    zone=st.sampled_from(ZONES),
    clock=st.times(max_value=time(23, 59)).map(lambda t: t.replace(second=0, microsecond=0)),
    after=st.integers(0, 5 * 366 * 24 * 60).map(
        lambda m: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=m)
    ),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
)
@settings(max_examples=60, deadline=None)
def test_nb_67_every_date_runs_once_at_its_hour(
    zone: str, clock: time, after: datetime, weekdays: frozenset[int]
) -> None:
    chosen = Rule(weekdays, clock, ZoneInfo(zone))
    found = first_runs(chosen, after, 12)
    dates = [day for day, _ in found]
    moments = [moment for _, moment in found]
    assert dates == sorted(set(dates))
    assert moments == sorted(set(moments))
    assert moments[0] > after
    assert {day.weekday() for day in dates} <= weekdays
    for day, moment in found:
        shown = moment.astimezone(chosen.zone)
        wall = shown.replace(tzinfo=None) - datetime.combine(day, clock)
        # On the wall at its hour, or later by a gap, of which none here is longer than an hour.
        assert timedelta(0) <= wall <= timedelta(hours=1)
    # Started anew from any run, the row of dates is the same.
    assert first_runs(chosen, moments[3], 8) == found[4:]


@given(zone=st.sampled_from(ZONES), minute=st.integers(0, 24 * 60 - 1), year=st.integers(2025, 2029))
@settings(max_examples=20, deadline=None)
def test_a_daily_edition_has_each_date_of_the_year(zone: str, minute: int, year: int) -> None:
    chosen = Rule(DAILY, time(minute // 60, minute % 60), ZoneInfo(zone))
    start = datetime(year, 1, 1, tzinfo=chosen.zone).astimezone(UTC) - timedelta(seconds=1)
    dates = [day for day, _ in first_runs(chosen, start, 370) if day.year == year]
    assert dates == [date(year, 1, 1) + timedelta(days=n) for n in range(365 + calendar.isleap(year))]


def test_a_date_that_a_country_left_out_has_no_run() -> None:
    found = first_runs(rule("daily", "08:00", "Pacific/Apia"), datetime(2011, 12, 29, tzinfo=UTC), 3)
    assert [day for day, _ in found] == [date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1)]


@pytest.mark.parametrize("text", ["1", "0", "7", "1-5", "*/2", "mon,2", "*", "mondays", "mon-fri", "31"])
def test_nb_40_numbers_and_signs_are_refused_and_names_asked_for(text: str) -> None:
    with pytest.raises(CadenceInvalid, match="by name, for example mon,tue"):
        recurrence.read_weekdays(text)


def test_nb_40_monday_is_monday() -> None:
    _, moment = recurrence.next_run(rule("mon", "08:00", "UTC"), datetime(2026, 7, 1, tzinfo=UTC))
    assert moment.strftime("%A") == "Monday"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Mon, WED", ("mon", "wed")),
        ("wednesday monday", ("mon", "wed")),
        ("weekdays", ("mon", "tue", "wed", "thu", "fri")),
        ("weekends", ("sat", "sun")),
        ("daily", ("mon", "tue", "wed", "thu", "fri", "sat", "sun")),
        ("sun,mon,sun", ("mon", "sun")),
    ],
)
def test_nb_40_names_are_read(text: str, names: tuple[str, ...]) -> None:
    assert recurrence.read_weekdays(text) == names


@pytest.mark.parametrize("text", ["", " , "])
def test_no_weekday_is_refused(text: str) -> None:
    with pytest.raises(CadenceInvalid, match="Name the weekdays"):
        recurrence.read_weekdays(text)


@pytest.mark.parametrize("text", ["6", "24:00", "06:60", "6:00", "6 am", "", "06:00:00"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(CadenceInvalid, match="06:00"):
        recurrence.read_clock(text)


@pytest.mark.parametrize("name", ["CEST", "Berlin", "", "../etc/passwd", "/etc/localtime", "Europe/\0Berlin"])
def test_a_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(CadenceInvalid, match="Europe/Berlin"):
        recurrence.read_zone(name)
