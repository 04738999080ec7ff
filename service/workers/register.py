"""A worker's row: made when it begins, renewed while its tick comes round, closed when it ends, cleared away when it is old.

All times are the database's, the one clock that all workers share.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database, logs
from service.workers.models import WorkerProcess

log = logs.get(__name__)

Follow = Callable[[Session, timedelta], None]

BEAT_SECONDS = 3.0
STEP_LEAST = timedelta(seconds=5)  # by less clocks are set all the time
GONE_AFTER = timedelta(seconds=20)
KEPT_FOR = timedelta(days=1)
HOST_CHARACTERS = 64
NAME_CHARACTERS = 80


def _nothing(_session: Session, _step: timedelta) -> None:
    """What no process waits for need not be moved."""


@dataclass(frozen=True)
class Identity:
    """Which process it is; `uid` is drawn anew for each life of one."""

    uid: uuid.UUID
    name: str
    host: str
    pid: int
    version: str


def beat(
    session: Session, one: Identity, figures: dict[str, Any], follow: Follow = _nothing
) -> timedelta | None:
    """Say that it is at work, and what it has done so far. Whoever was cleared away meanwhile, asleep for days, is back.

    If the database's clock has gone back since somebody last said so, `follow` is called with the step, which is returned.
    """
    if (step := _went_back_by(session)) is not None:
        log.warning("database.clock_went_back", seconds=round(step.total_seconds(), 1))
        follow(session, step)
    known = sa.update(WorkerProcess).where(col(WorkerProcess.uid) == one.uid)
    renewed = known.values(seen_at=database.utc_now(), stopped_at=None, figures=figures)
    found: Any = session.execute(renewed, execution_options={"synchronize_session": False})
    if not found.rowcount:
        _begin(session, one, figures)
    return step


def _begin(session: Session, one: Identity, figures: dict[str, Any]) -> None:
    now = database.now(session)
    session.add(
        WorkerProcess(
            uid=one.uid,
            name=one.name[:NAME_CHARACTERS],
            host=one.host[:HOST_CHARACTERS],
            pid=one.pid,
            version=one.version,
            started_at=now,
            seen_at=now,
            figures=figures,
        )
    )
    session.flush()


def _went_back_by(session: Session) -> timedelta | None:
    """Whoever sees it moves back what everybody has said, so that it is seen once."""
    ahead = col(WorkerProcess.seen_at) > database.now(session) + STEP_LEAST
    # The others wait here for the first, and then see that nothing lies ahead any more.
    rows = session.exec(select(WorkerProcess).where(ahead).with_for_update()).all()
    if not rows:
        return None
    step = max(row.seen_at for row in rows) - database.now(session)
    for row in rows:
        row.seen_at -= step
        session.add(row)
    session.flush()
    return step


def end(session: Session, one: Identity, figures: dict[str, Any]) -> None:
    """It has let everything go and leaves."""
    now = database.utc_now()
    ended = sa.update(WorkerProcess).where(col(WorkerProcess.uid) == one.uid)
    session.execute(
        ended.values(seen_at=now, stopped_at=now, figures=figures),
        execution_options={"synchronize_session": False},
    )


def end_all(session: Session) -> None:
    """In a copy of a database nobody is at work."""
    now = database.utc_now()
    session.execute(
        sa.update(WorkerProcess).where(col(WorkerProcess.stopped_at).is_(None)).values(stopped_at=now),
        execution_options={"synchronize_session": False},
    )


def forget_old(session: Session) -> int:
    """Clear away rows of processes that ended long ago, but never the last: it says since when nobody has been at work."""
    newest = sa.select(sa.func.max(col(WorkerProcess.seen_at))).scalar_subquery()
    old = sa.delete(WorkerProcess).where(
        col(WorkerProcess.seen_at) < database.now(session) - KEPT_FOR, col(WorkerProcess.seen_at) < newest
    )
    cleared: Any = session.execute(old, execution_options={"synchronize_session": False})
    return int(cleared.rowcount)
