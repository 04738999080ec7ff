import time
from datetime import UTC, datetime

import pytest

from service.articles import dates

NOW = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True, params=["UTC", "Europe/Berlin", "Pacific/Auckland"])
def _zone_of_the_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    request.addfinalizer(time.tzset)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Mo, 25 Jun 2018 11:41:36", "2018-06-25T11:41:36"),
        ("2016/6/29 15:07:41", "2016-06-29T15:07:41"),
        ("Thu, 04 May 2017 19:40:17", "2017-05-04T19:40:17"),
        ("Tue, 24 Nov 2026 10:00:00 EST", "2026-11-24T15:00:00"),
        ("Tue, 24 Nov 2026 23:30:00 -0500", "2026-11-25T04:30:00"),
        ("Wed, 25 Nov 2026 02:00:00 +1400", "2026-11-24T12:00:00"),
        ("Tue, 24 Nov 26 10:00 GMT", "2026-11-24T10:00:00"),
        ("Wed, 02 Oct 2002 08:00:60 GMT", "2002-10-02T08:00:59"),
        ("2026-11-24T16:05:00-05:00", "2026-11-24T21:05:00"),
        ("2026-11-24T16:05:00.123456Z", "2026-11-24T16:05:00"),
        ("2026-11-24 16:05", "2026-11-24T16:05:00"),
        ("2026-11-24", "2026-11-24T12:00:00"),
        ("Di, 3. März 2026 08:00 MEZ", "2026-03-03T07:00:00"),
        ("mar. 24 février 2026 08:00 +0100", "2026-02-24T07:00:00"),
        ("3 de agosto de 2026, 10:00", "2026-08-03T10:00:00"),
        ("Nov. 24, 2026, 4:05 p.m.", "2026-11-24T16:05:00"),
        ("November 24th, 2026 12:10 AM", "2026-11-24T00:10:00"),
        ("24.11.2026 09:30", "2026-11-24T09:30:00"),
        ("11/24/2026", "2026-11-24T12:00:00"),
        ("24-Nov-2026 09:30:00 UTC", "2026-11-24T09:30:00"),
        ("Tue, 24 Nov 2026 10:00:00 XYZ", "2026-11-24T10:00:00"),
    ],
)
def test_nb_47_a_date_is_read_as_written_in_any_zone_of_the_process(text: str, moment: str) -> None:
    assert dates.read(text) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "31 Feb 2026 10:00 GMT",
        "Mon, 01 Jan 1513 00:00:00 GMT",
        "03/04/2026",
        "2026-13-01",
        "2026-11-24T16:05:00+25:00",
        "24 Nov 2026 25:00",
        "99 Nov 2026",
        "12:30",
        "1764000000",
        "0" * 5000,
    ],
)
def test_nb_47_what_names_no_sure_day_is_none(text: str | None) -> None:
    assert dates.read(text) is None


def test_nb_47_a_date_far_ahead_is_not_believed() -> None:
    assert dates.read_plausible("2027-11-25T06:00:00Z", now=NOW) is None
    assert dates.read_plausible("2026-11-25T18:00:00Z", now=NOW) is not None
