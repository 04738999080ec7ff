"""From an audience to rows: chunk by chunk, each with its span, each in one transaction.

    lock the run -> insert the rows -> insert the span, due now -> move the cursor

The first chunk is small, so that the first message leaves while the rest is still being written. Whoever finds a fan-out that
nobody carries on carries it on: the cursor says where.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.ledger.models import Delivery, DeliveryState, Lane, Run, Span

FIRST_CHUNK_ROWS = 50
SPAN_ROWS_LEAST = 50
SPAN_ROWS_MOST = 5_000
SPANS_PER_RUN = 200

Audience = Callable[[Session, int, datetime], sa.Select[Any]]


@dataclass(frozen=True)
class NewRun:
    edition_id: int
    newsletter_id: int
    expected_readers: int
    give_up_at: datetime
    holds_uncertain: bool
    lane: Lane = Lane.SCHEDULED


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
    session.add(run)
    session.flush()
    return run


def unfinished(session: Session) -> list[int]:
    """Editions whose fan-out is not done and not stopped."""
    query = sa.select(col(Run.edition_id)).where(
        col(Run.is_fanned_out).is_(False), col(Run.stopped).is_(None), col(Run.ended_at).is_(None)
    )
    return list(session.execute(query).scalars())


def carry_on(session: Session, edition_id: int, audience: Audience) -> int | None:
    """Write the next chunk. Returns its span's id; None when there is nothing to do or somebody else is at it."""
    query = sa.select(Run).where(col(Run.edition_id) == edition_id).with_for_update(skip_locked=True)
    run = session.execute(query).scalar_one_or_none()
    if run is None or run.is_fanned_out or run.stopped is not None or run.ended_at is not None:
        return None
    wanted = run.span_size if run.last_number else min(FIRST_CHUNK_ROWS, run.span_size)
    written, last_subscriber = _insert_rows(session, run, audience, wanted)
    run.is_fanned_out = written < wanted
    run.fanned_at = database.now(session)
    if not written:
        return None
    span = Span(
        edition_id=edition_id,
        first=run.last_number + 1,
        last=run.last_number + written + 1,
        lane=run.lane,
        due_at=run.fanned_at,
        counts={DeliveryState.QUEUED.value: written},
    )
    session.add(span)
    run.last_number += written
    run.cursor = last_subscriber
    session.flush()
    return span.id


def _insert_rows(session: Session, run: Run, audience: Audience, wanted: int) -> tuple[int, int]:
    everybody = audience(session, run.newsletter_id, run.cutoff_at).subquery()
    chunk = (
        sa.select(everybody)
        .where(everybody.c.subscriber_id > run.cursor, everybody.c.person_id > run.cursor)
        .order_by(everybody.c.subscriber_id)
        .limit(wanted)
        .subquery()
    )
    number = sa.literal(run.last_number) + sa.func.row_number().over(order_by=chunk.c.subscriber_id)
    session.execute(
        sa.insert(Delivery).from_select(
            [
                "edition_id", "number", "subscriber_id", "subscription_id", "address", "fields",
                "state", "attempts", "attempts_before", "uncertain_count",
            ],
            sa.select(
                sa.literal(run.edition_id), number, chunk.c.subscriber_id, chunk.c.subscription_id,
                chunk.c.address, chunk.c.fields,
                sa.literal(DeliveryState.QUEUED.value), sa.literal(0), sa.literal(0), sa.literal(0),
            ),
            include_defaults=False,
        )
    )  # fmt: skip
    found = session.execute(
        sa.select(sa.func.count(), sa.func.max(col(Delivery.subscriber_id))).where(
            col(Delivery.edition_id) == run.edition_id, col(Delivery.number) > run.last_number
        )
    ).one()
    return int(found[0]), int(found[1] or run.cursor)
