"""The form for a time proposes one that is still to come."""

from datetime import timedelta

import httpx2
import pytest

from service.dependencies import Resources
from service.editions.models import Edition
from tests.support.clock import HandClock


def _proposed(page: httpx2.Response) -> tuple[str, str]:
    day = page.text.partition('name="day"')[2].partition('value="')[2].partition('"')[0]
    return day, page.text.partition('name="clock_time"')[2].partition('value="')[2].partition('"')[0]


@pytest.mark.parametrize("days", [0, 3])
async def test_the_usual_time_of_its_day_or_of_the_next_that_comes(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, clock: HandClock, days: int
) -> None:
    """Six in the morning of New York; the clock stands at some time of the edition's day, and then a few days later."""
    clock.advance(timedelta(days=days, hours=12))
    day, time = _proposed(await ada.get(f"/desk/editions/{draft.uid}"))
    assert time == "06:00"
    assert day > str((clock.now() - timedelta(hours=16)).date())
    scheduled = await ada.post(f"/desk/editions/{draft.uid}/schedule", data={"day": day, "clock_time": time})
    assert scheduled.status_code == 303, "what is proposed can be taken"
