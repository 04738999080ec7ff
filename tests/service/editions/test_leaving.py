"""From the clock's decision to the beginning of sending, with the rooms below it as they are."""

import asyncio
import uuid
from datetime import UTC, date, datetime, timedelta

from sqlmodel import Session, col, select

from service import database as databases
from service.delivery import launch
from service.dependencies import Resources
from service.editions import composition, occurrences, queries, rhythm, versions
from service.editions.models import Fate, Occurrence, State
from service.editions.rhythm import Rhythm
from service.ledger.models import Lane, Run
from service.newsletters.models import Newsletter
from service.settings import Settings
from tests.support import publishing
from tests.support.clock import HandClock

SIX = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


def prepared(session: Session) -> None:
    before = SIX - timedelta(hours=1)
    memo = publishing.newsletter(session, before)
    rhythm.set_cadence(session, memo, Rhythm("weekdays", "06:00", True), now=before, actor="test")
    for number in range(3):
        publishing.article(session, memo, number, now=before)


def decided(session: Session) -> list[tuple[date, Fate]]:
    query = select(Occurrence).order_by(col(Occurrence.local_date))
    return [(one.local_date, one.fate) for one in session.exec(query)]


async def test_nb_08_two_processes_on_one_database_run_a_slot_once(
    resources: Resources, chosen: Settings
) -> None:
    await resources.database.write(prepared)
    others = [databases.connect(chosen.database) for _ in range(2)]
    try:
        every = [resources.database, *others] * 3
        answers = await asyncio.gather(*(one.write(occurrences.plan, SIX) for one in every))
    finally:
        for other in others:
            await other.close()
    assert sum(len(answer) for answer in answers) == 1
    assert await resources.database.read(decided) == [(date(2026, 3, 2), Fate.EDITION)]


async def test_an_automatic_edition_begins_to_leave(resources: Resources, clock: HandClock) -> None:
    database = resources.database
    await database.write(prepared)
    clock.set(SIX)
    (uid,) = await database.write(occurrences.plan, clock.now())
    edition = await launch.launch(resources, uid, actor="clock")
    assert (edition.state, edition.local_date, edition.slot) == (State.SENDING, date(2026, 3, 2), 1)
    assert await database.read(lambda s: len(s.exec(select(Run)).all())) == 1
    clock.advance(timedelta(minutes=5))
    assert await database.write(occurrences.plan, clock.now()) == []
    # On Tuesday there is nothing that Monday's did not hold.
    clock.set(SIX + timedelta(days=1))
    assert await database.write(occurrences.plan, clock.now()) == []
    assert (await database.read(decided))[-1] == (date(2026, 3, 3), Fate.SKIPPED)


async def test_yesterdays_draft_sent_today_bears_todays_date(resources: Resources, clock: HandClock) -> None:
    database = resources.database

    def begun(session: Session) -> uuid.UUID:
        memo = publishing.newsletter(session, clock.now())
        edition = composition.start(session, memo, now=clock.now(), actor="test")
        article = publishing.article(session, memo, 1, now=clock.now())
        composition.include(session, edition, article, place="lead", now=clock.now(), actor="test")
        return edition.uid

    uid = await database.write(begun)
    clock.advance(timedelta(days=1))
    edition = await launch.launch(resources, uid, actor="test")
    assert (edition.state, edition.local_date) == (State.SENDING, date(2026, 3, 3))
    assert await database.read(decided) == [(date(2026, 3, 3), Fate.EDITION)]
    found = await database.read(queries.get, uid)
    assert (await database.read(versions.newest, found)).number == 2


async def test_breaking_news_goes_at_once_and_leaves_the_morning_its_edition(
    resources: Resources, clock: HandClock
) -> None:
    """Also when it was begun as this morning's: its slot is free again, and at six the memo leaves."""
    database, night = resources.database, SIX - timedelta(hours=1)
    await database.write(prepared)

    def begun(session: Session) -> uuid.UUID:
        memo = session.exec(select(Newsletter)).one()
        edition = composition.start(session, memo, now=night, actor="test", local_date=SIX.date())
        article = publishing.article(session, memo, 9, now=night)
        composition.include(session, edition, article, place="lead", now=night, actor="test")
        assert edition.slot == 1
        return edition.uid

    uid = await database.write(begun)
    clock.set(night)
    edition = await launch.launch(resources, uid, actor="test", lane=Lane.BREAKING)
    assert (edition.state, edition.local_date) == (State.SENDING, date(2026, 3, 2))
    assert edition.slot != 1
    run = await database.read(lambda s: s.exec(select(Run)).one())
    assert run.lane is Lane.BREAKING
    clock.set(SIX)
    (morning,) = await database.write(occurrences.plan, clock.now())
    assert morning != uid
    memo = await launch.launch(resources, morning, actor="clock")
    assert (memo.state, memo.slot) == (State.SENDING, 1)
