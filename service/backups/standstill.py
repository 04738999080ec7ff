"""What happens to a database that is an older copy: everything that was open stops, what came due is missed, and sending is on hold."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session

from service.backups import continuity, marker
from service.backups.continuity import Hold
from service.backups.marker import Marker
from service.backups.models import Continuity
from service.delivery import restored, spans
from service.delivery.restored import StoppedEdition
from service.editions import passing
from service.editions.passing import Passed
from service.events import log
from service.imports import register as imports
from service.workers import register

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Standstill:
    """What waits for a person: whether everything is on hold, which editions were stopped, which slots may have been sent."""

    hold: Hold | None
    stopped: tuple[StoppedEdition, ...]
    missed: tuple[Passed, ...]


def of(session: Session) -> Standstill:
    one = continuity.row(session)
    stopped = restored.waiting(session)
    is_of_interest = one.held_since is not None or stopped
    missed = passing.missed(session, one.copy_of or LONG_AGO) if is_of_interest else []
    return Standstill(continuity.hold(session), tuple(stopped), tuple(missed))


def begin(session: Session, reason: str, *, now: datetime, actor: str) -> Standstill:
    """Treat this database as an older copy."""
    return _begin(session, continuity.locked(session), reason, now=now, actor=actor)


def begin_if_older(session: Session, seen: Marker | None, *, now: datetime) -> Standstill | None:
    """Asked again under the lock: of two workers that start at once, one begins it."""
    one = continuity.locked(session)
    reason = objection_to(session, one, seen)
    return None if reason is None else _begin(session, one, reason, now=now, actor="a worker at its start")


def objection_to(session: Session, one: Continuity, seen: Marker | None) -> str | None:
    return marker.objection(seen, one, is_sqlite=session.get_bind().dialect.name == "sqlite")


def is_older(session: Session, seen: Marker | None) -> bool:
    return objection_to(session, continuity.row(session), seen) is not None


def _begin(session: Session, one: Continuity, reason: str, *, now: datetime, actor: str) -> Standstill:
    # Who was brought in, or has left since, is not known here: an older copy would bring them in once more.
    lists = imports.stop_all(session, actor=actor, now=now)
    if lists:
        reason = f"{reason.rstrip('.')}. {_lists(lists)} being brought in and stopped: send what is still wanted again"
    held = continuity.begin_hold(session, one, reason)
    stopped = restored.stop_all(session, now=now)
    spans.let_everything_go(session)
    passing.miss_all_due(session, now)
    register.end_all(session)
    copy_of = held.copy_of.isoformat() if held.copy_of is not None else None
    facts = {"reason": reason, "copy_of": copy_of, "stopped": stopped, "lists_stopped": lists}
    log.record(session, "service.held", actor=actor, now=now, facts=facts)
    return of(session)


def _lists(count: int) -> str:
    return "A list of readers was" if count == 1 else f"{count} lists of readers were"
