"""Spans: taken by one worker under a new epoch, read in pages, kept alive, let go. `docs/decisions/` has the protocol.

The fence is `span.epoch = mine AND run.turn = mine`: a take-over draws a new epoch; pause, resume, cancel and correction are
`turn` + 1. Both are asked in the very statement that writes an intent.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col
from sqlmodel import select as sql_select

from service import database
from service.delivery import relays
from service.editions.models import Rendition
from service.ledger import tallies
from service.ledger.models import OPEN, Delivery, DeliveryState, Lane, Run, Span
from service.ledger.tallies import Tally

STALE = timedelta(seconds=10)
DEATHS_MOST = 5
DEFERRED_STEP_SECONDS = 30


@dataclass(frozen=True)
class Take:
    """A span as its holder knows it."""

    span_id: int
    edition_id: int
    first: int
    last: int
    lane: Lane
    epoch: int
    turn: int
    pins: dict[str, Any]
    holds_uncertain: bool


@dataclass(frozen=True)
class Pinning:
    """What a take pins beside the newest rendition: the moment that becomes Date, and the key that signs links."""

    date: datetime
    key: str


def takeable(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Span.due_at) <= now,
        col(Run.stopped).is_(None),
        col(Run.ended_at).is_(None),
        sa.or_(col(Span.renewed_at).is_(None), col(Span.renewed_at) < now - STALE),
    )


def due(session: Session, relay: str, *, limit: int = 64) -> list[int]:
    """Spans that somebody could take now: each deserves a nudge."""
    if not relays.is_ready(session, relay):
        return []
    now = database.now(session)
    query = sa.select(col(Span.id)).join(Run, col(Run.edition_id) == col(Span.edition_id))
    return list(session.execute(query.where(*takeable(now)).order_by(col(Span.id)).limit(limit)).scalars())


def take(
    session: Session, *, holder: str, relay: str, pinning: Pinning, uncertain_wait: timedelta
) -> Take | None:
    """The best takeable span: higher lane first, then the edition that fewest workers are at."""
    if not relays.is_ready(session, relay):
        return None
    now = database.now(session)
    span = session.execute(_best(now)).scalars().first()
    if span is None:
        return None
    run = session.get_one(Run, span.edition_id)
    _unanswered_become_uncertain(session, span, run, now + uncertain_wait)
    if span.renewed_at is not None:
        span.deaths += 1
    if span.deaths >= DEATHS_MOST:
        _hold_all(session, span)
        return None
    span.epoch = secrets.randbits(63)
    span.renewed_at = now
    span.holder = holder
    span.in_flight = []
    span.pins = {
        "rendition": _newest_rendition(session, span.edition_id),
        "date": pinning.date.isoformat(),
        "key": pinning.key,
    }
    session.add(span)
    session.flush()
    return Take(
        span_id=span.id,
        edition_id=span.edition_id,
        first=span.first,
        last=span.last,
        lane=span.lane,
        epoch=span.epoch,
        turn=run.turn,
        pins=span.pins,
        holds_uncertain=run.holds_uncertain,
    )


def renew(session: Session, taken: Take) -> None:
    """Say that the holder lives, while the relay is slow. What has been let go stays free."""
    session.execute(
        mine(taken).where(col(Span.renewed_at).is_not(None)).values(renewed_at=database.utc_now())
    )


def let_go(session: Session, taken: Take, *, in_flight: list[int]) -> bool:
    """Give the span back; True if it has ended. Numbers still without an answer stay in `in_flight` for the next holder."""
    locked = sa.select(col(Span.id)).where(col(Span.id) == taken.span_id, col(Span.epoch) == taken.epoch)
    if session.execute(locked.with_for_update()).first() is None:
        return False
    now = database.now(session)
    tally = tallies.of(session, taken.edition_id, taken.first, taken.last)
    due_at = None
    if (earliest := _earliest(tally, now)) is not None:
        run = session.get_one(Run, taken.edition_id)
        due_at = max(now, min(earliest, run.give_up_at))
    values = {"due_at": due_at, "renewed_at": None, "holder": None, "in_flight": in_flight, **tally.values()}
    return affected(session, mine(taken).values(**values)) == 1 and due_at is None


def _earliest(tally: Tally, now: datetime) -> datetime | None:
    """When the first open row is due (deferred ones gathered in steps of 30 s); None if there is none."""
    dues = {state: due_at or now for state, due_at in tally.dues.items() if state in OPEN}
    if DeliveryState.DEFERRED in dues:
        dues[DeliveryState.DEFERRED] = _rounded_up(dues[DeliveryState.DEFERRED])
    return min(dues.values(), default=None)


def is_outranked(session: Session, taken: Take, relay: str) -> bool:
    """Whether a higher lane waits, or the relay's clock says later: then rows are left untouched."""
    if not relays.is_ready(session, relay):
        return True
    if taken.lane is Lane.BREAKING:
        return False
    query = sa.select(col(Span.id)).join(Run, col(Run.edition_id) == col(Span.edition_id))
    waiting = query.where(*takeable(database.now(session)), col(Span.lane) == Lane.BREAKING).limit(1)
    return session.execute(waiting).first() is not None


