from datetime import UTC, datetime

import pytest

from service import pages

MOMENT = datetime(2026, 7, 1, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Berlin", "Wed 01 Jul 2026, 06:00 CEST"),
        ("America/Sao_Paulo", "Wed 01 Jul 2026, 01:00 UTC-03"),
        ("Asia/Kathmandu", "Wed 01 Jul 2026, 09:45 UTC+0545"),
    ],
)
def test_a_time_bears_its_zone_also_where_that_has_no_name(zone: str, told: str) -> None:
    assert pages.local(MOMENT, zone) == told
    assert pages.bare(MOMENT, zone) == told.rpartition(" ")[0]
