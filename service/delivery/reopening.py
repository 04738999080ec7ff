"""An ended run is opened again, for those who are missing or, by a person's decision, for those who were held.

    begin: lock the run -> the edition is being sent again, turn + 1, a new time to give up          one short write
    carry on: lock the run -> the next span: its rows open, a new epoch, due now                     again until the last span

A crash in between loses nothing: the tick carries on, and a run is not closed before. A row goes out with the bytes it was tried
with; one that is in doubt is opened as uncertain, so that it never expires or is skipped as if the reader had nothing.
"""

import secrets
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import fence, launch, missing
from service.delivery.launch import FAN_OUT, Holder
from service.editions import queries
from service.editions.models import Cadence, Edition, State
from service.errors import Conflict
from service.events import log
from service.jobs import Kind
from service.ledger import lines, tallies
from service.ledger.models import Delivery, DeliveryState, Reopening, Run, Span
from service.prepared import Prepared

EVENTS = {Reopening.MISSING: "edition.sent_to_missing", Reopening.HELD: "edition.held_released"}


class NotEnded(Conflict):
    """Only an edition that has been sent can be sent to those who are missing."""


class AfterTheNext(Conflict):
    """The next regular edition has begun to leave. This one is not sent any more, so that nobody gets it after the newer one."""


class Summarised(Conflict):
    """This edition is old, and only its counts and its proof are kept: nobody knows any more by name who was missing."""


class NobodyMissing(Conflict):
    """Nobody is missing: each reader has it, was held, has left, or cannot be mailed."""


class NobodyHeld(Conflict):
    """Nobody is held who could get it."""


@dataclass(frozen=True)
class Reopened:
    edition: Edition
    readers: int


@dataclass(frozen=True)
class Short:
    """Readers who are missing, readers in doubt, and why neither can be sent to, if so."""

    missing: int
    held: int
    refusal: str | None


@dataclass(frozen=True)
class Step:
    """One span looked at; its id if rows of it are due now."""

    span_id: int | None


class Reopen(Protocol):
    """One of the two ways in."""

    def __call__(
        self, held: Holder, edition_uid: uuid.UUID, *, actor: str
    ) -> Coroutine[Any, Any, Reopened]: ...


async def send_missing(held: Holder, edition_uid: uuid.UUID, *, actor: str) -> Reopened:
    """Once more to those who certainly do not have it. Raises NotEnded, AfterTheNext, NobodyMissing."""
    return await _reopen(held, edition_uid, Reopening.MISSING, actor=actor)


async def release_held(held: Holder, edition_uid: uuid.UUID, *, actor: str) -> Reopened:
    """Once more to those who were held: they may get it twice. Raises NotEnded, AfterTheNext, NobodyHeld."""
    return await _reopen(held, edition_uid, Reopening.HELD, actor=actor)


def short_of(session: Session, edition: Edition, *, looks_short: bool = True) -> Short:
    """Counted now, so one who has left since the end is not in it; not at all if every row says that its reader has it."""
    try:
        _check(session, edition, session.get(Run, edition.id))
        refusal = None
    except Conflict as error:
        refusal = error.message
    if (summary := lines.summary(session, edition.id)) is not None:
        return Short(edition.missing_count, summary.of(DeliveryState.HELD), refusal)
    counts = missing.counts(session, edition.id) if looks_short else {}
    return Short(counts.get(Reopening.MISSING, 0), counts.get(Reopening.HELD, 0), refusal)


async def _reopen(held: Holder, edition_uid: uuid.UUID, which: Reopening, *, actor: str) -> Reopened:
    readers = await held.database.read(_counted, edition_uid, which)  # a large read, so before any lock
    edition = await held.database.write(
        _begin, edition_uid, which, readers, now=held.clock.now(), actor=actor
    )
    await held.jobs.nudge(Kind.CHORE, FAN_OUT)
    return Reopened(edition, readers)


def _counted(session: Session, edition_uid: uuid.UUID, which: Reopening) -> int:
    edition = queries.get(session, edition_uid)
    _check(session, edition, session.get(Run, edition.id))
    readers = missing.count(session, edition.id, which)
    if not readers:
        raise NobodyMissing if which is Reopening.MISSING else NobodyHeld
    return readers


