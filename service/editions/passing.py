"""What came due while nobody can know whether it left: every such slot is missed, until a person decides otherwise."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from service.editions import occurrences, queries, recurrence, rhythm, slots
from service.editions.models import Fate, Occurrence, State
from service.editions.slots import Due
from service.newsletters.models import Newsletter

REASON = (
    "It came due between a copy of the database and the moment it was put back; it may have been sent then."
)


@dataclass(frozen=True)
class Passed:
    newsletter: str
    local_date: date
    due_at: datetime


def miss_all_due(session: Session, now: datetime) -> None:
    """Every slot and every planned edition that is due by now, and those given to an edition that never began."""
    for cadence in queries.cadences_due(session, now):
        session.exec(queries.lock_newsletter(cadence.newsletter_id)).one()
        newsletter = session.get_one(Newsletter, cadence.newsletter_id)
        passed = occurrences.passed(newsletter, cadence, now)
        cadence.next_date, cadence.next_run_at = recurrence.next_run(rhythm.rule_of(cadence), now)
        session.add(cadence)
        session.flush()
        for slot in passed:
            _miss(session, slot, now)
    for edition in queries.editions_due(session, now):
        due = slots.of(queries.newsletter_of(session, edition), edition, edition.scheduled_at or now)
        slots.miss(session, due, REASON, now, edition)
    for occurrence, edition in queries.claims_left(session, now):
        due = slots.of(queries.newsletter_of(session, edition), edition, occurrence.due_at)
        slots.give_up(session, occurrence, due, edition, now, reason=REASON)
    session.flush()


def _miss(session: Session, slot: Due, now: datetime) -> None:
    """An edition that was given a later time of its own keeps it."""
    if queries.occurrence(session, slot.newsletter.id, slot.local_date, slot.slot) is not None:
        return
    edition = queries.find_by_date(session, slot.newsletter.id, slot.local_date, slot.slot)
    if edition is not None and edition.scheduled_at is not None and edition.scheduled_at > now:
        return
    is_waiting = edition is not None and edition.state in (State.DRAFT, State.SCHEDULED)
    slots.miss(session, slot, REASON, now, edition if is_waiting else None)


def missed(session: Session, since: datetime) -> list[Passed]:
    """Those slots, as they stand now: one that was sent after all is not among them."""
    query = (
        sa.select(col(Newsletter.name), col(Occurrence.local_date), col(Occurrence.due_at))
        .join(Newsletter, col(Newsletter.id) == col(Occurrence.newsletter_id))
        .where(
            col(Occurrence.fate) == Fate.MISSED,
            col(Occurrence.reason) == REASON,
            col(Occurrence.due_at) >= since,
        )
        .order_by(col(Occurrence.due_at), col(Newsletter.name))
    )
    return [Passed(*found) for found in session.execute(query)]
