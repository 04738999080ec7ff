"""In time or not: at least 99 % of those whom an edition was to reach, accepted by the relay by the deadline.

Decided from the spans' own counts as soon as they suffice; once the deadline has passed, to the row. Whoever left or was suppressed
before their turn was not to get it. An edition without readers is not in time: nobody got anything, and that is no good news.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database, logs
from service.deadlines.models import Deadline, Ping
from service.editions import queries
from service.editions.models import Edition, Fate, Occurrence, State
from service.events import log as events
from service.ledger import tallies
from service.ledger.models import Delivery, DeliveryState, Run, Span
from service.newsletters import publication
from service.newsletters.models import Newsletter

log = logs.get(__name__)

ENOUGH_PER_HUNDRED = 99
LOOKED_BACK = timedelta(days=1)
PING_UNTIL = timedelta(
    minutes=15
)  # after the deadline; later, the watcher has rung already, and a call would confuse
TOO_LATE = "Nobody was at work to call in time."


@dataclass(frozen=True)
class Verdict:
    edition_id: int
    newsletter_id: int
    due_at: datetime
    is_met: bool
    readers: int
    in_time: int


@dataclass(frozen=True)
class _Asked:
    run: Run
    due_at: datetime


@dataclass(frozen=True)
class Standing:
    """`verdict` is None while it is open."""

    due_at: datetime
    verdict: Deadline | None


def of(session: Session, edition: Edition) -> Standing | None:
    """An edition's deadline: so many minutes after its slot, or after it was sent by hand. None while it has no slot."""
    verdict = session.get(Deadline, edition.id)
    if verdict is not None:
        return Standing(verdict.due_at, verdict)
    occurrence = queries.occurrence(session, edition.newsletter_id, edition.local_date, edition.slot)
    if occurrence is None or occurrence.edition_id != edition.id:
        return None
    newsletter = queries.newsletter_of(session, edition)
    return Standing(occurrence.due_at + publication.handed_over_within(newsletter), None)


def latest(session: Session, newsletter_id: int) -> Deadline | None:
    query = select(Deadline).where(Deadline.newsletter_id == newsletter_id)
    return session.exec(query.order_by(col(Deadline.due_at).desc()).limit(1)).first()


def ready(session: Session) -> list[Verdict]:
    """Those that can be given now and have not been. Reads only, so a tick costs no write while nothing is decided."""
    now = database.now(session)
    found = (_decided(session, asked, now) for asked in _open(session, now))
    return [verdict for verdict in found if verdict is not None]


def give(session: Session, verdict: Verdict) -> Deadline | None:
    """Write it down and, if it is good, queue the call. None if another process was faster."""
    locked = sa.select(col(Run.edition_id)).where(col(Run.edition_id) == verdict.edition_id).with_for_update()
    session.execute(locked)
    if session.get(Deadline, verdict.edition_id) is not None:
        return None
    now = database.now(session)
    newsletter = publication.get_by_id(session, verdict.newsletter_id)
    is_called = verdict.is_met and publication.ping_url(newsletter) is not None
    row = Deadline(
        edition_id=verdict.edition_id,
        newsletter_id=verdict.newsletter_id,
        due_at=verdict.due_at,
        is_met=verdict.is_met,
        readers=verdict.readers,
        in_time=verdict.in_time,
        decided_at=now,
    )
    if is_called:
        has_rung = is_too_late(verdict.due_at, now)
        row.ping = Ping.FAILED if has_rung else Ping.QUEUED
        row.ping_due_at = None if has_rung else now
        row.ping_problem = TOO_LATE if has_rung else None
    session.add(row)
    _record(session, verdict, now)
    session.flush()
    return row


def is_too_late(due_at: datetime, now: datetime) -> bool:
    """To call: the watcher has rung by itself."""
    return now > due_at + PING_UNTIL


def _record(session: Session, verdict: Verdict, now: datetime) -> None:
    edition = queries.get_by_id(session, verdict.edition_id)
    facts = {
        "deadline": verdict.due_at.isoformat(),
        "readers": verdict.readers,
        "in_time": verdict.in_time,
    }
    name = "edition.in_time" if verdict.is_met else "edition.late"
    events.record(session, name, actor="the sender", now=now, subject=("edition", edition.uid), facts=facts)
    say = log.info if verdict.is_met else log.warning
    say(name, edition=str(edition.uid), **facts)


