"""Which addresses a run's end suppresses: rows as a sender leaves them, no SMTP."""

from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import closing, steering, waves
from service.dependencies import Resources
from service.editions.models import Edition, State
from service.ledger import tallies
from service.ledger.models import Delivery, DeliveryState, Run, Span
from service.suppressions.models import Suppression
from tests.support.outbox import Outbox, open_outbox

UNKNOWN = "550 5.1.1 <reader@example.org>: User unknown"
NO_DOMAIN = "550 5.1.2 Domain not found"


def addresses(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(1, count + 1)]


def _ended(session: Session, edition_id: int, refused: dict[int, str], wave: str | None = None) -> None:
    """As a sender leaves it: everybody accepted but these numbers."""
    mine = col(Delivery.edition_id) == edition_id
    at = database.now(session)
    session.execute(
        sa.update(Delivery)
        .where(mine)
        .values(state=DeliveryState.ACCEPTED, reply="250 2.0.0 taken", attempts=1, at=at)
    )
    for number, reply in refused.items():
        session.execute(
            sa.update(Delivery)
            .where(mine, col(Delivery.number) == number)
            .values(state=DeliveryState.REFUSED, reply=reply, pins={"rendition": 1})
        )
    for span in session.exec(select(Span).where(col(Span.edition_id) == edition_id)):
        span.due_at = None
        tallies.write(session, span)
        session.add(span)


def _suppressed(session: Session) -> set[str]:
    return set(session.execute(sa.select(col(Suppression.address))).scalars())


async def end(resources: Resources, outbox: Outbox, refused: dict[int, str]) -> set[str]:
    write = resources.database.write
    await write(_ended, outbox.edition.id, refused)
    await write(closing.close_ended, pepper=resources.pepper, now=resources.clock.now())
    assert await outbox.state() is State.SENT
    return await resources.database.read(_suppressed)


async def test_the_dead_are_suppressed_and_nobody_else(resources: Resources) -> None:
    replies = [
        UNKNOWN,
        "550 5.2.1 The email account that you tried to reach is inactive.",
        "550 5.7.1 No such user!",
        "550 5.7.1 Message rejected due to local policy",
        "552 5.3.4 Message too big for system",
        "501 5.5.4 Syntax error",
        "In answer to MAIL: 550 5.1.1 no such user",
        "553 5.6.7 This address needs SMTPUTF8 and the relay does not offer it",
        "Again: 550 5.1.1 User unknown",
    ]
    outbox = await open_outbox(resources, addresses(30))
    found = await end(resources, outbox, dict(enumerate(replies, start=1)))
    rows = await outbox.rows()
    assert {rows[address].number for address in found} == {1, 2, 9}


async def test_more_than_5_percent_of_the_nearest_200_are_not_believed(resources: Resources) -> None:
    outbox = await open_outbox(resources, addresses(300))
    found = await end(resources, outbox, {**dict.fromkeys(range(1, 12), UNKNOWN), 290: UNKNOWN})
    rows = await outbox.rows()
    assert {rows[address].number for address in found} == {290}


async def test_a_bad_domain_is_believed_when_it_is_said_again_a_day_later(resources: Resources) -> None:
    outbox = await open_outbox(resources, addresses(10))
    assert await end(resources, outbox, {3: NO_DOMAIN}) == set()
    for days, age, expected in ((1, timedelta(hours=23), 0), (2, timedelta(hours=25), 1)):
        again = await resources.database.write(_another, outbox.edition.id, days, age)
        found = await end(resources, Outbox(resources, again), {3: NO_DOMAIN})
        assert len(found) == expected


