"""Which editions are due and have not begun, and how late the last ones were: for whoever watches. Reads only."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service.editions.models import Cadence, Edition, Fate, Occurrence, State
from service.newsletters.models import Newsletter

LOOKED_BACK = timedelta(days=8)  # a weekly's last one is among them
MISSED_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class Overdue:
    """A slot whose time has come, without an edition that began or a word about why not."""

    newsletter: str
    due_at: datetime


@dataclass(frozen=True)
class Punctuality:
    """Of one newsletter: how many seconds after its time the last edition began, and how many slots the last day missed."""

    newsletter: str
    last_began_late: float | None
    missed: int


def overdue(session: Session, before: datetime) -> list[Overdue]:
    """One for each newsletter that has any, with the time of its first. Due by `before`, and no tick has dealt with it."""
    due: dict[str, datetime] = {}
    for query in (_slots(before), _planned(before), _claimed(before)):
        for slug, due_at in session.execute(query):
            due[slug] = min(due_at, due.get(slug, due_at))
    return [Overdue(slug, due_at) for slug, due_at in sorted(due.items())]


def punctuality(session: Session, now: datetime) -> list[Punctuality]:
    since = (now - LOOKED_BACK).date()
    query = (
        sa.select(col(Newsletter.slug), col(Occurrence.due_at), col(Occurrence.fate), col(Edition.started_at))
        .select_from(Newsletter)
        .join(
            Occurrence,
            sa.and_(col(Occurrence.newsletter_id) == col(Newsletter.id), col(Occurrence.local_date) >= since),
            isouter=True,
        )
        .join(Edition, col(Edition.id) == col(Occurrence.edition_id), isouter=True)
        .order_by(col(Newsletter.slug), col(Occurrence.due_at))
    )
    late: dict[str, float | None] = {}
    missed: dict[str, int] = {}
    for slug, due_at, fate, started_at in session.execute(query):
        late.setdefault(slug, None)
        missed.setdefault(slug, 0)
        if fate is Fate.EDITION and started_at is not None:
            late[slug] = (started_at - due_at).total_seconds()
        if fate is Fate.MISSED and due_at >= now - MISSED_WITHIN:
            missed[slug] += 1
    return [Punctuality(slug, late[slug], missed[slug]) for slug in late]


def _slots(before: datetime) -> sa.Select[str, datetime]:
    return (
        sa.select(col(Newsletter.slug), col(Cadence.next_run_at))
        .join(Newsletter, col(Newsletter.id) == col(Cadence.newsletter_id))
        .where(col(Cadence.next_run_at) <= before)
    )


def _planned(before: datetime) -> sa.Select[str, datetime | None]:
    return (
        sa.select(col(Newsletter.slug), col(Edition.scheduled_at))
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(col(Edition.state) == State.SCHEDULED, col(Edition.scheduled_at) <= before)
    )


def _claimed(before: datetime) -> sa.Select[str, datetime]:
    """The slot was given to an edition, and it did not begin. Its claim is renewed with each try, so the slot's own time counts."""
    return (
        sa.select(col(Newsletter.slug), col(Occurrence.due_at))
        .select_from(Edition)
        .join(
            Occurrence,
            sa.and_(
                col(Occurrence.newsletter_id) == col(Edition.newsletter_id),
                col(Occurrence.local_date) == col(Edition.local_date),
                col(Occurrence.slot) == col(Edition.slot),
                col(Occurrence.edition_id) == col(Edition.id),
            ),
        )
        .join(Newsletter, col(Newsletter.id) == col(Edition.newsletter_id))
        .where(
            col(Edition.state).in_((State.DRAFT, State.SCHEDULED)),
            col(Occurrence.fate) == Fate.EDITION,
            col(Occurrence.due_at) <= before,
        )
    )
