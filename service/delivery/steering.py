"""Pause, resume, cancel: one row's `turn` + 1, felt by every worker at its next commit."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service.delivery import fence, wave_end
from service.editions import queries
from service.editions.models import Edition, State
from service.errors import Conflict
from service.events import log
from service.ledger.models import Run, Stopped


class NotSending(Conflict):
    """Only an edition that is being sent can be paused."""


class NotPaused(Conflict):
    """Only a paused edition can be resumed."""


class IsRestored(Conflict):
    """This edition was stopped because the database was restored from a copy. Look at how far it had come, then release or cancel it."""


class AlreadyOver(Conflict):
    """This edition has been sent already; what has left cannot be called back."""


def pause(
    session: Session,
    edition_uid: uuid.UUID,
    *,
    reason: str,
    now: datetime,
    actor: str,
    wave: str | None = None,
) -> Edition:
    """Stop it until somebody resumes it. `wave` names a refusal that was ours: its readers are tried again then."""
    edition = queries.get(session, edition_uid)
    if not _turn(session, edition, (State.SENDING,), State.PAUSED, stopped=Stopped.PAUSED, reason=reason):
        raise NotSending(f"This edition is {edition.state.value}: only one that is being sent can be paused.")
    if wave is not None:
        named = sa.update(Run).where(col(Run.edition_id) == edition.id).values(wave=wave)
        fence.affected(session, named)
    return recorded(session, edition, "edition.paused", actor=actor, now=now, facts={"reason": reason})


def resume(session: Session, edition_uid: uuid.UUID, *, now: datetime, actor: str) -> Edition:
    edition = queries.get(session, edition_uid)
    if session.execute(_is_restored(edition.id)).first() is not None:
        raise IsRestored
    if not _turn(session, edition, (State.PAUSED,), State.SENDING, stopped=None, reason=None):
        raise NotPaused(f"This edition is {edition.state.value}: only a paused one can be resumed.")
    again = wave_end.reopen(session, edition.id)
    facts = {"tried_again": again} if again else {}
    return recorded(session, edition, "edition.resumed", actor=actor, now=now, facts=facts)


def cancel(session: Session, edition_uid: uuid.UUID, *, now: datetime, actor: str) -> Edition:
    """Readers whose turn has not come get nothing; cancelling twice changes nothing. Whoever was not written out yet is so afterwards,
    as cancelled: see `ledger.fanout`.

    An edition that was sent already and is being sent to those who were missing stays a sent one.
    """
    edition = queries.get(session, edition_uid)
    if edition.state is State.CANCELLED:
        return edition
    waiting = (State.DRAFT, State.SCHEDULED)
    running = (State.SENDING, State.PAUSED)
    ends_as = State.SENT if _was_sent(session, edition) else State.CANCELLED
    if not (
        _turn(session, edition, running, ends_as, stopped=Stopped.CANCELLED, reason=None)
        or _move(session, edition, waiting, State.CANCELLED, reason=None)
    ):
        raise AlreadyOver
    return recorded(session, edition, "edition.cancelled_by", actor=actor, now=now)


def _turn(
    session: Session,
    edition: Edition,
    allowed: tuple[State, ...],
    state: State,
    *,
    stopped: Stopped | None,
    reason: str | None,
) -> bool:
    """Run first, then edition: the lock order of everybody. The guarded update decides between two who steer at once."""
    locked = sa.select(col(Run.edition_id)).where(col(Run.edition_id) == edition.id).with_for_update()
    if session.execute(locked).first() is None or not _move(session, edition, allowed, state, reason=reason):
        return False
    values: dict[str, object] = {
        "turn": col(Run.turn) + 1,
        "stopped": stopped.value if stopped else None,
        "stop_reason": reason,
    }
    if stopped is Stopped.CANCELLED:
        values |= {"canary_rows": None, "reopening": None}
    return (
        fence.affected(session, sa.update(Run).where(col(Run.edition_id) == edition.id).values(**values)) == 1
    )


def _is_restored(edition_id: int) -> sa.Select[int]:
    """Locked: asked and answered for whoever acts on it."""
    query = sa.select(col(Run.edition_id)).where(
        col(Run.edition_id) == edition_id, col(Run.stopped) == Stopped.RESTORED.value
    )
    return query.with_for_update()


def _was_sent(session: Session, edition: Edition) -> bool:
    locked = sa.select(col(Run.reopened_at)).where(col(Run.edition_id) == edition.id).with_for_update()
    return session.execute(locked).scalar_one_or_none() is not None


def _move(
    session: Session, edition: Edition, allowed: tuple[State, ...], state: State, *, reason: str | None
) -> bool:
    moved = (
        sa.update(Edition)
        .where(col(Edition.id) == edition.id, col(Edition.state).in_(allowed))
        .values(state=state, stop_reason=reason)
    )
    return fence.affected(session, moved) == 1


def recorded(
    session: Session,
    edition: Edition,
    name: str,
    *,
    actor: str,
    now: datetime,
    facts: dict[str, Any] | None = None,
) -> Edition:
    session.refresh(edition)
    log.record(session, name, actor=actor, now=now, subject=("edition", edition.uid), facts=facts or {})
    return edition
