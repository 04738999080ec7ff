"""A copy of the database was put back: what was open in it stops, for nobody knows what left since, until a person releases it.

Released, an edition goes to the readers who are still open in the copy, and to no others.
"""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import reopening, steering, wave_end
from service.editions import composition, queries
from service.editions.models import Edition, State
from service.errors import Conflict
from service.events import log
from service.ledger import progress
from service.ledger.models import Run, Stopped
from service.newsletters import publication

WHY = "the database was restored from a copy. Readers still open in it may have got the edition after the copy was made"


class NotRestored(Conflict):
    """Only an edition that was stopped because a copy of the database was put back can be released."""


@dataclass(frozen=True)
class StoppedEdition:
    """An edition that waits for a decision: how far it had come as far as the copy knows."""

    uid: uuid.UUID
    newsletter: str
    subject: str
    local_date: date
    accepted: int
    open: int


def stop_all(session: Session, *, now: datetime) -> int:
    """Stop every run that is open, also one that a person had paused: it may have been resumed since. How many."""
    is_cancelled = col(Run.stopped) == Stopped.CANCELLED.value
    query = (
        select(Run)
        .where(col(Run.ended_at).is_(None), sa.or_(col(Run.stopped).is_(None), ~is_cancelled))
        .order_by(col(Run.edition_id))
        .with_for_update()
    )
    runs = session.exec(query.execution_options(populate_existing=True)).all()
    for run in runs:
        run.turn += 1
        run.stopped, run.stop_reason = Stopped.RESTORED, WHY
        edition = session.get_one(Edition, run.edition_id)
        edition.state, edition.stop_reason = State.PAUSED, WHY
        session.add_all([run, edition])
        log.record(
            session, "edition.stopped_by_restore", actor="the restore", now=now, subject=("edition", edition.uid)
        )  # fmt: skip
    session.flush()
    return len(runs)


def waiting(session: Session) -> list[StoppedEdition]:
    query = (
        select(Edition)
        .join(Run, col(Run.edition_id) == col(Edition.id))
        .where(col(Run.stopped) == Stopped.RESTORED.value, col(Run.ended_at).is_(None))
        .order_by(col(Edition.id))
    )
    return [_waiting(session, edition) for edition in session.exec(query)]


def release(session: Session, edition_uid: uuid.UUID, *, now: datetime, actor: str) -> Edition:
    """Send it to those who are open. Raises NotRestored, and AfterTheNext rather than send it behind the newer one."""
    edition = queries.get(session, edition_uid)
    locked = select(Run).where(Run.edition_id == edition.id).with_for_update()
    run = session.exec(locked.execution_options(populate_existing=True)).first()
    session.refresh(edition)
    if run is None or run.stopped != Stopped.RESTORED or run.ended_at is not None:
        raise NotRestored
    reopening.check_not_followed(session, edition)
    moment = database.now(session)
    if run.give_up_at <= moment:
        run.give_up_at = reopening.until(session, run.newsletter_id, moment)
    run.turn += 1
    run.stopped = run.stop_reason = None
    edition.state, edition.stop_reason = State.SENDING, None
    session.add_all([run, edition])
    session.flush()
    wave_end.reopen(session, edition.id)
    steering.recorded(session, edition, "edition.released", actor=actor, now=now)
    return edition


def _waiting(session: Session, edition: Edition) -> StoppedEdition:
    figures = progress.of(session, edition.id)
    return StoppedEdition(
        uid=edition.uid,
        newsletter=publication.get_by_id(session, edition.newsletter_id).name,
        subject=composition.document_of(session, edition).subject,
        local_date=edition.local_date,
        accepted=figures.accepted,
        open=figures.open,
    )
