"""What the clock asks: which slots are due, and what becomes of each. `plan` is the one write of a tick.

    cadence due   -> the edition planned for the slot, or one made from what is new -> launch
                     nothing new -> skipped · nothing ready, or too late -> missed, and somebody is told
    edition due   -> launch · too late -> missed
    claimed, but never begun (the process died) -> launch again, until it is too late

Several processes may plan at once. Sending itself is never done here.
"""

import uuid
from collections import deque
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from service import logs
from service.editions import automatic, composition, queries, recurrence, rhythm, slots
from service.editions.models import Cadence, Edition, State
from service.editions.slots import Due
from service.errors import Conflict, MemoError
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document

log = logs.get(__name__)

LAUNCH_AGAIN_AFTER = timedelta(seconds=30)
MISSED_RECORDED = 60  # of one cadence in one go, after a long time without a process

LATE = "Its time was past by more than the newsletter allows."
NOT_READY = "No edition was ready."
STILL_A_DRAFT = "The edition was still a draft."
NOTHING_NEW = "Nothing new since the last edition."
CALLED_OFF = "The edition was cancelled."
CATCH_UP = "A later one took its place."


class CannotSendNow(Conflict):
    """This edition cannot be sent."""


@dataclass(frozen=True)
class Upcoming:
    """What leaves next, as far as is known now. An automatic edition is made at its hour, so its document is a preview."""

    due_at: datetime
    local_date: date
    slot: int
    edition: Edition | None
    is_automatic: bool
    document: Document | None


def is_anything_due(session: Session, now: datetime) -> bool:
    """Whether `plan` has something to do; asking costs no write."""
    soonest = queries.next_due_at(session)
    is_due = soonest is not None and soonest <= now
    return is_due or queries.has_claims_left(session, now - LAUNCH_AGAIN_AFTER)


def plan(session: Session, now: datetime) -> list[uuid.UUID]:
    """Decide about every slot that is due, and return the editions to launch. Doing it twice changes nothing."""
    leaving: list[Edition] = []
    for cadence in queries.cadences_due(session, now):
        leaving += _run(session, cadence, now)
    for edition in queries.editions_due(session, now):
        leaving += _leave(session, edition, now)
    for occurrence, edition in queries.claims_left(session, now - LAUNCH_AGAIN_AFTER):
        newsletter = queries.newsletter_of(session, edition)
        slot = slots.of(newsletter, edition, occurrence.due_at)
        if slot.is_too_late(now):
            slots.give_up(session, occurrence, slot, edition, now)
            slots.ring(session, slot, slots.NEVER_BEGAN, now)
        else:
            occurrence.at = now
            session.add(occurrence)
            leaving.append(edition)
    session.flush()
    return list(dict.fromkeys(edition.uid for edition in leaving))


def date_for_now(session: Session, edition_uid: uuid.UUID, now: datetime, *, is_extra: bool = False) -> bool:
    """Before an edition is rendered to leave at once: an edition bears the date of the day on which it leaves, so one that was
    begun on another day moves to a slot of this one. Whether it did.

    `is_extra`: it takes no slot that a regular edition is still to leave in, or there would be none this morning.
    """
    held = queries.lock(session, queries.get(session, edition_uid))
    newsletter = queries.newsletter_of(session, held)
    if not _is_to_be_dated(session, held, newsletter, now):
        return is_extra and _has_left_the_regular_slot(session, held)
    composition.move(session, held, composition.today(newsletter, now), is_regular=False)
    return True


def claim_for_now(session: Session, edition: Edition, now: datetime) -> Edition:
    """In the write that begins to send it: the slot is this edition's, so no tick sends it too."""
    held = queries.lock(session, edition)
    session.exec(queries.lock_newsletter(held.newsletter_id)).one()
    if held.state not in (State.DRAFT, State.SCHEDULED, State.SENDING):
        raise CannotSendNow(f"This edition cannot be sent: it is {held.state.value}.")
    if queries.is_claimed_for(session, held):
        return held
    newsletter = queries.newsletter_of(session, held)
    if not slots.claim(session, slots.of(newsletter, held, now), held, now):
        raise CannotSendNow("Another edition has been sent in this slot; make a new edition.")
    return held


def upcoming(session: Session, newsletter: Newsletter, now: datetime) -> Upcoming | None:
    """The next slot that is planned; with an edition, or with what would be in the one that is made."""
    planned = queries.next_planned(session, newsletter.id)
    cadences = queries.cadences_of(session, newsletter.id)
    soonest = min(cadences, key=lambda one: one.next_run_at, default=None)
    at = planned.scheduled_at if planned is not None else None
    if planned is not None and at is not None and (soonest is None or at <= soonest.next_run_at):
        return _upcoming(session, planned, at)
    if soonest is None:
        return None
    edition = queries.find_by_date(session, newsletter.id, soonest.next_date, soonest.slot)
    if edition is not None:
        return _upcoming(session, edition, soonest.next_run_at)
    document = automatic.compose(session, newsletter) if soonest.is_automatic else None
    return Upcoming(
        soonest.next_run_at, soonest.next_date, soonest.slot, None, soonest.is_automatic, document
    )


