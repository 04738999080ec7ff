"""The end of a run: closed when every row has ended, and never before. Cancelled ones are swept in chunks.

One that is paused for a refusal of many readers waits for somebody also when no row is left: resuming tries those refused again.
"""

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import choosing, missing, suppressing
from service.editions.models import Edition, State
from service.events import log
from service.ledger import fanout, progress, tallies
from service.ledger.models import OPEN, Delivery, DeliveryState, Run, Span, Stopped
from service.ledger.progress import Progress

SWEEP_SPANS = 20


def close_ended(session: Session, *, pepper: str, now: datetime) -> list[int]:
    """Close every run that is fanned out and has no span left to do; returns their editions."""
    left = sa.select(sa.literal(1)).where(
        col(Span.edition_id) == col(Run.edition_id), col(Span.due_at).is_not(None)
    )
    query = select(Run).where(
        col(Run.ended_at).is_(None),
        col(Run.is_fanned_out).is_(True),
        col(Run.reopening).is_(None),
        ~left.exists(),
        ~_waits_to_try_again(),
    )
    runs = session.exec(query.order_by(col(Run.edition_id)).with_for_update(skip_locked=True)).all()
    for run in runs:
        _close(session, run, pepper=pepper, now=now)
    return [run.edition_id for run in runs]


def _waits_to_try_again() -> sa.ColumnElement[bool]:
    is_stopped = col(Run.stopped).in_((Stopped.PAUSED.value, Stopped.RESTORED.value))
    return sa.func.coalesce(is_stopped, sa.false()) & col(Run.wave).is_not(None)


def has_work(session: Session) -> bool:
    """Whether any run is still open: only then is a tick worth a write."""
    query = sa.select(col(Run.edition_id)).where(col(Run.ended_at).is_(None)).limit(1)
    return session.execute(query).first() is not None


def sweep_cancelled(session: Session) -> int:
    """End rows of cancelled runs whose spans nobody holds; what was in flight is held, for it may arrive."""
    now = database.now(session)
    query = (
        select(Span)
        .join(Run, col(Run.edition_id) == col(Span.edition_id))
        .where(
            col(Run.ended_at).is_(None),
            col(Run.stopped) == Stopped.CANCELLED.value,
            col(Span.due_at).is_not(None),
            choosing.is_free(col(Span.renewed_at), now),
        )
        .order_by(col(Span.id))
        .limit(SWEEP_SPANS)
        .with_for_update(of=Span, skip_locked=True)
    )
    swept = session.exec(query.execution_options(populate_existing=True)).all()
    for span in swept:
        span.epoch = secrets.randbits(63)
        _end_rows(session, span)
        span.due_at = span.renewed_at = span.holder = None
        span.in_flight = []
        tallies.write(session, span)
        session.add(span)
    return len(swept)


def _end_rows(session: Session, span: Span) -> None:
    still_open = (
        *tallies.in_span(span.edition_id, span.first, span.last),
        col(Delivery.state).in_(OPEN),
    )
    in_flight = select(Delivery).where(*still_open, col(Delivery.number).in_(span.in_flight))
    for delivery in session.exec(in_flight):
        delivery.state, delivery.pins = DeliveryState.UNCERTAIN, delivery.pins or span.pins
        delivery.attempts += 1
        delivery.uncertain_count += 1
        session.add(delivery)
    session.flush()
    unclear = col(Delivery.uncertain_count) > 0
    for which, state, reply in (
        (
            (*still_open, unclear),
            DeliveryState.HELD,
            "Cancelled while it was being handed over: it may have arrived.",
        ),
        (still_open, DeliveryState.CANCELLED, fanout.BEFORE_THEIR_TURN),
    ):
        session.execute(
            sa.update(Delivery)
            .where(*which)
            .values(state=state, reply=reply, due_at=None, at=database.utc_now()),
            execution_options={"synchronize_session": False},
        )


def _close(session: Session, run: Run, *, pepper: str, now: datetime) -> None:
    run.ended_at = database.now(session)
    session.add(run)
    edition = session.get_one(Edition, run.edition_id)
    found = progress.of(session, run.edition_id)
    edition.ended_at = run.ended_at
    suppressed = suppressing.suppress_dead(session, run, accepted=found.accepted, pepper=pepper, now=now)
    if edition.state is not State.CANCELLED:
        edition.state = State.SENT
        edition.stop_reason = None
        edition.missing_count = _missing(session, run.edition_id, found)
    session.add(edition)
    log.record(
        session,
        "edition.cancelled" if edition.state is State.CANCELLED else "edition.sent",
        actor="the sender",
        now=now,
        subject=("edition", edition.uid),
        facts={**{state.value: count for state, count in found.counts.items()}, "suppressed": suppressed},
    )


def _missing(session: Session, edition_id: int, found: Progress) -> int:
    is_complete = not any(found.counts.get(state) for state in missing.WITHOUT)
    return 0 if is_complete else missing.count(session, edition_id)
