"""What becomes of a slot, written once: an edition, skipped or missed. Whoever writes the row first has decided.

All of it happens under a lock on the newsletter's row, so that two ticks, two workers or a send by API cannot run a slot twice.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from service import logs
from service.editions import queries, timing
from service.editions.models import Edition, Fate, Occurrence, State
from service.events import log as events
from service.ledger import alarms
from service.newsletters.models import Newsletter

log = logs.get(__name__)

REASON_CHARACTERS = 500
NEVER_BEGAN = "It could not be started in time."


@dataclass(frozen=True)
class Due:
    """A newsletter's slot on a local date, and when it was due."""

    newsletter: Newsletter
    local_date: date
    slot: int
    at: datetime

    def is_too_late(self, now: datetime) -> bool:
        return now - self.at > timedelta(minutes=self.newsletter.lateness_minutes)


def of(newsletter: Newsletter, edition: Edition, at: datetime) -> Due:
    return Due(newsletter, edition.local_date, edition.slot, at)


def claim(session: Session, due: Due, edition: Edition, now: datetime) -> bool:
    """Give the slot to this edition, now and by us; one that was skipped or missed may be given after all.

    False: it has been given away already, to another edition or by somebody else to this one.
    """
    present = queries.occurrence(session, due.newsletter.id, due.local_date, due.slot)
    if present is None:
        return _insert(session, due, Fate.EDITION, "", now, edition)
    if present.fate is Fate.EDITION:
        return False
    present.fate, present.edition_id, present.reason = Fate.EDITION, edition.id, ""
    present.due_at, present.at = due.at, now
    session.add(present)
    session.flush()
    return True


def skip(session: Session, due: Due, reason: str, now: datetime, edition: Edition | None = None) -> None:
    if _insert(session, due, Fate.SKIPPED, reason, now, edition):
        _record(session, due, "occurrence.skipped", reason, now)


def miss(session: Session, due: Due, reason: str, now: datetime, edition: Edition | None = None) -> bool:
    """Nothing leaves, and a person has to decide: the edition is a draft again and says why."""
    if edition is not None:
        edition.state, edition.scheduled_at = State.DRAFT, None
        edition.stop_reason = f"Missed: {reason}"[:REASON_CHARACTERS]
        session.add(edition)
        session.flush()
    is_first = _insert(session, due, Fate.MISSED, reason, now, edition)
    if is_first:
        _record(session, due, "occurrence.missed", reason, now)
    return is_first


def give_up(
    session: Session,
    occurrence: Occurrence,
    due: Due,
    edition: Edition,
    now: datetime,
    *,
    reason: str = NEVER_BEGAN,
) -> None:
    """Take the slot back from an edition that was to leave and never began to."""
    session.delete(occurrence)
    session.flush()
    miss(session, due, reason, now, edition)


def _insert(
    session: Session, due: Due, fate: Fate, reason: str, now: datetime, edition: Edition | None
) -> bool:
    row = Occurrence(
        newsletter_id=due.newsletter.id,
        local_date=due.local_date,
        slot=due.slot,
        due_at=due.at,
        fate=fate,
        edition_id=edition.id if edition is not None else None,
        reason=reason[:REASON_CHARACTERS],
        at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def ring(session: Session, due: Due, reason: str, now: datetime) -> None:
    when = timing.said(due.at, due.newsletter.time_zone)
    alarms.ring(
        session,
        due.newsletter,
        subject=f"{due.newsletter.name}: the edition of {due.local_date.isoformat()} was not sent",
        text=f"It was due on {when}. {reason}\n\nNothing has been sent. Send it now, or leave it at that.",
        path="/desk",
        now=now,
    )


def _record(session: Session, due: Due, name: str, reason: str, now: datetime) -> None:
    facts = {"date": due.local_date.isoformat(), "slot": due.slot, "reason": reason}
    subject = ("newsletter", due.newsletter.uid)
    events.record(session, name, actor="clock", now=now, subject=subject, facts=facts)
    log.warning(name, newsletter=due.newsletter.slug, date=facts["date"], slot=due.slot, reason=reason)