def _upcoming(session: Session, edition: Edition, at: datetime) -> Upcoming:
    document = composition.document_of(session, edition)
    return Upcoming(at, edition.local_date, edition.slot, edition, edition.is_automatic, document)


def _has_left_the_regular_slot(session: Session, edition: Edition) -> bool:
    is_in_it = edition.state in (State.DRAFT, State.SCHEDULED) and queries.is_kept(session, edition)
    if is_in_it and not queries.is_claimed_for(session, edition):
        composition.make_extra(session, edition)
        return True
    return False


def _is_to_be_dated(session: Session, edition: Edition, newsletter: Newsletter, now: datetime) -> bool:
    if edition.state not in (State.DRAFT, State.SCHEDULED) or queries.is_claimed_for(session, edition):
        return False
    return edition.local_date != composition.today(newsletter, now)


def _run(session: Session, cadence: Cadence, now: datetime) -> list[Edition]:
    session.exec(queries.lock_newsletter(cadence.newsletter_id)).one()
    newsletter = session.get_one(Newsletter, cadence.newsletter_id)
    passed_by = passed(newsletter, cadence, now)
    cadence.next_date, cadence.next_run_at = recurrence.next_run(rhythm.rule_of(cadence), now)
    session.add(cadence)
    session.flush()
    if not passed_by:
        return []
    newest = passed_by.pop()
    for slot in passed_by:
        _pass_by(session, slot, now)
    return _fill(session, newest, cadence, now)


def passed(newsletter: Newsletter, cadence: Cadence, now: datetime) -> deque[Due]:
    """The runs of a cadence that have come since its next one was set."""
    found: deque[Due] = deque(maxlen=MISSED_RECORDED)
    for day, moment in rhythm.planned_runs(cadence):
        if moment > now:
            break
        found.append(Due(newsletter, day, cadence.slot, moment))
    return found


def _pass_by(session: Session, slot: Due, now: datetime) -> None:
    """Of several runs that passed only the newest is caught up; what the older ones would have held is in that one."""
    edition = _planned_for(session, slot)
    is_decided = queries.occurrence(session, slot.newsletter.id, slot.local_date, slot.slot) is not None
    if not is_decided and (edition is None or edition.state is State.DRAFT):
        slots.miss(session, slot, LATE if slot.is_too_late(now) else CATCH_UP, now, edition)


def _fill(session: Session, slot: Due, cadence: Cadence, now: datetime) -> list[Edition]:
    if queries.occurrence(session, slot.newsletter.id, slot.local_date, slot.slot) is not None:
        return []
    edition = _planned_for(session, slot)
    if edition is not None:
        return _take(session, slot, edition, now)
    if slot.is_too_late(now):
        return _miss(session, slot, LATE, now)
    if not cadence.is_automatic:
        return _miss(session, slot, NOT_READY, now)
    return _make(session, slot, now)


def _take(session: Session, slot: Due, edition: Edition, now: datetime) -> list[Edition]:
    """The edition that an editor made for the slot."""
    if edition.state is State.SCHEDULED and edition.scheduled_at is not None:
        # Its own time counts; `editions_due` finds it then.
        return []
    if edition.state is State.CANCELLED:
        slots.skip(session, slot, CALLED_OFF, now, edition)
        return []
    if edition.state is State.DRAFT and not edition.is_automatic:
        return _miss(session, slot, STILL_A_DRAFT, now, edition)
    if edition.state is State.DRAFT and slot.is_too_late(now):
        return _miss(session, slot, LATE, now, edition)
    is_ours = slots.claim(session, slot, edition, now)
    return [edition] if is_ours and edition.state is State.DRAFT else []


def _make(session: Session, slot: Due, now: datetime) -> list[Edition]:
    try:
        document = automatic.compose(session, slot.newsletter)
    except (MemoError, ValueError) as error:
        # One newsletter's odd article must not keep the others from leaving.
        log.error("edition.not_made", newsletter=slot.newsletter.slug, problem=repr(error))
        return _miss(session, slot, "It could not be made from what is new.", now)
    if document is None:
        slots.skip(session, slot, NOTHING_NEW, now)
        return []
    place = composition.Slot(slot.local_date, slot.slot)
    edition = composition.start(
        session, slot.newsletter, now=now, actor="clock", local_date=place, document=document
    )
    edition.is_automatic, edition.state, edition.scheduled_at = True, State.SCHEDULED, slot.at
    session.add(edition)
    session.flush()
    return [edition] if slots.claim(session, slot, edition, now) else []


def _leave(session: Session, edition: Edition, now: datetime) -> list[Edition]:
    session.exec(queries.lock_newsletter(edition.newsletter_id)).one()
    slot = slots.of(queries.newsletter_of(session, edition), edition, edition.scheduled_at or now)
    if slot.is_too_late(now):
        return _miss(session, slot, LATE, now, edition)
    return [edition] if slots.claim(session, slot, edition, now) else []


def _miss(
    session: Session, slot: Due, reason: str, now: datetime, edition: Edition | None = None
) -> list[Edition]:
    if slots.miss(session, slot, reason, now, edition):
        slots.ring(session, slot, reason, now)
    return []


def _planned_for(session: Session, slot: Due) -> Edition | None:
    return queries.find_by_date(session, slot.newsletter.id, slot.local_date, slot.slot)
