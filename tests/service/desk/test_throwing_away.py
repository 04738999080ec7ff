"""A draft stands in the slot that the timetable fills next: whoever wants to be rid of it says what becomes of that slot."""

from datetime import timedelta

import httpx2
import pytest
from sqlmodel import Session, select

from service.dependencies import Resources
from service.editions import occurrences, rhythm
from service.editions.models import Edition, Fate, Occurrence, State
from service.editions.rhythm import Rhythm
from service.newsletters.models import Newsletter
from tests.service.desk import steps


@pytest.fixture
async def regular(resources: Resources, memo: Newsletter, draft: Edition) -> Edition:
    """The draft, in the slot of an automatic newsletter that appears in a few hours."""
    due_at = resources.clock.now() + timedelta(hours=3)

    def plan(session: Session) -> None:
        wanted = Rhythm("daily", f"{due_at:%H:%M}", is_automatic=True)
        cadence = rhythm.set_cadence(session, memo, wanted, now=resources.clock.now(), actor="test")
        held = session.get_one(Edition, draft.id)
        cadence.next_run_at, cadence.next_date, cadence.slot = due_at, held.local_date, held.slot
        session.add(cadence)

    await resources.database.write(plan)
    return draft


async def _fates(resources: Resources) -> list[Fate]:
    def read(session: Session) -> list[Fate]:
        return [one.fate for one in session.exec(select(Occurrence))]

    await resources.database.write(occurrences.plan, resources.clock.now() + timedelta(hours=3, seconds=1))
    return await resources.database.read(read)


async def test_thrown_away_alone_it_leaves_its_slot_to_another_edition(
    ada: httpx2.AsyncClient, resources: Resources, regular: Edition
) -> None:
    path = f"/desk/editions/{regular.uid}"
    asked = await ada.get(f"{path}/cancel")
    assert "Throw away only this draft" in asked.text
    day = f"{regular.local_date:%a %d %b %Y}"
    assert f'Call off the edition of <time datetime="{regular.local_date}">{day}</time></span>' in asked.text
    assert (await ada.post(f"{path}/cancel", data={"slot": "free"})).status_code == 303
    assert (await steps.now_is(resources, regular.uid)).state is State.CANCELLED
    assert await _fates(resources) == [Fate.EDITION]


async def test_called_off_it_takes_its_slot_along(
    ada: httpx2.AsyncClient, resources: Resources, regular: Edition
) -> None:
    assert (await ada.post(f"/desk/editions/{regular.uid}/cancel")).status_code == 303
    assert await _fates(resources) == [Fate.SKIPPED]


async def test_a_draft_in_no_slot_of_the_timetable_is_asked_about_as_ever(
    ada: httpx2.AsyncClient, draft: Edition
) -> None:
    asked = await ada.get(f"/desk/editions/{draft.uid}/cancel")
    assert "Yes, cancel it" in asked.text
    assert "Throw away" not in asked.text
