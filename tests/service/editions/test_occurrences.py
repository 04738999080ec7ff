"""What the clock does with slots. Times are in UTC; the newsletter lives in Europe/Berlin, one hour ahead in March."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from service.dependencies import Resources
from service.editions import composition, occurrences, queries, rhythm, timing
from service.editions.models import Edition, Fate, Occurrence, State
from service.editions.rhythm import Rhythm
from service.errors import Conflict, Invalid
from service.events.models import Event
from service.ledger.models import Notice
from service.newsletters import publication
from service.newsletters.models import Newsletter
from tests.support import publishing
from tests.support.clock import HandClock

MONDAY = date(2026, 3, 2)
SIX = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)  # 06:00 in Berlin
BEFORE = SIX - timedelta(minutes=30)


def memo_with_cadence(session: Session, /, **rhythms: Any) -> Newsletter:
    memo = publishing.newsletter(session, BEFORE, alarm_address="desk@ledger.example.org")
    wanted = replace(Rhythm("daily", "06:00", is_automatic=True), **rhythms)
    rhythm.set_cadence(session, memo, wanted, now=BEFORE, actor="test")
    return memo


def memo(session: Session) -> Newsletter:
    return publication.get(session, "morning-memo")


def with_articles(session: Session, *numbers: int, now: datetime) -> None:
    for number in numbers:
        publishing.article(session, memo(session), number, now=now)


def slots(session: Session) -> list[tuple[date, int, Fate, str]]:
    query = select(Occurrence).order_by(col(Occurrence.local_date), col(Occurrence.slot))
    return [(one.local_date, one.slot, one.fate, one.reason) for one in session.exec(query)]


def editions(session: Session) -> list[Edition]:
    return list(session.exec(select(Edition).order_by(col(Edition.id))))


def alarms(session: Session) -> list[Notice]:
    return list(session.exec(select(Notice).where(Notice.kind == "alarm")))


def begin(session: Session, uid: uuid.UUID, now: datetime) -> None:
    """What a launch does to the edition itself."""
    edition = queries.get(session, uid)
    edition.state, edition.started_at = State.SENDING, now
    session.add(edition)


def scheduled(session: Session, at: datetime, *, now: datetime = BEFORE) -> uuid.UUID:
    newsletter = memo(session)
    edition = composition.start(session, newsletter, now=now, actor="test")
    article = publishing.article(session, newsletter, 99, now=now)
    composition.include(session, edition, article, place="lead", now=now, actor="test")
    timing.schedule(session, edition, at, now=now, actor="test")
    return edition.uid


async def test_an_automatic_edition_is_made_from_what_is_new(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, 2, now=BEFORE)
    assert await database.write(occurrences.plan, SIX - timedelta(seconds=1)) == []
    (uid,) = await database.write(occurrences.plan, SIX)
    assert await database.read(slots) == [(MONDAY, 1, Fate.EDITION, "")]
    (edition,) = await database.read(editions)
    assert (edition.uid, edition.is_automatic, edition.state) == (uid, True, State.SCHEDULED)
    assert await database.write(occurrences.plan, SIX + timedelta(seconds=1)) == []


async def test_nb_37_nothing_new_is_skipped_and_the_next_run_covers_the_time(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, now=BEFORE)
    (first,) = await database.write(occurrences.plan, SIX)
    await database.write(begin, first, SIX)
    # Tuesday: nothing new. Then one comes in, and Wednesday's run is missed; Thursday's holds it.
    assert await database.write(occurrences.plan, SIX + timedelta(days=1)) == []
    assert (await database.read(slots))[-1][2:] == (Fate.SKIPPED, occurrences.NOTHING_NEW)
    await database.write(with_articles, 2, now=SIX + timedelta(days=1, hours=3))
    assert await database.write(occurrences.plan, SIX + timedelta(days=2, hours=9)) == []
    (uid,) = await database.write(occurrences.plan, SIX + timedelta(days=3))
    document = await database.read(lambda s: composition.document_of(s, queries.get(s, uid)))
    assert document.subject == "Story number 2"
    fates = [fate for _, _, fate, _ in await database.read(slots)]
    assert fates == [Fate.EDITION, Fate.SKIPPED, Fate.MISSED, Fate.EDITION]


async def test_an_article_is_used_up_only_when_its_edition_leaves(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, now=BEFORE)
    (first,) = await database.write(occurrences.plan, SIX)

    def cancel(session: Session) -> None:
        edition = queries.get(session, first)
        edition.state = State.CANCELLED
        session.add(edition)

    await database.write(cancel)
    (second,) = await database.write(occurrences.plan, SIX + timedelta(days=1))
    document = await database.read(lambda s: composition.document_of(s, queries.get(s, second)))
    assert document.subject == "Story number 1"


async def test_nb_08_of_several_processes_at_once_one_gets_the_edition(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, now=BEFORE)
    at = SIX + timedelta(hours=3)
    planned = await database.write(scheduled, at)
    answers = await asyncio.gather(*(database.write(occurrences.plan, SIX) for _ in range(6)))
    assert sorted(len(one) for one in answers) == [0, 0, 0, 0, 0, 1]
    answers = await asyncio.gather(*(database.write(occurrences.plan, at) for _ in range(6)))
    assert [uid for one in answers for uid in one] == [planned]
    assert len(await database.read(editions)) == 2


async def test_nb_16_a_run_that_is_late_within_the_limit_happens_once(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, now=BEFORE)
    uid = await database.write(scheduled, SIX + timedelta(minutes=10))
    later = SIX + timedelta(minutes=100)
    assert len(await database.write(occurrences.plan, later)) == 2
    assert uid in [edition.uid for edition in await database.read(editions)]
    assert await database.write(occurrences.plan, later) == []
    assert await database.read(alarms) == []


@pytest.mark.parametrize("late", [timedelta(hours=2, seconds=1), timedelta(hours=5), timedelta(days=3)])
async def test_nb_41_beyond_the_limit_nothing_leaves_and_somebody_is_told(
    resources: Resources, late: timedelta
) -> None:
    database = resources.database
    await database.write(publishing.newsletter, BEFORE, alarm_address="desk@ledger.example.org")
    uid = await database.write(scheduled, SIX)
    assert await database.write(occurrences.plan, SIX + late) == []
    assert await database.read(slots) == [(MONDAY, 1, Fate.MISSED, occurrences.LATE)]
    (edition,) = await database.read(editions)
    assert (edition.uid, edition.state, edition.scheduled_at) == (uid, State.DRAFT, None)
    assert edition.stop_reason is not None and edition.stop_reason.startswith("Missed: ")
    (notice,) = await database.read(alarms)
    assert notice.address == "desk@ledger.example.org"
    assert "06:00 (Europe/Berlin)" in notice.payload["text"]
    names = await database.read(lambda s: list(s.exec(select(Event.name))))
    assert "occurrence.missed" in names
    assert await database.write(occurrences.plan, SIX + late + timedelta(hours=1)) == []
    assert len(await database.read(alarms)) == 1


async def test_nb_41_five_minutes_late_it_leaves(resources: Resources) -> None:
    database = resources.database
    await database.write(publishing.newsletter, BEFORE)
    uid = await database.write(scheduled, SIX)
    assert await database.write(occurrences.plan, SIX + timedelta(minutes=5)) == [uid]


async def test_nb_41_four_missed_weekly_runs_make_one(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence, weekdays="mon")
    await database.write(with_articles, 1, 2, now=BEFORE)
    back = SIX + timedelta(weeks=3, minutes=20)
    (uid,) = await database.write(occurrences.plan, back)
    await database.write(begin, uid, back)
    found = await database.read(slots)
    assert [fate for _, _, fate, _ in found] == [Fate.MISSED] * 3 + [Fate.EDITION]
    assert await database.write(occurrences.plan, back + timedelta(minutes=1)) == []


async def test_an_hourly_lateness_of_a_day_still_catches_up_once(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)

    def patient(session: Session) -> None:
        newsletter = memo(session)
        newsletter.lateness_minutes = 3 * 24 * 60
        session.add(newsletter)

    await database.write(patient)
    await database.write(with_articles, 1, now=BEFORE)
    assert len(await database.write(occurrences.plan, SIX + timedelta(days=2, hours=1))) == 1
    found = await database.read(slots)
    assert [(fate, reason) for _, _, fate, reason in found] == [
        (Fate.MISSED, occurrences.CATCH_UP),
        (Fate.MISSED, occurrences.CATCH_UP),
        (Fate.EDITION, ""),
    ]


async def test_a_draft_that_nobody_scheduled_does_not_leave(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, now=BEFORE)

    def regular_draft(session: Session) -> None:
        composition.start(session, memo(session), now=BEFORE, actor="test", local_date=MONDAY)

    await database.write(regular_draft)
    assert await database.write(occurrences.plan, SIX) == []
    assert await database.read(slots) == [(MONDAY, 1, Fate.MISSED, occurrences.STILL_A_DRAFT)]
    assert len(await database.read(alarms)) == 1


async def test_a_cadence_without_automatic_editions_waits_for_an_editor(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence, is_automatic=False)
    await database.write(with_articles, 1, now=BEFORE)
    assert await database.write(occurrences.plan, SIX) == []
    assert await database.read(slots) == [(MONDAY, 1, Fate.MISSED, occurrences.NOT_READY)]
    # On Tuesday an editor has planned the regular edition for its hour.
    tuesday = SIX + timedelta(days=1)
    uid = await database.write(scheduled, tuesday, now=SIX + timedelta(hours=8))
    assert await database.write(occurrences.plan, tuesday) == [uid]
    assert (await database.read(slots))[-1] == (date(2026, 3, 3), 1, Fate.EDITION, "")


async def test_a_regular_edition_planned_for_later_keeps_its_own_time(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, now=BEFORE)
    later = SIX + timedelta(hours=1)

    def plan_it(session: Session) -> uuid.UUID:
        newsletter = memo(session)
        edition = composition.start(session, newsletter, now=BEFORE, actor="test", local_date=MONDAY)
        article = publishing.article(session, newsletter, 1, now=BEFORE)
        composition.include(session, edition, article, place="lead", now=BEFORE, actor="test")
        timing.schedule(session, edition, later, now=BEFORE, actor="test")
        return edition.uid

    uid = await database.write(plan_it)
    assert await database.write(occurrences.plan, SIX) == []
    assert await database.write(occurrences.plan, later) == [uid]


async def test_an_edition_of_its_own_leaves_the_regular_slot_alone(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, now=BEFORE)

    def send_an_extra(session: Session) -> int:
        edition = composition.start(session, memo(session), now=BEFORE, actor="test")
        article = publishing.article(session, memo(session), 2, now=BEFORE)
        composition.include(session, edition, article, place="lead", now=BEFORE, actor="test")
        occurrences.claim_for_now(session, edition, BEFORE)
        begin(session, edition.uid, BEFORE)
        return edition.slot

    assert await database.write(send_an_extra) == 2
    assert len(await database.write(occurrences.plan, SIX)) == 1


async def test_nb_08_sending_now_and_the_clock_do_not_both_run_a_slot(resources: Resources) -> None:
    database = resources.database
    await database.write(publishing.newsletter, BEFORE)
    uid = await database.write(scheduled, SIX)

    def send_now(session: Session) -> None:
        occurrences.claim_for_now(session, queries.get(session, uid), SIX - timedelta(seconds=1))
        begin(session, uid, SIX - timedelta(seconds=1))

    await database.write(send_now)
    assert await database.write(occurrences.plan, SIX) == []
    with pytest.raises(Conflict, match="cancelled"):
        await database.write(_cancel_and_send, uid)


def _cancel_and_send(session: Session, uid: uuid.UUID) -> None:
    edition = queries.get(session, uid)
    edition.state = State.CANCELLED
    session.add(edition)
    session.flush()
    occurrences.claim_for_now(session, edition, SIX)


async def test_a_claimed_edition_that_never_began_is_launched_again(resources: Resources) -> None:
    database = resources.database
    await database.write(publishing.newsletter, BEFORE, alarm_address="desk@ledger.example.org")
    uid = await database.write(scheduled, SIX)
    assert await database.write(occurrences.plan, SIX) == [uid]
    # The process died here. Nobody hurries, for the launch may still be under way.
    soon = SIX + timedelta(seconds=10)
    assert not await database.read(occurrences.is_anything_due, soon)
    assert await database.write(occurrences.plan, soon) == []
    again = SIX + timedelta(seconds=31)
    assert await database.read(occurrences.is_anything_due, again)
    assert await database.write(occurrences.plan, again) == [uid]
    assert await database.write(occurrences.plan, again) == []
    too_late = SIX + timedelta(hours=2, minutes=1)
    assert await database.write(occurrences.plan, too_late) == []
    assert [fate for _, _, fate, _ in await database.read(slots)] == [Fate.MISSED]
    assert len(await database.read(alarms)) == 1
    assert not await database.read(occurrences.is_anything_due, too_late)


async def test_a_missed_edition_can_be_sent_by_hand(resources: Resources) -> None:
    database = resources.database
    await database.write(publishing.newsletter, BEFORE)
    uid = await database.write(scheduled, SIX)
    noon = SIX + timedelta(hours=6)
    await database.write(occurrences.plan, noon)

    def send_now(session: Session) -> None:
        occurrences.claim_for_now(session, queries.get(session, uid), noon)

    await database.write(send_now)
    assert [fate for _, _, fate, _ in await database.read(slots)] == [Fate.EDITION]


async def test_a_missed_edition_can_be_scheduled_anew(resources: Resources) -> None:
    database = resources.database
    await database.write(publishing.newsletter, BEFORE)
    uid = await database.write(scheduled, SIX)
    noon = SIX + timedelta(hours=6)
    await database.write(occurrences.plan, noon)
    at = noon + timedelta(hours=1)
    await database.write(
        lambda s: timing.schedule(s, queries.get(s, uid), at, now=noon, actor="test") and None
    )
    assert await database.write(occurrences.plan, at) == [uid]


async def test_an_edition_sent_on_another_day_bears_that_days_date(resources: Resources) -> None:
    database = resources.database
    await database.write(publishing.newsletter, BEFORE)
    uid = await database.write(scheduled, SIX + timedelta(days=1))
    assert await database.read(lambda s: queries.get(s, uid).local_date) == date(2026, 3, 3)
    # 23:30 UTC is half past midnight in Berlin: the day is the newsletter's.
    assert await database.write(occurrences.date_for_now, uid, datetime(2026, 3, 3, 23, 30, tzinfo=UTC))
    assert await database.read(lambda s: queries.get(s, uid).local_date) == date(2026, 3, 4)


async def test_one_newsletters_trouble_does_not_stop_another(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, now=BEFORE)

    def other(session: Session) -> None:
        second = publishing.newsletter(session, BEFORE, slug="other", name="Other", time_zone="UTC")
        rhythm.set_cadence(session, second, Rhythm("daily", "05:00", True), now=BEFORE, actor="test")
        publishing.article(session, second, 1, now=BEFORE)
        second.staff = [{"name": "x" * 600}]  # more than a line of an edition holds
        session.add(second)

    await database.write(other)
    assert len(await database.write(occurrences.plan, SIX)) == 1
    reasons = {reason for _, _, fate, reason in await database.read(slots) if fate is Fate.MISSED}
    assert reasons == {"It could not be made from what is new."}


async def test_what_comes_next_is_known_before(resources: Resources, clock: HandClock) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    assert (await database.read(queries.next_due_at)) == SIX
    await database.write(with_articles, 1, 2, now=BEFORE)
    coming = await database.read(lambda s: occurrences.upcoming(s, memo(s), BEFORE))
    assert coming is not None and coming.document is not None
    assert (coming.due_at, coming.local_date, coming.edition, coming.is_automatic) == (
        SIX,
        MONDAY,
        None,
        True,
    )
    assert "Story number" in coming.document.subject
    uid = await database.write(scheduled, SIX - timedelta(minutes=10))
    coming = await database.read(lambda s: occurrences.upcoming(s, memo(s), BEFORE))
    assert coming is not None and coming.edition is not None
    assert coming.edition.uid == uid


async def test_a_changed_cadence_never_runs_a_slot_again(resources: Resources) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    await database.write(with_articles, 1, now=BEFORE)
    assert len(await database.write(occurrences.plan, SIX)) == 1

    def later_today(session: Session) -> date:
        wanted = Rhythm("daily", "08:00", True)
        return rhythm.set_cadence(session, memo(session), wanted, now=SIX, actor="test").next_date

    assert await database.write(later_today) == date(2026, 3, 3)


async def test_nb_26_regular_slots_follow_a_new_zone_and_planned_editions_do_not(
    resources: Resources,
) -> None:
    database = resources.database
    await database.write(memo_with_cadence)
    uid = await database.write(scheduled, SIX + timedelta(hours=1))

    def move_away(session: Session) -> datetime:
        newsletter = memo(session)
        newsletter.time_zone = "America/New_York"
        session.add(newsletter)
        rhythm.follow_zone(session, newsletter, now=BEFORE, actor="test")
        return queries.cadences_of(session, newsletter.id)[0].next_run_at

    assert await database.write(move_away) == datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
    edition = await database.read(queries.get, uid)
    assert edition.scheduled_at == SIX + timedelta(hours=1)


async def test_a_slot_number_out_of_range_is_refused(resources: Resources) -> None:
    with pytest.raises(Invalid, match="1 to 12"):
        await resources.database.write(memo_with_cadence, slot=0)
