"""What `memo editions` and `memo edition` read, on both databases: lateness, whose fault a wait is, and what comes first."""

import uuid
from datetime import UTC, datetime, timedelta

from sqlmodel import Session

from service import database
from service.cli import standing
from service.cli.standing import Overview, Seen
from service.delivery import relay_pause, relays
from service.delivery.models import Relay, Role
from service.dependencies import Resources
from service.desk.sending_view import NO_WORKER
from service.editions import composition
from service.editions.models import Edition, State
from service.workers import register
from service.workers.register import Identity
from tests.support.outbox import Outbox, make_newsletter, open_outbox

WORKER = Identity(uid=uuid.UUID(int=1), name="one", host="here", pid=1, version="0")
WIRES = ("ada@example.org", "eve@example.org")


async def _seen(resources: Resources, uid: uuid.UUID) -> Seen:
    now = await resources.database.read(database.now)
    return await resources.database.read(standing.of, uid, now=now)


async def _overview(resources: Resources, *, is_open_only: bool = True) -> Overview:
    now = await resources.database.read(database.now)
    return await resources.database.read(standing.overview, now=now, is_open_only=is_open_only, limit=5)


def _planned(session: Session, ago: timedelta) -> uuid.UUID:
    now = database.now(session)
    edition = composition.start(session, make_newsletter(session, now), now=now, actor="test")
    edition.state, edition.scheduled_at = State.SCHEDULED, now - ago
    session.add(edition)
    return edition.uid


async def test_an_edition_that_is_due_and_has_not_begun_is_under_way_and_says_who_is_missing(
    resources: Resources,
) -> None:
    uid = await resources.database.write(_planned, timedelta(minutes=12))

    (seen,) = (found := await _overview(resources)).editions

    assert seen.edition.uid == uid
    assert standing.timing_of(seen) == "12 min late, not begun"
    assert seen.why[0].startswith("It was due at")
    assert seen.why[1] == NO_WORKER
    assert "morning-memo: an edition was due at" in found.notes[0]
    assert found.notes[-1] == NO_WORKER
    await resources.database.write(register.beat, WORKER, {})
    assert "its log says" in (await _seen(resources, uid)).why[1]


async def test_an_edition_whose_time_has_not_come_waits_for_nothing_but_that(resources: Resources) -> None:
    uid = await resources.database.write(_planned, -timedelta(hours=3))

    assert (await _overview(resources)).editions == ()
    (seen,) = (await _overview(resources, is_open_only=False)).editions
    assert seen.edition.uid == uid
    assert standing.timing_of(seen).startswith("leaves ")
    (why,) = seen.why
    assert why.startswith("It leaves at")


async def test_a_relay_that_rests_is_named_with_the_reason_that_the_desk_gives(resources: Resources) -> None:
    outbox = await open_outbox(resources, WIRES)
    await resources.database.write(register.beat, WORKER, {})
    await resources.database.write(_enter)
    assert (await _seen(resources, outbox.edition.uid)).why == ()

    await resources.database.write(_refuses)
    (why,) = (await _seen(resources, outbox.edition.uid)).why
    assert "The relay does not take messages" in why
    assert "2 messages wait" in why
    await resources.database.write(_paused)
    (why,) = (await _seen(resources, outbox.edition.uid)).why
    assert "The relay main is paused: its certificate is renewed" in why


def _enter(session: Session) -> None:
    session.add(Relay(name="main", host="relay.example.org", port=587, role=Role.MAIN))


def _refuses(session: Session) -> None:
    relays.note_problem(session, "main", "421 4.3.2 too busy")


def _paused(session: Session) -> None:
    relay_pause.pause(session, "main", "its certificate is renewed", now=database.now(session), actor="test")


async def test_how_late_it_began_is_told(resources: Resources) -> None:
    outbox = await open_outbox(resources, WIRES)
    await resources.database.write(_was_planned_before, outbox)

    seen = await _seen(resources, outbox.edition.uid)

    assert standing.timing_of(seen) == "began 20 min late"
    assert standing.facts(seen)["late_seconds"] == 1200
    assert any("20 min after its time" in line for line in standing.told(seen))


def _was_planned_before(session: Session, outbox: Outbox) -> None:
    held = session.get_one(Edition, outbox.edition.id)
    assert held.started_at is not None
    held.scheduled_at = held.started_at - timedelta(minutes=20)


async def test_those_made_last_come_first_and_no_more_than_asked_for(resources: Resources) -> None:
    def several(session: Session) -> list[uuid.UUID]:
        now = database.now(session)
        newsletter = make_newsletter(session, now)
        return [composition.start(session, newsletter, now=now, actor="test").uid for _ in range(7)]

    made = await resources.database.write(several)

    found = await _overview(resources, is_open_only=False)

    assert [one.edition.uid for one in found.editions] == made[:1:-1]
    assert "memo send" in found.editions[0].why[0]


def test_a_moment_has_one_form() -> None:
    assert standing.moment(datetime(2026, 3, 2, 6, 0, 1, 5, tzinfo=UTC)) == "2026-03-02T06:00:01Z"
    assert standing.moment(None) is None
