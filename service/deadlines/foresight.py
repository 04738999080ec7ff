"""Half a day before something leaves by itself: does the relay's quota leave enough for its readers? Said once,
while somebody may be awake.

Whoever sends or plans by hand is told on the page, by the API and by the command; nobody stands before a timetable.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import logs
from service.database import Database
from service.delivery import quota
from service.editions import queries, timing
from service.editions.models import Cadence, Edition, State
from service.events import log as events
from service.events.models import Event
from service.ledger import alarms
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.subscribers import audience

log = logs.get(__name__)

AHEAD = timedelta(hours=12)
EVENT = "quota.too_small"
ACTOR = "clock"


@dataclass(frozen=True)
class Shortage:
    """`said`: how much is left, and how many readers have to wait."""

    newsletter_id: int
    local_date: date
    slot: int
    due_at: datetime
    said: str

    @property
    def facts(self) -> dict[str, str | int]:
        return {"date": self.local_date.isoformat(), "slot": self.slot}


async def watch(database: Database, now: datetime) -> None:
    for shortage in await database.read(shortages, now):
        await database.write(say, shortage, now=now)


def shortages(session: Session, now: datetime) -> list[Shortage]:
    """Those of which nothing was said yet. Asking costs no write, and where the relay in use has no quota of the day next to nothing.

    Only of what a day leaves: who allows less an hour than there are readers has chosen that they get it in the hours after.
    """
    if not quota.has_daily(session):
        return []
    found, before = list[Shortage](), 0
    for newsletter_id, local_date, slot, due_at in _due(session, now, now + AHEAD):
        readers = audience.count(session, newsletter_id)
        said = quota.said_of_day(session, before + readers, at=due_at)
        before += readers
        if said is not None:
            found.append(Shortage(newsletter_id, local_date, slot, due_at, said))
    return [one for one in found if not _was_said(session, one, now)]


def say(session: Session, shortage: Shortage, *, now: datetime) -> bool:
    """False: another process has just said it."""
    session.exec(queries.lock_newsletter(shortage.newsletter_id)).one()
    if _was_said(session, shortage, now):
        return False
    newsletter = publication.get_by_id(session, shortage.newsletter_id)
    when = timing.said(shortage.due_at, newsletter.time_zone)
    subject = ("newsletter", newsletter.uid)
    events.record(session, EVENT, actor=ACTOR, now=now, subject=subject, facts=shortage.facts)
    alarms.ring(
        session,
        newsletter,
        subject=f"{newsletter.name}: the relay's quota is too small for the next edition",
        text=f"It is due on {when}. {shortage.said}\n\nAsk the provider for more, or make another relay the main one before.",
        path="/desk/relays",
        now=now,
    )
    log.warning(EVENT, newsletter=newsletter.slug, date=shortage.facts["date"], slot=shortage.slot)
    return True


def _due(session: Session, now: datetime, until: datetime) -> list[tuple[int, date, int, datetime]]:
    """In the order in which they leave. A slot of the timetable that has its edition leaves when that one does, if it is still to leave."""
    slots = {
        (one.newsletter_id, one.next_date, one.slot): one.next_run_at
        for one in session.exec(select(Cadence).where(col(Cadence.next_run_at).between(now, until)))
        if queries.occurrence(session, one.newsletter_id, one.next_date, one.slot) is None
    }
    for place in list(slots):
        edition = queries.find_by_date(session, *place)
        if edition is not None and edition.state not in (State.DRAFT, State.SCHEDULED):
            del slots[place]
        elif edition is not None and edition.scheduled_at is not None:
            slots[place] = edition.scheduled_at
    planned = col(Edition.scheduled_at).between(now, until)
    for edition in session.exec(select(Edition).where(Edition.state == State.SCHEDULED, planned)):
        if edition.scheduled_at is not None:
            slots[(edition.newsletter_id, edition.local_date, edition.slot)] = edition.scheduled_at
    found = [(*place, due_at) for place, due_at in slots.items() if now <= due_at <= until]
    return sorted(found, key=lambda one: (one[3], one[:3]))


def _was_said(session: Session, shortage: Shortage, now: datetime) -> bool:
    uid = sa.select(col(Newsletter.uid)).where(col(Newsletter.id) == shortage.newsletter_id).scalar_subquery()
    said = sa.select(col(Event.facts)).where(
        col(Event.subject) == "newsletter",
        col(Event.subject_uid) == uid,
        col(Event.name) == EVENT,
        col(Event.at) > now - 4 * AHEAD,
    )
    return shortage.facts in list(session.execute(said).scalars())
