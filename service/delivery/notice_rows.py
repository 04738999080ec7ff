"""Notices as rows: each a span of one, with the same fence, pins and rule for what is uncertain."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import choosing, fence, outcome, pace_rows, relays, settling
from service.delivery.outcome import Outcome, Verdict
from service.delivery.settling import UNCERTAIN_MOST
from service.ledger.models import Notice, NoticeState


@dataclass(frozen=True)
class TakenNotice:
    """`is_limited`: the relay has a limit, so a notice takes a token."""

    notice: Notice
    epoch: int
    is_limited: bool


def due(session: Session, relay: str) -> bool:
    if not relays.is_ready(session, relay):
        return False
    return session.execute(sa.select(col(Notice.id)).where(*_takeable(session)).limit(1)).first() is not None


def take(session: Session, relay: str, *, uncertain_wait: timedelta) -> TakenNotice | None:
    """The notice that has waited longest. Those that a dead holder left in doubt, or that are too old, are settled on the way."""
    if not relays.is_ready(session, relay):
        return None
    query = select(Notice).where(*_takeable(session)).order_by(col(Notice.due_at), col(Notice.id)).limit(1)
    while (notice := session.exec(query.with_for_update(skip_locked=True)).first()) is not None:
        now = database.now(session)
        if notice.is_in_flight:
            _in_doubt(notice, "The sender stopped before the relay's answer was recorded.")
            notice.due_at = now + uncertain_wait if notice.state is NoticeState.QUEUED else None
            notice.renewed_at = None
        elif now >= notice.give_up_at:
            notice.state, notice.due_at, notice.at = NoticeState.EXPIRED, None, now
            notice.reply = notice.reply or "Its time was over before the relay took it."
        else:
            notice.epoch, notice.renewed_at = secrets.randbits(63), now
            session.add(notice)
            session.flush()
            return TakenNotice(notice, notice.epoch, pace_rows.is_limited(session, relay))
        session.add(notice)
        session.flush()
    return None


def begin(session: Session, taken: TakenNotice, message: bytes) -> bool:
    """Pin the bytes and write the intent, under the fence."""
    values = {"message": message, "is_in_flight": True, "renewed_at": database.utc_now()}
    mine = (col(Notice.id) == taken.notice.id, col(Notice.epoch) == taken.epoch)
    return fence.affected(session, sa.update(Notice).where(*mine).values(**values)) == 1


def untouched(session: Session, taken: TakenNotice) -> None:
    """The relay did not work: the notice waits as it was."""
    _update(session, taken, is_in_flight=False, renewed_at=None)


def put_off(session: Session, taken: TakenNotice, why: str, wait: timedelta) -> None:
    """Others come before it. When its time is over it ends with that reason."""
    due_at = database.now(session) + wait
    _update(session, taken, is_in_flight=False, renewed_at=None, due_at=due_at, reply=why[:500])


def renew(session: Session, taken: TakenNotice) -> None:
    _update(session, taken, renewed_at=database.utc_now())


def not_sent(session: Session, taken: TakenNotice, why: str, state: NoticeState) -> None:
    """It is not needed any more (expired), or cannot be made (held for a person)."""
    values = {
        "state": state,
        "reply": why[:500],
        "due_at": None,
        "renewed_at": None,
        "at": database.utc_now(),
    }
    _update(session, taken, is_in_flight=False, **values)


def record(
    session: Session,
    taken: TakenNotice,
    judged: Outcome,
    *,
    relay: str,
    uncertain_wait: timedelta,
    chance: float,
) -> None:
    query = select(Notice).where(Notice.id == taken.notice.id).with_for_update()
    notice = session.exec(query.execution_options(populate_existing=True)).one()
    if notice.epoch != taken.epoch and judged.verdict is not Verdict.ACCEPTED:
        return
    now = database.now(session)
    notice.is_in_flight, notice.renewed_at, notice.due_at, notice.at = False, None, None, now
    notice.reply = outcome.as_recorded(judged)[:500]
    if judged.verdict is Verdict.ACCEPTED:
        notice.state, notice.attempts = NoticeState.ACCEPTED, notice.attempts + 1
        relays.clear_problem(session, relay)
    elif judged.verdict is Verdict.REFUSED:
        notice.state, notice.attempts = NoticeState.REFUSED, notice.attempts + 1
    elif judged.verdict is Verdict.UNCERTAIN:
        _in_doubt(notice, notice.reply)
        notice.due_at = now + uncertain_wait if notice.state is NoticeState.QUEUED else None
    else:
        notice.attempts += 1
        wait = settling.wait_after(notice.attempts, judged, chance=chance)
        notice.due_at = now + wait if wait else None
        notice.state = NoticeState.QUEUED if wait else NoticeState.EXPIRED
    session.add(notice)


def _in_doubt(notice: Notice, reply: str) -> None:
    notice.is_in_flight = False
    notice.attempts += 1
    notice.uncertain_count += 1
    notice.reply = reply
    if notice.uncertain_count >= UNCERTAIN_MOST:
        notice.state = NoticeState.HELD


def _takeable(session: Session) -> tuple[sa.ColumnElement[bool], ...]:
    now = database.now(session)
    return (
        col(Notice.due_at) <= now,
        choosing.is_free(col(Notice.renewed_at), now),
    )


def _update(session: Session, taken: TakenNotice, **values: object) -> None:
    mine = (col(Notice.id) == taken.notice.id, col(Notice.epoch) == taken.epoch)
    fence.affected(session, sa.update(Notice).where(*mine).values(**values))
