"""When an edition leaves: what an editor means by a time, and the planning of it."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from service.editions import composition, queries, recurrence
from service.editions.models import Edition, State
from service.errors import Conflict, Invalid
from service.events import log

PAST_ALLOWANCE = timedelta(minutes=1)  # for the way from the form to us
FURTHEST = timedelta(days=366)
# RFC 3339 §5.6; seconds and the offset may be left out, a letter may be small, a blank may stand for the T.
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.\d{1,9})?)?\s?([Zz]|[+-]\d\d:\d\d)?\Z", re.ASCII
)


class MomentInvalid(Invalid):
    """This is no time. Write it as 2026-07-01T06:00, with an offset such as +02:00 if it is not the newsletter's own time."""


class MomentPast(Invalid):
    """This time has passed."""


class NotPlannable(Conflict):
    """This edition cannot be scheduled."""


def read_moment(text: str, zone: str) -> datetime:
    """A moment in UTC. Without an offset the newsletter's zone is meant, whatever zone the server is in."""
    match = _MOMENT.match(text.strip())
    if match is None:
        raise MomentInvalid(field="at")
    day, clock, seconds, offset = match.groups()
    try:
        wall = datetime.fromisoformat(f"{day}T{clock}:{seconds or '00'}")
        if offset is None:
            return recurrence.moment_of(wall.date(), wall.time(), recurrence.read_zone(zone))
        written = f"{wall.isoformat()}{'+00:00' if offset in 'Zz' else offset}"
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise MomentInvalid(field="at") from error


def shown(moment: datetime, zone: str) -> str:
    """The moment on the newsletter's wall, with its offset: what is echoed wherever a time is given or planned."""
    return moment.astimezone(_zone(zone)).isoformat(timespec="minutes")


def said(moment: datetime, zone: str) -> str:
    """For sentences: `Wed 1 July 2026, 06:00 (Europe/Berlin)`."""
    local = moment.astimezone(_zone(zone))
    return f"{local:%a} {local.day} {local:%B %Y, %H:%M} ({zone})"


def schedule(session: Session, edition: Edition, at: datetime, *, now: datetime, actor: str) -> Edition:
    """Plan it, or plan it anew. It bears the date of the day it leaves on, in the newsletter's zone."""
    held = queries.lock(session, edition)
    newsletter = queries.newsletter_of(session, held)
    if held.state not in (State.DRAFT, State.SCHEDULED) or queries.is_claimed_for(session, held):
        raise NotPlannable(f"This edition cannot be scheduled: it is {_state_said(held)}.")
    _check_moment(at, now, newsletter.time_zone)
    composition.check_sendable(composition.document_of(session, held))
    day = at.astimezone(_zone(newsletter.time_zone)).date()
    composition.move(session, held, day, is_regular=True)
    held.state, held.scheduled_at, held.stop_reason = State.SCHEDULED, at, None
    session.add(held)
    session.flush()
    log.record(
        session, "edition.scheduled", actor=actor, now=now, subject=("edition", held.uid),
        facts={"at": at.isoformat(), "shown": shown(at, newsletter.time_zone)},
    )  # fmt: skip
    return held


def unschedule(session: Session, edition: Edition, *, now: datetime, actor: str) -> Edition:
    held = queries.lock(session, edition)
    if held.state is not State.SCHEDULED or queries.is_claimed_for(session, held):
        raise NotPlannable(f"There is nothing to take back: the edition is {_state_said(held)}.")
    held.state, held.scheduled_at = State.DRAFT, None
    session.add(held)
    session.flush()
    log.record(session, "edition.unscheduled", actor=actor, now=now, subject=("edition", held.uid))
    return held


def _check_moment(at: datetime, now: datetime, zone: str) -> None:
    if at < now - PAST_ALLOWANCE:
        raise MomentPast(
            f"This time has passed: {said(at, zone)}. It is now {said(now, zone)}. Choose a later time, or send now.",
            field="at",
        )
    if at > now + FURTHEST:
        raise MomentInvalid(f"{said(at, zone)} is more than a year away; check the year.", field="at")


def _state_said(edition: Edition) -> str:
    return "about to be sent" if edition.state in (State.DRAFT, State.SCHEDULED) else edition.state.value


def _zone(name: str) -> ZoneInfo:
    return recurrence.read_zone(name)
