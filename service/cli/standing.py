"""An edition as somebody on a shell sees it: how far it is, how late, and why it waits. What is said is what its page at the desk says."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from service import pages
from service.backups import continuity
from service.backups.continuity import Hold
from service.desk import sending_view
from service.desk.sending_view import NO_WORKER, RUNNING, SendingView
from service.editions import lateness, queries, timing
from service.editions.models import Edition, State
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.workers import present

WAITING = (State.DRAFT, State.SCHEDULED)
BEGINS_WITHIN = timedelta(minutes=1)  # as /healthz has it: a tick and a rendering take their time
CLOCK = "%H:%M:%S"


@dataclass(frozen=True)
class Seen:
    """`due_at`: when it was to begin; None while nobody has said so. `why`: what holds it up, a sentence or two each."""

    edition: Edition
    newsletter: Newsletter
    view: SendingView
    due_at: datetime | None
    late_seconds: float
    why: tuple[str, ...]

    @property
    def is_overdue(self) -> bool:
        return self.edition.state in WAITING and self.late_seconds > BEGINS_WITHIN.total_seconds()

    @property
    def is_open(self) -> bool:
        """Under way, or it should be."""
        return self.edition.state in RUNNING or self.is_overdue


@dataclass(frozen=True)
class Overview:
    """`notes`: what holds up more than one edition, or one that has not even been made."""

    editions: tuple[Seen, ...]
    notes: tuple[str, ...]


def overview(session: Session, *, now: datetime, is_open_only: bool, limit: int) -> Overview:
    """Newest made first."""
    query = select(Edition).order_by(col(Edition.id).desc())
    if is_open_only:
        query = query.where(col(Edition.state).in_((*RUNNING, State.SCHEDULED)))
    # Those that may be open are few, and all are read: the limit is not for those whose time has not come.
    query = query.limit(None if is_open_only else limit)
    found = (of(session, one.uid, now=now) for one in session.exec(query).all())
    kept = tuple(one for one in found if not is_open_only or one.is_open)
    return Overview(kept[:limit], tuple(_notes(session, now)))


def of(session: Session, edition_uid: uuid.UUID, *, now: datetime) -> Seen:
    edition = queries.get(session, edition_uid)
    newsletter = queries.newsletter_of(session, edition)
    view = sending_view.of(session, edition_uid, now=now)
    due_at = _due_at(session, edition)
    begun = edition.started_at or (now if edition.state in WAITING else None)
    late = max(0.0, (begun - due_at).total_seconds()) if begun and due_at else 0.0
    seen = Seen(edition, newsletter, view, due_at, late, ())
    hold = continuity.hold(session)
    why = tuple(_why(seen, hold, is_anybody_at_work=_is_anybody_at_work(session)))
    return Seen(edition, newsletter, view, due_at, late, why)


def facts(seen: Seen) -> dict[str, Any]:
    """For programs. `late_seconds`: how long after its time it began, or has not begun; `waits_because`: sentences for people."""
    edition, view = seen.edition, seen.view
    return {
        "edition": str(edition.uid),
        "newsletter": seen.newsletter.slug,
        "date": edition.local_date.isoformat(),
        "slot": edition.slot,
        "state": edition.state.value,
        "standing": view.standing,
        "lane": "breaking" if view.is_breaking else "scheduled",
        "readers": view.audience,
        **{part.state: part.count for part in view.parts},
        "is_fanned_out": view.is_fanned_out,
        "rate_per_second": view.rate,
        "slowed_to": view.slowed_to,
        "due_at": moment(seen.due_at),
        "late_seconds": round(seen.late_seconds),
        "started_at": moment(view.started_at),
        "ended_at": moment(view.ended_at),
        "finish_at": moment(view.finish_at),
        "deadline_at": moment(view.deadline_at),
        "is_behind": view.is_behind,
        "is_in_time": view.verdict.is_met if view.verdict else None,
        "waits_because": list(seen.why),
    }


def moment(at: datetime | None) -> str | None:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else None


def named(seen: Seen) -> str:
    number = f", number {seen.edition.slot} of the day" if seen.edition.slot > 1 else ""
    return f"{seen.newsletter.name}, {seen.edition.local_date}{number}"


def told(seen: Seen) -> Iterator[str]:
    """For people, the first line by itself says which it is and how it stands."""
    view = seen.view
    yield f"{named(seen)}: {view.standing}{', sent as breaking news' if view.is_breaking else ''}"
    if view.audience:
        parts = ", ".join(f"{part.count:,} {part.label}" for part in view.parts if part.count)
        yield f"{view.audience:,} readers{'' if view.is_fanned_out else ' so far'}: {parts}"
    if when := ". ".join(_moments(seen)):
        yield f"{when}."
    yield from seen.why


def timing_of(seen: Seen) -> str:
    """The few words of a line in a list: how late it is, and when it is done."""
    view, zone = seen.view, seen.view.zone
    if seen.edition.state in WAITING:
        if seen.is_overdue:
            return f"{_length(seen.late_seconds)} late, not begun"
        return f"leaves {pages.local(seen.due_at, zone, '%d %b %H:%M')}" if seen.due_at else "-"
    if view.verdict:
        return "in time" if view.verdict.is_met else "not in time"
    if view.finish_at:
        done = f"done at about {pages.local(view.finish_at, zone, CLOCK)}"
        return f"{done}, behind" if view.is_behind else done
    return f"began {_length(seen.late_seconds)} late" if _began_late(seen) else "-"


def _moments(seen: Seen) -> Iterator[str]:
    view, zone = seen.view, seen.view.zone
    if view.started_at:
        late = f", {_length(seen.late_seconds)} after its time" if _began_late(seen) else ""
        yield f"Started {pages.local(view.started_at, zone, CLOCK)}{late}"
    if view.state is State.SENDING and view.rate:
        yield f"{view.rate:,} messages a second"
    if view.slowed_to:
        yield f"Slowed down by hand to {view.slowed_to:,} a second"
    if view.finish_at:
        yield f"Done at about {pages.local(view.finish_at, zone, CLOCK)}"
    if view.ended_at:
        yield f"Ended {pages.local(view.ended_at, zone, CLOCK)}"
    if view.verdict:
        yield f"{'In time' if view.verdict.is_met else 'Not in time'}: {view.verdict.in_time:,} of {view.verdict.readers:,}"
    elif view.deadline_at and view.state in RUNNING:
        by = pages.local(view.deadline_at, zone, "%H:%M")
        yield f"To be handed over by {by}{', and at this pace it is not' if view.is_behind else ''}"


def _why(seen: Seen, hold: Hold | None, *, is_anybody_at_work: bool) -> Iterator[str]:
    """Nothing for an edition that is over, or whose time has not come."""
    edition, view = seen.edition, seen.view
    if view.is_final or not (edition.state in RUNNING or edition.state in WAITING):
        return
    if hold is not None:
        yield f"All sending is on hold: {hold.reason} It goes on with memo release, or at the desk."
    if edition.state in WAITING:
        yield from _why_not_begun(seen, is_anybody_at_work=is_anybody_at_work)
        return
    if edition.state is State.PAUSED:
        yield _paused(seen)
    if view.relay:
        yield view.relay
    if edition.state is State.SENDING and view.canary_until:
        rest = pages.local(view.canary_until, view.zone, CLOCK)
        yield f"The first {view.canary_readers or 0:,} readers go first. The rest follows at {rest}, unless too many are refused."
    if view.open:
        yield from view.limits


def _why_not_begun(seen: Seen, *, is_anybody_at_work: bool) -> Iterator[str]:
    if not seen.is_overdue:
        if seen.edition.state is State.DRAFT:
            yield f"A draft: nothing leaves until it is scheduled or sent. memo send {seen.edition.uid} sends it now."
        elif seen.due_at:
            yield f"It leaves at {timing.said(seen.due_at, seen.view.zone)}."
        return
    assert seen.due_at is not None
    said = timing.said(seen.due_at, seen.view.zone)
    yield f"It was due at {said} and has not begun."
    yield "A worker is at work: its log says what keeps it." if is_anybody_at_work else NO_WORKER


def _paused(seen: Seen) -> str:
    reason = (seen.view.stop_reason or "by hand").rstrip(".")
    uid = seen.edition.uid
    goes_on = f"memo release {uid}" if seen.view.is_restored else f"memo resume {uid}"
    return f"Paused: {reason}. {goes_on} lets it go on."


def _notes(session: Session, now: datetime) -> Iterator[str]:
    if hold := continuity.hold(session):
        yield f"Sending is on hold since {moment(hold.since)}. {hold.reason} See memo release."
    overdue = lateness.overdue(session, now - BEGINS_WITHIN)
    for one in overdue:
        zone = publication.get(session, one.newsletter).time_zone
        yield f"{one.newsletter}: an edition was due at {timing.said(one.due_at, zone)} and has not begun."
    if overdue and not _is_anybody_at_work(session):
        yield NO_WORKER


def _due_at(session: Session, edition: Edition) -> datetime | None:
    slot = queries.occurrence(session, edition.newsletter_id, edition.local_date, edition.slot)
    if slot is not None and slot.edition_id == edition.id:
        return slot.due_at
    return edition.scheduled_at


def _is_anybody_at_work(session: Session) -> bool:
    return any(one.is_alive for one in present.everybody(session, with_held=False))


def _began_late(seen: Seen) -> bool:
    return seen.edition.started_at is not None and seen.late_seconds > BEGINS_WITHIN.total_seconds()


def _length(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"
