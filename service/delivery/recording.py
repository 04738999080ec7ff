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
from sqlmodel import Session, col

from service import database
from service.delivery import spans
from service.delivery.spans import Take
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
        progressed = bool(batch.outcomes)
        if _write_span(session, spans.fence(taken), batch.in_flight + batch.intents, progressed=progressed):
            standing.add((taken.span_id, taken.epoch))
            _write_rows(session, taken, batch.outcomes)
        elif _write_span(session, _epoch(taken), batch.in_flight, progressed=progressed):
            _write_rows(session, taken, batch.outcomes)
        elif batch.outcomes:
            _write_late(session, batch)
    return standing


def _epoch(taken: Take) -> tuple[sa.ColumnElement[bool], ...]:
    return (col(Span.id) == taken.span_id, col(Span.epoch) == taken.epoch)


def _write_span(
    session: Session, where: tuple[sa.ColumnElement[bool], ...], in_flight: list[int], *, progressed: bool
) -> bool:
    values: dict[str, Any] = {"in_flight": in_flight, "renewed_at": database.utc_now()}
    if progressed:
        values["deaths"] = 0  # senders that die for reasons of their own must not cost this group its turn
    return spans.affected(session, sa.update(Span).where(*where).values(**values)) == 1


def _write_late(session: Session, batch: SpanBatch) -> None:
    taken = batch.taken
    locked = sa.select(Span).where(col(Span.id) == taken.span_id).with_for_update()
    span = session.execute(locked.execution_options(populate_existing=True)).scalars().one()
    _write_rows(session, taken, [outcome for outcome in batch.outcomes if outcome.state in FINAL])
    span.counts, _ = spans.recounted(session, taken)
    session.add(span)
    session.flush()


def _write_rows(session: Session, taken: Take, outcomes: list[Recorded]) -> None:
    if not outcomes:
        return
    now = database.now(session) if any(outcome.wait for outcome in outcomes) else None
    session.connection().execute(
        _row_statement(),
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


def _row_statement() -> sa.Update:
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
