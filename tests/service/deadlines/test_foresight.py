"""Half a day before the timetable sends more than the relay may take, the newsroom is told; once."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from service.deadlines import foresight
from service.delivery import quota
from service.delivery.models import Relay, Role
from service.dependencies import Resources
from service.editions import rhythm
from service.editions.rhythm import Rhythm
from service.ledger.models import Notice
from service.newsletters.models import Newsletter
from tests.support import publishing
from tests.support.outbox import add_readers

SIX = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
EVENING = SIX - timedelta(hours=11)
READERS = [f"reader{number}@example.org" for number in range(30)]


def planned(session: Session, pepper: str, per_day: int | None = None) -> None:
    before = SIX - timedelta(days=1)
    memo = publishing.newsletter(session, before, alarm_address="desk@example.org")
    rhythm.set_cadence(session, memo, Rhythm("mon,tue", "06:00", True), now=before, actor="test")
    add_readers(session, memo, READERS, pepper=pepper, now=before)
    session.add(
        Relay(name="smtp.example.net", host="smtp.example.net", port=587, role=Role.MAIN, per_day=per_day)
    )


async def told(resources: Resources, now: datetime) -> list[str]:
    """What the newsroom hears when several workers look at once."""
    found = await resources.database.read(foresight.shortages, now)
    for shortage in found * 2:
        await resources.database.write(foresight.say, shortage, now=now)

    def texts(session: Session) -> list[str]:
        notices = session.exec(select(Notice).where(Notice.kind == "alarm").order_by(col(Notice.id)))
        return [f"{one.payload['subject']} / {one.payload['text']}" for one in notices]

    return await resources.database.read(texts)


async def test_a_quota_too_small_for_the_timetables_edition_is_said_once(resources: Resources) -> None:
    await resources.database.write(planned, resources.pepper, 20)
    assert await told(resources, EVENING - timedelta(hours=2)) == []
    (text,) = await told(resources, EVENING)
    assert "10 of 30 readers have to wait" in text
    assert "Mon 2 March 2026, 06:00 (Europe/Berlin)" in text
    assert await told(resources, EVENING + timedelta(hours=2)) == [text]
    later = await told(resources, EVENING + timedelta(days=1))
    assert len(later) == 2, "the next day's edition is another one"
    assert "Tue 3 March" in later[1]


async def test_what_comes_free_until_then_counts(resources: Resources) -> None:
    """Given out yesterday morning, it is free again when this morning's memo leaves."""
    await resources.database.write(planned, resources.pepper, 30)
    used_at = SIX - timedelta(hours=24, minutes=30)
    await resources.database.write(quota.note, "smtp.example.net", used_at, 30)
    assert await told(resources, EVENING) == []
    await resources.database.write(quota.note, "smtp.example.net", used_at + timedelta(hours=2), 1)
    assert len(await told(resources, EVENING)) == 1


@pytest.mark.parametrize("per_day", [None, 30])
async def test_a_quota_that_will_do_is_no_news(resources: Resources, per_day: int | None) -> None:
    await resources.database.write(planned, resources.pepper, per_day)
    assert await told(resources, EVENING) == []


async def test_without_an_address_for_alarms_it_is_in_the_log_once(resources: Resources) -> None:
    await resources.database.write(planned, resources.pepper, 20)

    def nobody_to_tell(session: Session) -> None:
        memo = session.exec(select(Newsletter)).one()
        memo.options = {**memo.options, "alarm_address": None}
        session.add(memo)

    await resources.database.write(nobody_to_tell)
    assert await told(resources, EVENING) == []
    assert await resources.database.read(foresight.shortages, EVENING) == []
