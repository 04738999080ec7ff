"""What the committer writes: intents under the fence, outcomes whatever the fence says.

    for each span, by id:  in_flight and renewed_at, where the fence holds     (run is read, not locked)
    then                   the outcomes of its rows

A failed fence stops intents, never outcomes. A worker whose epoch is gone writes late, under the span's lock, and only what
cannot be wrong: accepted, or a refusal of the reader.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningUpdate
from sqlmodel import Session, col

from service import database
from service.delivery import fence
from service.delivery.fence import Take
from service.ledger import tallies
from service.ledger.models import OPEN, Delivery, DeliveryState, Span

FINAL = (DeliveryState.ACCEPTED, DeliveryState.REFUSED)


@dataclass(frozen=True)
class Recorded:
    """An outcome as it goes into a row; `attempts` is absolute, so that writing it twice adds nothing."""

    number: int
    state: DeliveryState
    attempts: int
    uncertain_count: int
    reply: str
    wait: timedelta | None = None
    pins: dict[str, Any] | None = None


@dataclass
class SpanBatch:
    """All that has piled up for one take of a span."""

    taken: Take
    outcomes: list[Recorded] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)  # what its connections hold, without the new intents
    intents: list[int] = field(default_factory=list)


def commit(session: Session, batches: list[SpanBatch]) -> set[tuple[int, int]]:
    """Write them all. Returns (span, epoch) of those whose fence holds: their intents stand and bodies may begin."""
    standing: set[tuple[int, int]] = set()
    for batch in sorted(batches, key=lambda one: one.taken.span_id):
        taken = batch.taken
        intended = {
            **fence.fenced(taken),
            "the_list": batch.in_flight + batch.intents,
            "progressed": bool(batch.outcomes),
        }
        written = session.connection().execute(_FENCED, intended).first()
        if written is not None:
            standing.add((taken.span_id, taken.epoch))
        else:
            held = {**fence.held(taken), "the_list": batch.in_flight, "progressed": bool(batch.outcomes)}
            written = session.connection().execute(_MINE, held).first()
        if written is None or written.renewed_at is None:
            _write_late(session, batch, is_mine=written is not None)
        else:
            _write_rows(session, taken, batch.outcomes)
    return standing


def _write_late(session: Session, batch: SpanBatch, *, is_mine: bool) -> None:
    """The span's counts are read instead of its rows while nobody holds it, so they follow."""
    if not batch.outcomes:
        return
    taken = batch.taken
    locked = sa.select(Span).where(col(Span.id) == taken.span_id).with_for_update()
    span = session.execute(locked.execution_options(populate_existing=True)).scalars().one()
    _write_rows(session, taken, [one for one in batch.outcomes if is_mine or one.state in FINAL])
    tallies.write(session, span)
    session.add(span)
    session.flush()


def _write_rows(session: Session, taken: Take, outcomes: list[Recorded]) -> None:
    if not outcomes:
        return
    now = database.now(session) if any(outcome.wait for outcome in outcomes) else None
    session.connection().execute(
        _ROW,
        [
            {
                "the_edition": taken.edition_id,
                "the_number": outcome.number,
                "the_state": outcome.state,
                "the_attempts": outcome.attempts,
                "the_uncertain_count": outcome.uncertain_count,
                "the_reply": outcome.reply[:500],
                "the_due_at": now + outcome.wait if now and outcome.wait else None,
                "the_pins": outcome.pins,
                "is_accept": outcome.state is DeliveryState.ACCEPTED,
            }
            for outcome in outcomes
        ],
    )


def _row() -> sa.Update:
    """An accept replaces every state; anything else only an open one."""
    return (
        sa.update(Delivery)
        .where(
            col(Delivery.edition_id) == sa.bindparam("the_edition"),
            col(Delivery.number) == sa.bindparam("the_number"),
            sa.or_(
                sa.bindparam("is_accept", type_=sa.Boolean()),
                *(col(Delivery.state) == state for state in OPEN),  # IN cannot be used with executemany
            ),
        )
        .values(
            state=sa.bindparam("the_state"),
            attempts=sa.bindparam("the_attempts"),
            uncertain_count=sa.bindparam("the_uncertain_count"),
            reply=sa.bindparam("the_reply"),
            due_at=sa.bindparam("the_due_at"),
            pins=sa.bindparam("the_pins"),
            at=database.utc_now(),
        )
    )


def _span(which: tuple[sa.ColumnElement[bool], ...]) -> ReturningUpdate[Any]:
    """A late answer does not make a span that was let go look held again. Senders that die for reasons of their own must not
    cost a span whose readers get their mail its turn.
    """
    now = sa.case((col(Span.renewed_at).is_not(None), database.utc_now()))
    in_flight = sa.bindparam("the_list", type_=database.Json)
    deaths = sa.case((sa.bindparam("progressed", type_=sa.Boolean()), 0), else_=col(Span.deaths))
    written = sa.update(Span).where(*which).values(in_flight=in_flight, renewed_at=now, deaths=deaths)
    return written.returning(col(Span.renewed_at))


# Built once: making a statement anew costs more than running it.
_FENCED = _span(fence.FENCE)
_MINE = _span(fence.MINE)
_ROW = _row()