def _begin(
    session: Session, edition_uid: uuid.UUID, which: Reopening, readers: int, *, now: datetime, actor: str
) -> Edition:
    edition = queries.get(session, edition_uid)
    locked = select(Run).where(Run.edition_id == edition.id).with_for_update()
    run = session.exec(locked.execution_options(populate_existing=True)).first()
    session.refresh(edition)
    _check(session, edition, run)
    assert run is not None
    begun = database.now(session)
    edition.state, edition.ended_at, edition.stop_reason = State.SENDING, None, None
    edition.missing_count = 0
    run.reopening, run.reopened_from, run.reopened_at = which, 1, begun
    run.stopped = run.stop_reason = run.ended_at = None
    run.turn += 1
    run.give_up_at = until(session, run.newsletter_id, begun)
    session.add_all([edition, run])
    subject = ("edition", edition.uid)
    log.record(session, EVENTS[which], actor=actor, now=now, subject=subject, facts={"readers": readers})
    session.flush()
    return edition


def unfinished(session: Session) -> list[int]:
    """Editions whose rows are still being opened, and not stopped."""
    return [edition_id for (edition_id,) in _UNFINISHED.run(session.connection()).fetchall()]


def carry_on(session: Session, edition_id: int) -> Step | None:
    """Open the rows of the next span. None when there is nothing left to do or somebody else is at it."""
    query = select(Run).where(Run.edition_id == edition_id).with_for_update(skip_locked=True)
    run = session.exec(query.execution_options(populate_existing=True)).first()
    if run is None or run.reopening is None or run.stopped is not None or run.ended_at is not None:
        return None
    following = select(Span).where(Span.edition_id == edition_id, col(Span.first) >= run.reopened_from)
    span = session.exec(
        following.order_by(col(Span.first))
        .limit(1)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if span is None:
        run.reopening = None
        session.add(run)
        return None
    run.reopened_from = span.last
    session.add(run)
    return Step(span.id if _open_rows(session, span, Reopening(run.reopening)) else None)


def _open_rows(session: Session, span: Span, which: Reopening) -> bool:
    now = database.now(session)
    is_in_doubt = col(Delivery.uncertain_count) > 0
    opened = (
        sa.update(Delivery)
        .where(*tallies.in_span(span.edition_id, span.first, span.last), *missing.those(which))
        .values(
            state=sa.case((is_in_doubt, DeliveryState.UNCERTAIN.value), else_=DeliveryState.QUEUED.value),
            attempts_before=col(Delivery.attempts),
            due_at=None,
        )
    )
    if not fence.affected(session, opened):
        return False
    span.epoch, span.in_flight, span.deaths = secrets.randbits(63), [], 0
    span.due_at, span.renewed_at, span.holder = now, None, None
    tallies.write(session, span)
    session.add(span)
    session.flush()
    return True


def until(session: Session, newsletter_id: int, begun: datetime) -> datetime:
    """When the next regular edition is due. That may be this very second, before any tick has seen it."""
    overdue = sa.select(col(Cadence.id)).where(
        col(Cadence.newsletter_id) == newsletter_id, col(Cadence.next_run_at) <= begun
    )
    planned = queries.next_planned(session, newsletter_id)
    planned_at = planned.scheduled_at if planned is not None else None
    if session.execute(overdue.limit(1)).first() or (planned_at is not None and planned_at <= begun):
        raise AfterTheNext(
            "The next regular edition is due now, so this one is not sent any more: nobody gets it after the newer one."
        )
    latest = launch.give_up_at(session, newsletter_id, begun, own_slot=timedelta(0))
    return latest if planned_at is None else min(latest, planned_at)


def _check(session: Session, edition: Edition, run: Run | None) -> None:
    if edition.state is not State.SENT or run is None or run.ended_at is None:
        raise NotEnded(_not_ended(edition))
    if run.summarised_at is not None:
        raise Summarised
    check_not_followed(session, edition)


def check_not_followed(session: Session, edition: Edition) -> None:
    """Raises AfterTheNext."""
    follower = queries.follower(session, edition)
    if follower is not None:
        raise AfterTheNext(
            f"The edition of {follower.local_date.isoformat()} has begun to leave. This one is not sent any more, so that nobody "
            "gets it after the newer one."
        )


def _not_ended(edition: Edition) -> str:
    said = {
        State.DRAFT: "has not been sent yet; send it first",
        State.SCHEDULED: "has not been sent yet; it leaves at its time",
        State.SENDING: "is being sent just now; whoever is missing when it has ended can be sent to then",
        State.PAUSED: "is paused; resume it, and readers who wait get it, those refused in one and the same way among them",
        State.CANCELLED: "was cancelled, so nobody else gets it",
        State.SENT: "is being stopped; try again in a moment",
    }
    return f"This edition {said[edition.state]}."


_UNFINISHED = Prepared(
    sa.select(col(Run.edition_id)).where(
        col(Run.ended_at).is_(None), col(Run.reopening).is_not(None), col(Run.stopped).is_(None)
    )
)
