"""From an audience to rows: chunk by chunk, each with its span, each in one transaction.

    lock the run -> insert the rows -> insert the span, due now -> move the cursor

The first chunk is small, so that the first message leaves while the rest is still being written. Whoever finds a fan-out that
nobody carries on carries it on: the cursor says where.

Cancelled meanwhile, the rest is written out all the same, as cancelled and in spans that nobody takes: the books account for everybody
whom the edition was to reach.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database, prepared
from service.ledger.models import OPEN, Delivery, DeliveryState, Lane, Run, Span, Stopped
from service.prepared import Prepared

FIRST_CHUNK_ROWS = 50
SPAN_ROWS_LEAST = 50
SPAN_ROWS_MOST = 5_000
SPANS_PER_RUN = 200
BEFORE_THEIR_TURN = "The edition was cancelled before this reader's turn."

# Told whether it is for PostgreSQL: columns subscriber_id, person_id, subscription_id, address and fields; it asks for the values
# `the_newsletter` and `the_cutoff`.
Audience = Callable[[bool], sa.Select[Any]]


@dataclass(frozen=True)
class Canary:
    """So many readers go first; the audience is written out no further before somebody has said that the rest may follow."""

    rows: int
    wait: timedelta
    percent: int


@dataclass(frozen=True)
class NewRun:
    edition_id: int
    newsletter_id: int
    expected_readers: int
    give_up_at: datetime
    holds_uncertain: bool
    lane: Lane = Lane.SCHEDULED
    canary: Canary | None = None


def open_run(session: Session, new: NewRun) -> Run:
    """The run of an edition; the edition's own state must have been won by a guarded update before."""
    now = database.now(session)
    size = new.expected_readers // SPANS_PER_RUN
    run = Run(
        edition_id=new.edition_id,
        newsletter_id=new.newsletter_id,
        cutoff_at=now,
        span_size=min(SPAN_ROWS_MOST, max(SPAN_ROWS_LEAST, size)),
        fanned_at=now,
        holds_uncertain=new.holds_uncertain,
        lane=new.lane,
        give_up_at=new.give_up_at,
        started_at=now,
    )
    if new.canary is not None:
        run.canary_rows, run.canary_percent = new.canary.rows, new.canary.percent
        run.canary_until = now + new.canary.wait
    session.add(run)
    session.flush()
    return run


def unfinished(session: Session) -> list[int]:
    """Editions whose fan-out is not done and not paused, the oldest first; as long as breaking news is among them, only those.
    Cancelled ones, for which nobody waits, come when nothing else is left.
    """
    found = _UNFINISHED.run(session.connection()).fetchall()
    going_on = [(edition_id, lane) for edition_id, lane, stopped in found if stopped is None]
    breaking = [edition_id for edition_id, lane in going_on if lane == Lane.BREAKING.value]
    return (
        breaking or [edition_id for edition_id, _ in going_on] or [edition_id for edition_id, _, _ in found]
    )


def rows_ahead(session: Session, edition_id: int) -> int:
    """How many rows are written out, in spans that nobody has taken yet."""
    return int(_ROWS_AHEAD.run(session.connection(), {"the_edition": edition_id}).fetchone()[0])


def carry_on(session: Session, edition_id: int, audience: Audience) -> int | None:
    """Write the next chunk. Returns its span's id; None when there is nothing to do or somebody else is at it."""
    connection = session.connection()
    found = _OPEN_RUN.run(connection, {"the_edition": edition_id}).fetchone()
    if found is None:
        return None
    newsletter_id, cutoff_at, cursor, last_number, span_size, lane, first, stopped = found
    state = DeliveryState.CANCELLED if stopped == Stopped.CANCELLED else DeliveryState.QUEUED
    wanted = span_size if last_number else min(FIRST_CHUNK_ROWS, span_size)
    if first is not None:
        wanted = min(wanted, first - last_number)
    values = {
        "the_edition": edition_id,
        "the_newsletter": newsletter_id,
        "the_cutoff": prepared.moment(cutoff_at),
        "the_cursor": cursor,
        "the_last": last_number,
        "the_size": wanted,
    }
    insertion = _insertion(audience, state, is_postgresql=database.is_postgresql(session))
    written = insertion.run(connection, values).rowcount
    now, last = database.now(session), last_number + written
    if written:
        cursor = _LAST_SUBSCRIBER.run(connection, {"the_edition": edition_id, "the_last": last}).fetchone()[0]
    moved = {"the_last": last, "the_cursor": cursor, "is_all": written < wanted, "the_moment": now}
    _MOVED.run(connection, {"the_edition": edition_id, **moved})
    if not written:
        return None
    span = {
        "edition_id": edition_id,
        "first": last_number + 1,
        "last": last + 1,
        "lane": Lane(lane),
        "due_at": now if state in OPEN else None,
    }
    counts = {state.value: written}
    return int(_SPAN.run(connection, {**span, "counts": counts}).fetchone()[0])


