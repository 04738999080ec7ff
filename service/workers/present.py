"""Who is alive, who is gone and since when, and what each holds: for the desk, `memo workers`, health and metrics."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.editions.models import Edition
from service.ledger.models import Run, Span
from service.newsletters.models import Newsletter
from service.workers.models import WorkerProcess
from service.workers.register import GONE_AFTER

SHOWN = 256
FAILING = "failing"  # of its figures: the tasks that keep failing


class Standing(StrEnum):
    ALIVE = "alive"
    GONE = "gone"  # without a word: killed, stopped, or cut off from the database
    STOPPED = "stopped"


@dataclass(frozen=True)
class Held:
    """A span that it has taken: readers `first` to `last` of an edition, both included."""

    edition_uid: uuid.UUID
    newsletter: str
    local_date: date
    first: int
    last: int
    in_flight: int


@dataclass(frozen=True)
class Present:
    """`age_seconds`: since its tick last came round, by the database's clock."""

    uid: uuid.UUID
    name: str
    host: str
    pid: int
    version: str
    standing: Standing
    started_at: datetime
    seen_at: datetime
    age_seconds: float
    figures: dict[str, Any]
    held: tuple[Held, ...] = field(default=())

    @property
    def is_alive(self) -> bool:
        return self.standing is Standing.ALIVE

    @property
    def failing(self) -> list[str]:
        """Its tasks that keep failing, begun anew again and again."""
        return list(self.figures.get(FAILING, ())) if self.is_alive else []

    @property
    def cannot_reach(self) -> dict[str, str]:
        """Why, by relay: it stands by, while others get through."""
        return dict(self.figures.get("standing_by", {})) if self.is_alive else {}

    @property
    def rate(self) -> float:
        """Messages it has handed over per second of late; what is gone hands over none."""
        return float(self.figures.get("rate", 0.0)) if self.is_alive else 0.0


def everybody(session: Session, *, with_held: bool = True) -> list[Present]:
    """Those at work first, then those who left last."""
    now = database.now(session)
    query = select(WorkerProcess).order_by(col(WorkerProcess.seen_at).desc(), col(WorkerProcess.id).desc())
    held = _held(session) if with_held else {}
    found = [_present(one, now, held) for one in session.exec(query.limit(SHOWN))]
    return sorted(found, key=lambda one: (not one.is_alive, one.name if one.is_alive else ""))


def is_another_able(session: Session, me: uuid.UUID, relay: str) -> bool:
    """Whether another worker is alive and has said nothing against this relay."""
    fresh = database.now(session) - GONE_AFTER
    query = select(WorkerProcess.figures).where(
        WorkerProcess.uid != me, col(WorkerProcess.stopped_at).is_(None), col(WorkerProcess.seen_at) > fresh
    )
    return any(relay not in figures.get("standing_by", {}) for figures in session.exec(query))


def _present(row: WorkerProcess, now: datetime, held: dict[str, list[Held]]) -> Present:
    standing = Standing.ALIVE if now - row.seen_at <= GONE_AFTER else Standing.GONE
    if row.stopped_at is not None:
        standing = Standing.STOPPED
    # Of two lives of one name the later one holds what stands under it.
    spans = () if standing is Standing.STOPPED else tuple(held.pop(row.name, ()))
    return Present(
        uid=row.uid,
        name=row.name,
        host=row.host,
        pid=row.pid,
        version=row.version,
        standing=standing,
        started_at=row.started_at,
        seen_at=row.seen_at,
        age_seconds=max(0.0, (now - row.seen_at).total_seconds()),
        figures=row.figures,
        held=spans,
    )


def _held(session: Session) -> dict[str, list[Held]]:
    """By holder. Reached over the runs that are open, of which there are few."""
    query = (
        sa.select(
            col(Span.holder), col(Edition.uid), col(Newsletter.name), col(Edition.local_date),
            col(Span.first), col(Span.last), col(Span.in_flight),
        )
        .select_from(Run)
        .join(Span, col(Span.edition_id) == col(Run.edition_id))
        .join(Edition, col(Edition.id) == col(Run.edition_id))
        .join(Newsletter, col(Newsletter.id) == col(Run.newsletter_id))
        .where(col(Run.ended_at).is_(None), col(Span.renewed_at).is_not(None))
        .order_by(col(Span.edition_id), col(Span.first))
    )  # fmt: skip
    held: dict[str, list[Held]] = defaultdict(list)
    for holder, uid, newsletter, local_date, first, last, in_flight in session.execute(query):
        held[holder].append(Held(uid, newsletter, local_date, first, last - 1, len(in_flight)))
    return held
