"""The one row that says how far the database has come and whether sending is on hold."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.backups.marker import Marker
from service.backups.models import ONLY, Continuity
from service.errors import Conflict
from service.events import log


class NotHeld(Conflict):
    """Sending is not on hold; there is nothing to release. An edition that was stopped is released on its own page."""


@dataclass(frozen=True)
class Hold:
    """Nothing leaves until a person has decided. `copy_of`: the last moment that the database knows, None if that is unknown."""

    since: datetime
    reason: str
    copy_of: datetime | None


def row(session: Session) -> Continuity:
    return session.get_one(Continuity, ONLY)


def locked(session: Session) -> Continuity:
    query = select(Continuity).where(col(Continuity.id) == ONLY).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def hold(session: Session) -> Hold | None:
    found = session.execute(
        sa.select(col(Continuity.held_since), col(Continuity.hold_reason), col(Continuity.copy_of)).where(
            col(Continuity.id) == ONLY, col(Continuity.held_since).is_not(None)
        )
    ).first()
    return Hold(found.held_since, found.hold_reason or "", found.copy_of) if found is not None else None


def beat(session: Session, secrets: Mapping[str, str]) -> Marker:
    """One step further; what has to be remembered outside once this is committed."""
    one = locked(session)
    one.generation += 1
    one.beaten_at = database.now(session)
    one.secrets = dict(secrets)
    session.add(one)
    return Marker(one.lineage, one.generation)


def copying(session: Session, secrets: Mapping[str, str]) -> datetime:
    """Said before a copy is made, so that the copy knows when that was."""
    one = locked(session)
    one.copied_at = database.now(session)
    one.secrets = dict(secrets)
    session.add(one)
    return one.copied_at


def last_known(one: Continuity) -> datetime | None:
    return max((at for at in (one.beaten_at, one.copied_at) if at is not None), default=None)


def begin_hold(session: Session, one: Continuity, reason: str) -> Hold:
    """Of a copy: from here on it goes its own way, so it gets a lineage of its own."""
    copy_of = one.copy_of if one.held_since is not None else last_known(one)
    one.held_since, one.hold_reason, one.copy_of = database.now(session), reason, copy_of
    one.forebears = [*one.forebears, str(one.lineage)]
    one.lineage = uuid.uuid4()
    one.generation += 1
    session.add(one)
    session.flush()
    return Hold(one.held_since, reason, copy_of)


def release(session: Session, *, now: datetime, actor: str) -> None:
    """Go on sending: what is due from now on, and notices. Editions that were stopped stay stopped, each for a decision of its own."""
    one = locked(session)
    if one.held_since is None:
        raise NotHeld
    one.held_since = one.hold_reason = None
    session.add(one)
    log.record(session, "service.released", actor=actor, now=now)
