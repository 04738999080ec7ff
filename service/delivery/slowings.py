"""Who asked us to slow down, as rows that every worker reads: a relay, or a provider behind it."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from service import database, logs, prepared
from service.delivery import outcome, recovery
from service.delivery.models import SlowedDown
from service.delivery.outcome import Outcome
from service.delivery.recovery import Slowing
from service.ledger.models import Delivery, DeliveryState, Span
from service.prepared import Prepared

log = logs.get(__name__)

WHOLE = ""  # the relay itself, and no provider
MEASURED = timedelta(seconds=5)


def note(session: Session, relay: str, provider: str, judged: Outcome) -> None:
    """Several reports of one request count once: what was under way hears the same."""
    now = database.now(session)
    row = _locked(session, relay, provider, now)
    before = _slowing(provider, row.begins_at, row.rate)
    if provider:
        if row.begins_at > now:
            return
        found = recovery.of_provider(judged, now)
    else:
        if now - row.begins_at < timedelta(seconds=2):
            return
        took = _took(session, now)
        if not took:
            return  # nothing to go by: its clock alone says when it is tried again
        found = recovery.of_relay(took, before, now)
    row.begins_at, row.rate, row.reason = found.begins, found.rate, outcome.as_recorded(judged)[:500]
    session.add(row)
    log.warning("relay.slowed_down", relay=relay, provider=provider or None, rate=found.rate,
                rests_until=found.begins.isoformat(), said=row.reason)  # fmt: skip


def of(session: Session, relay: str, now: datetime) -> dict[str, Slowing]:
    """What is slowed down now, by provider; `WHOLE` for the relay itself."""
    long_ago = now - recovery.PROVIDER_ALL_WELL
    rows = _SLOWED.run(session.connection(), {"the_relay": relay, "the_moment": long_ago}).fetchall()
    found = {name: _slowing(name, prepared.moment(begins), rate) for name, begins, rate in rows}
    return {name: one for name, one in found.items() if one.allowed(now) is not None}


def rows_of(session: Session, relay: str, now: datetime) -> list[SlowedDown]:
    """The same with what was said, for people."""
    found = session.exec(select(SlowedDown).where(SlowedDown.relay == relay).order_by(SlowedDown.provider))
    return [row for row in found if allowed(row, now) is not None]


def allowed(row: SlowedDown, now: datetime) -> float | None:
    return _slowing(row.provider, row.begins_at, row.rate).allowed(now)


def forget_before(session: Session, moment: datetime) -> None:
    session.execute(sa.delete(SlowedDown).where(col(SlowedDown.begins_at) < moment))


def _slowing(provider: str, begins: datetime, rate: float) -> Slowing:
    return Slowing(provider != WHOLE, begins, rate)


def _took(session: Session, now: datetime) -> float:
    """Messages a second that relays have accepted of late, from all workers."""
    # What lies further ahead is from before the clock went back.
    since, until = now - MEASURED, now + MEASURED
    accepted = (
        col(Delivery.edition_id) == col(Span.edition_id),
        col(Delivery.number) >= col(Span.first),
        col(Delivery.number) < col(Span.last),
        col(Delivery.state) == DeliveryState.ACCEPTED,
        col(Delivery.at).between(since, until),
    )
    # Asked of each span by itself: joined, a planner might read a million deliveries for a hundred spans.
    of_span = sa.select(sa.func.count()).where(*accepted).correlate(Span).scalar_subquery()
    first = sa.select(sa.func.min(col(Delivery.at))).where(*accepted).correlate(Span).scalar_subquery()
    # What was let go a moment ago counts, too: right after that a relay that took fifty seems to have taken three.
    is_of_late = sa.or_(col(Span.renewed_at).is_not(None), col(Span.last_accepted_at).between(since, until))
    counted = sa.select(sa.func.sum(of_span), sa.func.min(first)).select_from(Span).where(is_of_late)
    count, first_at = session.execute(counted).one()
    return float(count) / max(1.0, (now - first_at).total_seconds()) if first_at is not None else 0.0


def _locked(session: Session, relay: str, provider: str, now: datetime) -> SlowedDown:
    query = select(SlowedDown).where(SlowedDown.relay == relay, SlowedDown.provider == provider)
    found = session.exec(query.with_for_update()).first()
    if found is not None:
        return found
    try:
        with session.begin_nested():
            session.add(
                SlowedDown(relay=relay, provider=provider, begins_at=now - timedelta(hours=1), rate=1.0)
            )
    except IntegrityError:
        pass  # another worker has just heard it, too
    return session.exec(query.with_for_update()).one()


_SLOWED = Prepared(
    sa.select(col(SlowedDown.provider), col(SlowedDown.begins_at), col(SlowedDown.rate)).where(
        col(SlowedDown.relay) == sa.bindparam("the_relay"),
        col(SlowedDown.begins_at) > sa.bindparam("the_moment", type_=database.UtcDateTime()),
    )
)