@lru_cache(maxsize=8)
def _insertion(audience: Audience, state: DeliveryState, *, is_postgresql: bool) -> Prepared:
    """The next rows of the audience, numbered on."""
    everybody = audience(is_postgresql).subquery()
    cursor = sa.bindparam("the_cursor", type_=sa.BigInteger())
    chunk = (
        sa.select(everybody)
        .where(everybody.c.subscriber_id > cursor, everybody.c.person_id > cursor)
        .order_by(everybody.c.subscriber_id)
        .limit(sa.bindparam("the_size", type_=sa.Integer()))
        .subquery()
    )
    ended: tuple[Any, Any] = (sa.null(), sa.null())
    if state is DeliveryState.CANCELLED:
        ended = (sa.cast(sa.literal(BEFORE_THEIR_TURN), sa.Text), database.utc_now())
    last = sa.bindparam("the_last", type_=sa.Integer())
    number = sa.cast(last, sa.Integer) + sa.func.row_number().over(order_by=chunk.c.subscriber_id)
    return Prepared(
        sa.insert(Delivery).from_select(
            [
                "edition_id", "number", "subscriber_id", "subscription_id", "address", "fields",
                "state", "attempts", "attempts_before", "uncertain_count", "reply", "at",
            ],
            sa.select(
                sa.cast(sa.bindparam("the_edition"), sa.BigInteger), number, chunk.c.subscriber_id,
                chunk.c.subscription_id, chunk.c.address, chunk.c.fields,
                sa.literal_column(f"'{state.value}'"), *[sa.literal_column("0")] * 3, *ended,
            ),
            include_defaults=False,
        )
    )  # fmt: skip


def _is_to_be_written_out() -> sa.ColumnElement[bool]:
    """Not done, not paused, and not beyond the canary while its rest waits."""
    is_paused = sa.and_(col(Run.stopped).is_not(None), col(Run.stopped) != Stopped.CANCELLED.value)
    may_go_on = sa.or_(col(Run.canary_rows).is_(None), col(Run.last_number) < col(Run.canary_rows))
    return sa.and_(col(Run.is_fanned_out).is_(False), ~is_paused, col(Run.ended_at).is_(None), may_go_on)


def _the_run() -> sa.ColumnElement[bool]:
    return col(Run.edition_id) == sa.bindparam("the_edition")


# Built once: a fan-out has two hundred chunks, and while one is written no outcome is.
_UNFINISHED = Prepared(
    sa.select(col(Run.edition_id), col(Run.lane), col(Run.stopped))
    .where(_is_to_be_written_out())
    .order_by(col(Run.started_at), col(Run.edition_id))
)
_ROWS_AHEAD = Prepared(
    sa.select(sa.func.coalesce(sa.func.sum(col(Span.last) - col(Span.first)), 0)).where(
        col(Span.edition_id) == sa.bindparam("the_edition"),
        col(Span.epoch) == 0,
        col(Span.due_at).is_not(None),  # what is written out as cancelled nobody takes
    )
)
_OPEN_RUN = Prepared(
    sa.select(
        col(Run.newsletter_id), col(Run.cutoff_at), col(Run.cursor), col(Run.last_number), col(Run.span_size), col(Run.lane),
        col(Run.canary_rows), col(Run.stopped),
    )
    .where(_the_run(), _is_to_be_written_out())
    .with_for_update(skip_locked=True)
)  # fmt: skip
_LAST_SUBSCRIBER = Prepared(
    sa.select(col(Delivery.subscriber_id)).where(
        col(Delivery.edition_id) == sa.bindparam("the_edition"),
        col(Delivery.number) == sa.bindparam("the_last"),
    )
)
_MOVED = Prepared(
    sa.update(Run)
    .where(_the_run())
    .values(
        last_number=sa.bindparam("the_last"),
        cursor=sa.bindparam("the_cursor"),
        is_fanned_out=sa.bindparam("is_all"),
        fanned_at=sa.bindparam("the_moment"),
    )
)
_SPAN = Prepared(
    sa.insert(Span)
    .values(
        edition_id=sa.bindparam("edition_id"),
        first=sa.bindparam("first"),
        last=sa.bindparam("last"),
        lane=sa.bindparam("lane"),
        due_at=sa.bindparam("due_at"),
        counts=sa.bindparam("counts"),
        epoch=0,
        deaths=0,
        in_flight=[],
        pins={},
    )
    .returning(col(Span.id))
)
