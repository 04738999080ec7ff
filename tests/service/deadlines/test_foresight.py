"""Half a day before the timetable sends more than the relay may take, the newsroom is told; once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from service.deadlines import foresight
from service.delivery import quota
from service.delivery.models import Relay, Role
from service.dependencies import Resources
from service.editions import rhythm
from service.editions.models import Cadence, Fate, Occurrence
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


def next_day(session: Session) -> None:
    """As a tick leaves the timetable that has filled the slot."""
    cadence = session.exec(select(Cadence)).one()
    cadence.next_date += timedelta(days=1)
    cadence.next_run_at += timedelta(days=1)
    session.add(cadence)


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
    await resources.database.write(next_day)
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


async def test_an_edition_that_has_left_before_its_time_is_not_to_leave_any_more(
    resources: Resources,
) -> None:
    """It has used the quota up that the timetable's slot would need, were it still to be filled."""
    await resources.database.write(planned, resources.pepper, 40)

    def left(session: Session) -> None:
        memo = session.exec(select(Newsletter)).one()
        at, day = SIX - timedelta(hours=1), date(2026, 3, 2)
        session.add(
            Occurrence(newsletter_id=memo.id, local_date=day, slot=1, due_at=SIX, fate=Fate.EDITION, at=at)
        )
        quota.note(session, "smtp.example.net", SIX - timedelta(hours=1), 30)

    await resources.database.write(left)
    assert await told(resources, SIX - timedelta(minutes=30)) == []


async def test_newsletters_that_leave_one_after_the_other_share_the_quota(resources: Resources) -> None:
    await resources.database.write(planned, resources.pepper, 50)

    def evening(session: Session) -> None:
        before = SIX - timedelta(days=1)
        other = publishing.newsletter(session, before, slug="seven", alarm_address="seven@example.org")
        rhythm.set_cadence(session, other, Rhythm("mon", "07:00", True), now=before, actor="test")
        wires = [f"other{number}@example.org" for number in range(30)]
        add_readers(session, other, wires, pepper=resources.pepper, now=before)

    await resources.database.write(evening)
    (text,) = await told(resources, EVENING)
    assert "07:00" in text
    assert "10 of 60 readers have to wait" in text


async def test_many_slots_are_each_said_once(resources: Resources) -> None:
    await resources.database.write(planned, resources.pepper, 20)

    def slots(session: Session) -> None:
        memo = session.exec(select(Newsletter)).one()
        for number in range(2, 13):
            at = SIX + timedelta(minutes=number)
            session.add(Cadence(newsletter_id=memo.id, slot=number, weekdays="mon", local_time=at.time(),
                                time_zone="UTC", next_date=at.date(), next_run_at=at))  # fmt: skip

    await resources.database.write(slots)
    said = await told(resources, EVENING + timedelta(minutes=30))
    assert len(said) == 12
    assert len(await told(resources, EVENING + timedelta(minutes=31))) == 12


async def test_an_hours_quota_is_a_pace_and_no_news(resources: Resources) -> None:
    await resources.database.write(planned, resources.pepper)

    def an_hour(session: Session) -> None:
        relay = session.exec(select(Relay)).one()
        relay.per_hour = 10
        session.add(relay)

    await resources.database.write(an_hour)
    assert await told(resources, EVENING) == []
