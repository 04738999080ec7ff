"""The end of a run: closed when every row has ended, and never before. Cancelled ones are swept in chunks.

At the end, addresses that the relay called dead are suppressed, unless so many were that the fault is more likely ours.
"""

import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import outcome, spans
from service.editions.models import Edition, State
from service.events import log
from service.ledger import progress, tallies
from service.ledger.models import OPEN, Delivery, DeliveryState, Run, Span, Stopped
from service.subscribers.models import Subscriber
from service.suppressions import register
from service.suppressions.models import Reason

SWEEP_SPANS = 20
TRUSTED_REFUSALS = 19  # so many are believed in any case; from 20 on their share decides
TRUSTED_SHARE = 0.05


def close_ended(session: Session, *, pepper: str, now: datetime) -> list[int]:
    """Close every run that is fanned out and has no span left to do; returns their editions."""
    left = sa.select(sa.literal(1)).where(
        col(Span.edition_id) == col(Run.edition_id), col(Span.due_at).is_not(None)
    )
    query = select(Run).where(col(Run.ended_at).is_(None), col(Run.is_fanned_out).is_(True), ~left.exists())
    runs = session.exec(query.order_by(col(Run.edition_id)).with_for_update(skip_locked=True)).all()
    for run in runs:
        _close(session, run, pepper=pepper, now=now)
    return [run.edition_id for run in runs]


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
            sa.or_(col(Span.renewed_at).is_(None), col(Span.renewed_at) < now - spans.STALE),
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
    unclear = sa.or_(col(Delivery.number).in_(span.in_flight), col(Delivery.uncertain_count) > 0)
    for which, state, reply in (
        (
            (*still_open, unclear),
            DeliveryState.HELD,
            "Cancelled while it was being handed over: it may have arrived.",
        ),
        (still_open, DeliveryState.CANCELLED, "The edition was cancelled before this reader's turn."),
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
    edition.missing_count = found.missing
    edition.ended_at = run.ended_at
    if run.stopped != Stopped.CANCELLED.value:
        edition.state = State.SENT
        edition.stop_reason = None
    session.add(edition)
    suppressed = _suppress_dead(session, run.edition_id, found.audience, pepper=pepper, now=now)
    log.record(
        session,
        "edition.cancelled" if edition.state is State.CANCELLED else "edition.sent",
        actor="the sender",
        now=now,
        subject=("edition", edition.uid),
        facts={**{state.value: count for state, count in found.counts.items()}, "suppressed": suppressed},
    )


def _suppress_dead(session: Session, edition_id: int, audience: int, *, pepper: str, now: datetime) -> int:
    query = (
        sa.select(col(Subscriber.address), col(Delivery.reply))
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.state) == DeliveryState.REFUSED)
    )
    dead = [
        (address, reply)
        for address, reply in session.execute(query)
        if outcome.of_recorded(reply or "").is_permanent
    ]
    if len(dead) > max(TRUSTED_REFUSALS, audience * TRUSTED_SHARE):
        return 0
    for address, reply in dead:
        cause = register.Cause(Reason.BOUNCE, "smtp", reply)
        register.suppress(session, address, cause, pepper=pepper, now=now)
    return len(dead)