def let_everything_go(session: Session) -> None:
    """At the start of the only sending process of a SQLite database: whoever held a span is dead."""
    running = sql_select(Run.edition_id).where(col(Run.ended_at).is_(None))
    held = sql_select(Span).where(col(Span.edition_id).in_(running), col(Span.renewed_at).is_not(None))
    for span in session.exec(held):
        span.renewed_at = span.holder = None
        span.deaths += 1
        tallies.write(session, span)
        session.add(span)


def fence(taken: Take) -> tuple[sa.ColumnElement[bool], ...]:
    turn = sa.select(sa.literal(1)).where(
        col(Run.edition_id) == taken.edition_id, col(Run.turn) == taken.turn, col(Run.stopped).is_(None)
    )
    return (col(Span.id) == taken.span_id, col(Span.epoch) == taken.epoch, turn.exists())


def affected(session: Session, statement: sa.Update) -> int:
    result: Any = session.execute(statement, execution_options={"synchronize_session": False})
    return int(result.rowcount)


def _best(now: datetime) -> sa.Select[Span]:
    other = aliased(Span)
    held = (
        sa.select(sa.func.count())
        .where(col(other.edition_id) == col(Span.edition_id), col(other.renewed_at) >= now - STALE)
        .scalar_subquery()
    )
    return (
        sa.select(Span)
        .join(Run, col(Run.edition_id) == col(Span.edition_id))
        .where(*takeable(now))
        .order_by(
            sa.case((col(Span.lane) == Lane.BREAKING, 0), else_=1), held, col(Span.due_at), col(Span.id)
        )
        .limit(1)
        .with_for_update(of=Span, skip_locked=True)
        .execution_options(populate_existing=True)
    )


def _newest_rendition(session: Session, edition_id: int) -> int:
    newest = sql_select(sa.func.max(col(Rendition.id))).where(Rendition.edition_id == edition_id)
    return int(session.exec(newest).one())


def _unanswered_become_uncertain(session: Session, span: Span, run: Run, due_at: datetime) -> None:
    """What the last holder had begun and not recorded: sent once more later with the same bytes, or held."""
    if not span.in_flight:
        return
    query = sql_select(Delivery).where(
        Delivery.edition_id == span.edition_id,
        col(Delivery.number).in_(span.in_flight),
        col(Delivery.state).in_(OPEN),
    )
    for delivery in session.exec(query.order_by(col(Delivery.number)).with_for_update()):
        delivery.attempts += 1
        delivery.uncertain_count += 1
        delivery.pins = delivery.pins or span.pins
        if delivery.uncertain_count >= 2 or run.holds_uncertain:
            delivery.state, delivery.due_at = DeliveryState.HELD, None
            delivery.reply = (
                "Handed over without a clear answer; held so that the reader does not get it again."
            )
        else:
            delivery.state, delivery.due_at = DeliveryState.UNCERTAIN, due_at
            delivery.reply = "The sender stopped before the relay's answer was recorded."
        delivery.at = database.now(session)
        session.add(delivery)


def _hold_all(session: Session, span: Span) -> None:
    """A span at which worker after worker dies is put aside for a person."""
    session.execute(
        sa.update(Delivery)
        .where(*tallies.in_span(span.edition_id, span.first, span.last), col(Delivery.state).in_(OPEN))
        .values(
            state=DeliveryState.HELD,
            due_at=None,
            at=database.utc_now(),
            reply=f"Held: {DEATHS_MOST} senders stopped while they were at this group of readers.",
        )
    )
    span.due_at = span.renewed_at = span.holder = None
    span.in_flight = []
    tallies.write(session, span)
    span.epoch = secrets.randbits(63)
    session.add(span)
    session.flush()


def mine(taken: Take) -> sa.Update:
    return sa.update(Span).where(col(Span.id) == taken.span_id, col(Span.epoch) == taken.epoch)


def _rounded_up(moment: datetime) -> datetime:
    seconds = -moment.timestamp() % DEFERRED_STEP_SECONDS
    return moment + timedelta(seconds=seconds)
