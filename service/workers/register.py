"""A worker's row: made when it begins, renewed while its tick comes round, closed when it ends, cleared away when it is old.

All times are the database's, the one clock that all workers share.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.workers.models import WorkerProcess

BEAT_SECONDS = 3.0
GONE_AFTER = timedelta(seconds=20)
KEPT_FOR = timedelta(days=1)
HOST_CHARACTERS = 64
NAME_CHARACTERS = 80


@dataclass(frozen=True)
class Identity:
    """Which process it is; `uid` is drawn anew for each life of one."""

    uid: uuid.UUID
    name: str
    host: str
    pid: int
    version: str


def beat(session: Session, one: Identity, figures: dict[str, Any]) -> None:
    """Say that it is at work, and what it has done so far. Whoever was cleared away meanwhile, asleep for days, is back."""
    known = sa.update(WorkerProcess).where(col(WorkerProcess.uid) == one.uid)
    renewed = known.values(seen_at=database.utc_now(), stopped_at=None, figures=figures)
    found: Any = session.execute(renewed, execution_options={"synchronize_session": False})
    if found.rowcount:
        return
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