def _another(session: Session, edition_id: int, days: int, age: timedelta) -> Edition:
    """The same readers in the newsletter's next edition; the first is then that old."""
    first = session.get_one(Edition, edition_id)
    run = session.get_one(Run, edition_id)
    edition = Edition(
        newsletter_id=first.newsletter_id,
        local_date=first.local_date + timedelta(days=days),
        state=State.SENDING,
        created_at=first.created_at,
    )
    session.add(edition)
    session.flush()
    session.add(Run(**{**run.model_dump(), "edition_id": edition.id, "ended_at": None}))
    session.flush()
    before = database.now(session) - age
    for row in session.execute(sa.select(Delivery).where(col(Delivery.edition_id) == edition_id)).scalars():
        session.add(Delivery(**{**row.model_dump(), "edition_id": edition.id}))
        row.at = before
    session.flush()
    for span in session.exec(select(Span).where(col(Span.edition_id) == edition_id)).all():
        session.add(Span(edition_id=edition.id, first=span.first, last=span.last))
    session.flush()
    return edition


async def test_a_resumed_wave_is_queued_again_and_a_second_refusal_stands(resources: Resources) -> None:
    write, now = resources.database.write, resources.clock.now()
    outbox = await open_outbox(resources, addresses(30))
    again, other = f"Again: {UNKNOWN}", "550 5.2.1 inactive"
    await write(_ended, outbox.edition.id, {1: UNKNOWN, 2: UNKNOWN, 3: again, 4: other})
    await write(_was_uncertain, outbox.edition.id, 2)
    await write(_waits, outbox.edition.id, 6)
    pause = partial(steering.pause, reason="same", now=now, actor="the sender")
    await write(pause, outbox.edition.uid, wave=waves.words(UNKNOWN, "reader@example.org"))
    await write(steering.resume, outbox.edition.uid, now=now, actor="test")
    rows = {row.number: row for row in (await outbox.rows()).values()}
    states = {number: rows[number].state for number in (1, 2, 3, 4, 5)}
    assert states == {
        1: DeliveryState.QUEUED,
        2: DeliveryState.UNCERTAIN,  # a copy may have arrived before: it goes as the same message or is held
        3: DeliveryState.REFUSED,
        4: DeliveryState.REFUSED,
        5: DeliveryState.ACCEPTED,
    }
    now_there = await resources.database.read(database.now)
    assert (rows[6].state, rows[6].due_at is not None and rows[6].due_at <= now_there) == (
        DeliveryState.DEFERRED,
        True,
    )
    assert (rows[1].pins, rows[2].pins) == (None, {"rendition": 1})
    assert await resources.database.read(_due, outbox.edition.id) == 1
    await write(pause, outbox.edition.uid)
    await write(_ended, outbox.edition.id, {1: UNKNOWN})
    await write(steering.resume, outbox.edition.uid, now=now, actor="test")
    rows = {row.number: row for row in (await outbox.rows()).values()}
    assert rows[1].state is DeliveryState.REFUSED, "a pause for another reason reopens nothing"


def _was_uncertain(session: Session, edition_id: int, number: int) -> None:
    row = session.get_one(Delivery, (edition_id, number))
    row.uncertain_count = 1
    session.add(row)


def _waits(session: Session, edition_id: int, number: int) -> None:
    row = session.get_one(Delivery, (edition_id, number))
    row.state, row.reply, row.due_at = (
        DeliveryState.DEFERRED,
        UNKNOWN,
        database.now(session) + timedelta(hours=2),
    )
    session.add(row)


def _due(session: Session, edition_id: int) -> int:
    due = sa.select(sa.func.count()).where(col(Span.edition_id) == edition_id, col(Span.due_at).is_not(None))
    return int(session.execute(due).scalar_one())


@pytest.mark.parametrize("state", [State.SENT, State.CANCELLED])
async def test_a_wave_that_is_never_resumed_suppresses_nobody(resources: Resources, state: State) -> None:
    write, now = resources.database.write, resources.clock.now()
    outbox = await open_outbox(resources, addresses(40))
    await write(_ended, outbox.edition.id, dict.fromkeys(range(1, 21), UNKNOWN))
    if state is State.CANCELLED:
        await write(steering.cancel, outbox.edition.uid, now=now, actor="test")
    await write(closing.close_ended, pepper=resources.pepper, now=now)
    assert await outbox.state() is state
    assert await resources.database.read(_suppressed) == set()
