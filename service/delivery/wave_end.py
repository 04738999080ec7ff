"""Readers refused in a wave that was our problem get another try: when the run is resumed, never before a person has looked.

Nothing was handed over to them (RFC 5321 section 4.2.1: a 5xx takes nothing), so the next attempt may carry corrected bytes.
"""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import outcome, waves
from service.ledger import tallies
from service.ledger.models import OPEN, Delivery, DeliveryState, Run, Span

CHUNK = 500


def reopen(session: Session, edition_id: int) -> int:
    """Queue them again, and forget the wave. The run is locked by the caller. Returns how many."""
    run = session.get_one(Run, edition_id, populate_existing=True)
    if run.wave is None:
        return 0
    numbers = _refused_in(session, edition_id, run.wave)
    locked = sa.select(col(Span.id)).where(col(Span.edition_id) == edition_id).order_by(col(Span.id))
    session.execute(locked.with_for_update())
    for start in range(0, len(numbers), CHUNK):
        _queue(session, edition_id, numbers[start : start + CHUNK])
    _wake(session, edition_id)
    run.wave = None
    session.add(run)
    return len(numbers)


def _refused_in(session: Session, edition_id: int, wave: str) -> list[int]:
    query = sa.select(col(Delivery.number), col(Delivery.address), col(Delivery.reply)).where(
        col(Delivery.edition_id) == edition_id,
        col(Delivery.state).in_((DeliveryState.REFUSED, DeliveryState.DEFERRED)),
    )
    return [
        number
        for number, address, reply in session.execute(query.order_by(col(Delivery.number)))
        if belongs(reply or "", address, wave)
    ]


def belongs(reply: str, address: str, wave: str) -> bool:
    """Whether a recorded reply is one of that wave."""
    if wave == waves.OF_THE_MESSAGE:
        return outcome.stops_the_edition(outcome.of_recorded(reply))
    return not reply.startswith(outcome.AGAIN) and waves.words(reply, address) == wave


def _queue(session: Session, edition_id: int, numbers: list[int]) -> None:
    """At once, also those that only wait.

    Pins go, unless a copy may have arrived in an earlier attempt: then it must stay the same message.
    """
    these = (col(Delivery.edition_id) == edition_id, col(Delivery.number).in_(numbers))
    now = database.utc_now()
    was_refused = col(Delivery.state) == DeliveryState.REFUSED
    certain = col(Delivery.uncertain_count) == 0
    changes: tuple[tuple[sa.ColumnElement[bool], dict[str, Any]], ...] = (
        (was_refused & certain, {"state": DeliveryState.QUEUED, "pins": sa.null(), "due_at": None}),
        (was_refused, {"state": DeliveryState.UNCERTAIN, "due_at": now}),
        (col(Delivery.state) == DeliveryState.DEFERRED, {"due_at": now}),
    )
    for which, values in changes:
        session.execute(
            sa.update(Delivery).where(*these, which).values(**values, at=now),
            execution_options={"synchronize_session": False},
        )


def _wake(session: Session, edition_id: int) -> None:
    """Spans with a row that may go at once are due now, also those that had ended."""
    opened = sa.select(sa.literal(1)).where(
        col(Delivery.edition_id) == edition_id,
        col(Delivery.number) >= col(Span.first),
        col(Delivery.number) < col(Span.last),
        col(Delivery.state).in_(OPEN),
        sa.or_(col(Delivery.due_at).is_(None), col(Delivery.due_at) <= database.utc_now()),
    )
    now = database.now(session)
    waking = select(Span).where(col(Span.edition_id) == edition_id, opened.exists())
    for span in session.exec(waking.order_by(col(Span.id)).execution_options(populate_existing=True)):
        span.due_at = now
        tallies.write(session, span)
        session.add(span)