def _open(session: Session, now: datetime) -> Iterator[_Asked]:
    """Runs under way or just ended, with a slot and without a verdict; what a person called off is neither in time nor late."""
    query = (
        select(Run, Newsletter, Occurrence.due_at)
        .join(Edition, col(Edition.id) == Run.edition_id)
        .join(Newsletter, col(Newsletter.id) == Run.newsletter_id)
        .join(
            Occurrence,
            sa.and_(
                col(Occurrence.newsletter_id) == Edition.newsletter_id,
                col(Occurrence.local_date) == Edition.local_date,
                col(Occurrence.slot) == Edition.slot,
                col(Occurrence.fate) == Fate.EDITION,
                col(Occurrence.edition_id) == Edition.id,
            ),
        )
        .join(Deadline, col(Deadline.edition_id) == Run.edition_id, isouter=True)
        .where(
            sa.or_(col(Run.ended_at).is_(None), col(Run.ended_at) > now - LOOKED_BACK),
            col(Deadline.edition_id).is_(None),
            col(Edition.state) != State.CANCELLED,
        )
    )
    for run, newsletter, due_at in session.exec(query).all():
        yield _Asked(run, due_at + publication.handed_over_within(newsletter))


def _decided(session: Session, asked: _Asked, now: datetime) -> Verdict | None:
    run = asked.run
    if now <= asked.due_at:
        readers, accepted = _kept_counts(session, run.edition_id)
        return (
            _verdict(asked, readers, accepted)
            if run.is_fanned_out and _is_enough(readers, accepted)
            else None
        )
    readers, accepted = _counts_by(session, run.edition_id, asked.due_at)
    if not run.is_fanned_out:
        accepted = min(accepted, readers - 1)  # the audience is not complete, so it cannot have it
    return _verdict(asked, readers, accepted)


def _verdict(asked: _Asked, readers: int, accepted: int) -> Verdict:
    run = asked.run
    is_met = run.is_fanned_out and _is_enough(readers, accepted)
    return Verdict(run.edition_id, run.newsletter_id, asked.due_at, is_met, readers, accepted)


def _is_enough(readers: int, accepted: int) -> bool:
    return readers > 0 and 100 * accepted >= ENOUGH_PER_HUNDRED * readers


def _kept_counts(session: Session, edition_id: int) -> tuple[int, int]:
    """What the spans keep of themselves: behind by what their holders have just done, never ahead of it."""
    counts: Counter[str] = Counter()
    for kept in session.execute(
        sa.select(col(Span.counts)).where(col(Span.edition_id) == edition_id)
    ).scalars():
        counts.update(kept)
    return _readers(counts), counts[DeliveryState.ACCEPTED]


def _counts_by(session: Session, edition_id: int, deadline: datetime) -> tuple[int, int]:
    """Accepted by then. A span that ended before is taken at its word; the rows of the others are counted by their key."""
    query = sa.select(
        col(Span.first), col(Span.last), col(Span.renewed_at), col(Span.counts), col(Span.last_accepted_at)
    ).where(col(Span.edition_id) == edition_id)
    readers = accepted = 0
    for first, last, renewed_at, kept, last_at in session.execute(query).all():
        is_settled = renewed_at is None and (last_at is None or last_at <= deadline)
        counts = Counter(kept if is_settled else tallies.of(session, edition_id, first, last).counts)
        readers += _readers(counts)
        if is_settled:
            accepted += counts[DeliveryState.ACCEPTED]
            continue
        by_then = sa.select(sa.func.count()).where(
            *tallies.in_span(edition_id, first, last),
            col(Delivery.state) == DeliveryState.ACCEPTED,
            col(Delivery.at) <= deadline,
        )
        accepted += int(session.execute(by_then).scalar_one())
    return readers, accepted


def _readers(counts: Counter[str]) -> int:
    return counts.total() - counts[DeliveryState.SKIPPED]
