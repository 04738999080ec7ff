"""Spans: taken by one worker under a new epoch, read in pages, kept alive, let go. `docs/decisions/` has the protocol.

The fence is `span.epoch = mine AND run.turn = mine`: a take-over draws a new epoch; pause, resume, cancel and correction are
`turn` + 1. Both are asked in the very statement that writes an intent.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col
from sqlmodel import select as sql_select

from service import database
from service.delivery import choosing, dkim_keys, fence, relays
from service.delivery.fence import Take
from service.ledger import tallies
from service.ledger.models import OPEN, Delivery, DeliveryState, Run, Span
from service.ledger.tallies import Tally

DEATHS_MOST = 5
DEFERRED_STEP_SECONDS = 30
PUT_OFF_STEP_SECONDS = 1
NUDGES_AT_ONCE = 8  # who is woken takes spans until none is left; a nudge for each of hundreds would only keep the queue busy


@dataclass(frozen=True)
class Pinning:
    """What a take pins beside the newest rendition: the moment that becomes Date, the key that signs links, and the one that signs
    messages: the selector of DKIM for each domain that has one."""

    date: datetime
    key: str
    selectors: Mapping[str, str] = field(default_factory=dict)


def due(session: Session, relay: str, *, limit: int = NUDGES_AT_ONCE) -> list[int]:
    """The first of the spans that somebody could take now."""
    if not relays.is_ready_for_editions(session, relay):
        return []
    found = session.connection().execute(
        choosing.DUE, {**choosing.moment(database.now(session)), "the_limit": limit}
    )
    return list(found.scalars())


def take(
    session: Session, *, holder: str, relay: str, pinning: Pinning, uncertain_wait: timedelta
) -> Take | None:
    """The best takeable span: higher lane first, then the edition that fewest workers are at, then who lost fewest senders."""
    if not relays.is_ready_for_editions(session, relay):
        return None
    now = database.now(session)
    span = session.connection().execute(choosing.BEST, choosing.moment(now)).first()
    if span is None:
        return None
    if span.in_flight:
        _unanswered_become_uncertain(session, span, now + uncertain_wait)
    deaths = span.deaths + (span.renewed_at is not None)
    if deaths >= DEATHS_MOST:
        _hold_all(session, session.get_one(Span, span.id, populate_existing=True), deaths)
        return None
    epoch = secrets.randbits(63)
    pins: dict[str, Any] = {"rendition": span.rendition, "date": pinning.date.isoformat(), "key": pinning.key}
    pins |= dkim_keys.pins_of(session, span.edition_id, pinning.selectors)
    session.connection().execute(
        _TAKEN,
        {
            "the_span": span.id,
            "new_epoch": epoch,
            "the_moment": now,
            "the_holder": holder,
            "the_deaths": deaths,
            "the_pins": pins,
        },
    )
    return Take(
        span_id=span.id,
        edition_id=span.edition_id,
        first=span.first,
        last=span.last,
        lane=span.lane,
        epoch=epoch,
        turn=span.turn,
        pins=pins,
        holds_uncertain=span.holds_uncertain,
    )


def renew(session: Session, taken: Take) -> bool:
    """Say that the holder lives, while the relay is slow. What has been let go stays free. Returns whether the fence stands."""
    return bool(session.connection().execute(_RENEWED, fence.fenced(taken)).scalar())


def let_go(session: Session, taken: Take, *, in_flight: list[int]) -> bool:
    """Give the span back; True if it has ended. Numbers still without an answer stay in `in_flight` for the next holder."""
    # Locked before the count: a row that is reopened meanwhile would be counted as ended, and never be due again.
    found = session.connection().execute(_LOCKED, fence.held(taken)).first()
    if found is None:
        return False
    now = database.now(session)
    tally = tallies.of(session, taken.edition_id, taken.first, taken.last)
    earliest = _earliest(tally, now)
    due_at = None if earliest is None else max(now, min(earliest, found.give_up_at))
    values = {
        "the_due": due_at,
        "the_list": in_flight,
        "the_counts": tally.counts,
        "the_earliest": tally.first_accepted_at,
        "the_latest": tally.last_accepted_at,
    }
    return bool(fence.affected(session, _LET_GO, {**fence.held(taken), **values})) and due_at is None


def _earliest(tally: Tally, now: datetime) -> datetime | None:
    """When the first open row is due; None if there is none.

    Deferred ones are gathered in steps of 30 s; those that only wait for their provider's pace come again each second, or little of it
    would be used.
    """
    dues = {state: due_at or now for state, due_at in tally.dues.items() if state in OPEN}
    deferred = dues.pop(DeliveryState.DEFERRED, None)
    moments = [*dues.values()]
    if deferred is not None:
        moments.append(_rounded_up(deferred, DEFERRED_STEP_SECONDS))
    if tally.untried_due_at is not None:
        moments.append(_rounded_up(tally.untried_due_at, PUT_OFF_STEP_SECONDS))
    return min(moments, default=None)


def let_everything_go(session: Session) -> None:
    """At the start of the only sending process of a SQLite database: whoever held a span is dead."""
    running = sql_select(Run.edition_id).where(col(Run.ended_at).is_(None))
    held = sql_select(Span).where(col(Span.edition_id).in_(running), col(Span.renewed_at).is_not(None))
    for span in session.exec(held):
        span.renewed_at = span.holder = None
        span.deaths += 1
        tallies.write(session, span)
        session.add(span)


def _unanswered_become_uncertain(session: Session, span: sa.Row[Any], due_at: datetime) -> None:
    """What the last holder had begun and not recorded: sent once more later with the same bytes, or held."""
    query = sql_select(Delivery).where(
        Delivery.edition_id == span.edition_id,
        col(Delivery.number).in_(span.in_flight),
        col(Delivery.state).in_(OPEN),
    )
    for delivery in session.exec(query.order_by(col(Delivery.number)).with_for_update()):
        delivery.attempts += 1
        delivery.uncertain_count += 1
        delivery.pins = delivery.pins or span.pins
        if delivery.uncertain_count >= 2 or span.holds_uncertain:
            delivery.state, delivery.due_at = DeliveryState.HELD, None
            delivery.reply = (
                "Handed over without a clear answer; held so that the reader does not get it again."
            )
        else:
            delivery.state, delivery.due_at = DeliveryState.UNCERTAIN, due_at
            delivery.reply = "The sender stopped before the relay's answer was recorded."
        delivery.at = database.now(session)
        session.add(delivery)
    session.flush()


def _hold_all(session: Session, span: Span, deaths: int) -> None:
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
    span.deaths = deaths
    tallies.write(session, span)
    span.epoch = secrets.randbits(63)
    session.add(span)
    session.flush()


def _rounded_up(moment: datetime, step: int) -> datetime:
    seconds = -moment.timestamp() % step
    return moment + timedelta(seconds=seconds)


_TAKEN = (
    sa.update(Span)
    .where(col(Span.id) == sa.bindparam("the_span"))
    .values(
        epoch=sa.bindparam("new_epoch"),
        renewed_at=sa.bindparam("the_moment"),
        holder=sa.bindparam("the_holder"),
        deaths=sa.bindparam("the_deaths"),
        in_flight=[],
        pins=sa.bindparam("the_pins"),
    )
)
_RENEWED = (
    sa.update(Span)
    .where(*fence.MINE, col(Span.renewed_at).is_not(None))
    .values(renewed_at=database.utc_now())
    .returning(fence.FENCE[-1])
)
_LOCKED = (
    sa.select(col(Run.give_up_at))
    .select_from(Span)
    .join(Run, col(Run.edition_id) == col(Span.edition_id))
    .where(*fence.MINE)
    .with_for_update(of=Span)
)
_LET_GO = (
    sa.update(Span)
    .where(*fence.MINE)
    .values(
        due_at=sa.bindparam("the_due"),
        renewed_at=None,
        holder=None,
        in_flight=sa.bindparam("the_list"),
        counts=sa.bindparam("the_counts"),
        first_accepted_at=sa.bindparam("the_earliest"),
        last_accepted_at=sa.bindparam("the_latest"),
    )
)
