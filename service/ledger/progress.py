"""Where an edition stands: recomputed from its rows each time, so it can neither drift nor be lost."""

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.ledger.models import OPEN, Delivery, DeliveryState, Run

RATE_WINDOW_SECONDS = 20


@dataclass(frozen=True)
class Progress:
    """accepted + refused + expired + skipped + cancelled + held + open = audience, always."""

    counts: dict[DeliveryState, int] = field(default_factory=dict)
    is_fanned_out: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    first_accepted_at: datetime | None = None
    last_accepted_at: datetime | None = None
    rate_per_second: float = 0.0
    stopped: str | None = None
    stop_reason: str | None = None

    def _count(self, state: DeliveryState) -> int:
        return self.counts.get(state, 0)

    @property
    def audience(self) -> int:
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        return sum(self._count(state) for state in OPEN)

    @property
    def accepted(self) -> int:
        return self._count(DeliveryState.ACCEPTED)

    @property
    def refused(self) -> int:
        return self._count(DeliveryState.REFUSED)

    @property
    def expired(self) -> int:
        return self._count(DeliveryState.EXPIRED)

    @property
    def skipped(self) -> int:
        return self._count(DeliveryState.SKIPPED)

    @property
    def cancelled(self) -> int:
        return self._count(DeliveryState.CANCELLED)

    @property
    def held(self) -> int:
        return self._count(DeliveryState.HELD)

    @property
    def queued(self) -> int:
        return self._count(DeliveryState.QUEUED)

    @property
    def deferred(self) -> int:
        return self._count(DeliveryState.DEFERRED)

    @property
    def uncertain(self) -> int:
        return self._count(DeliveryState.UNCERTAIN)


def of(session: Session, edition_id: int) -> Progress:
    run = session.get(Run, edition_id)
    if run is None:
        return Progress()
    mine = col(Delivery.edition_id) == edition_id
    counted = session.execute(
        sa.select(col(Delivery.state), sa.func.count()).where(mine).group_by(col(Delivery.state))
    )
    accepted = sa.and_(mine, col(Delivery.state) == DeliveryState.ACCEPTED)
    first, last = session.execute(
        sa.select(sa.func.min(col(Delivery.at)), sa.func.max(col(Delivery.at))).where(accepted)
    ).one()
    return Progress(
        counts={DeliveryState(state): count for state, count in counted},
        is_fanned_out=run.is_fanned_out,
        started_at=run.started_at,
        ended_at=run.ended_at,
        first_accepted_at=first,
        last_accepted_at=last,
        rate_per_second=_rate(session, run, accepted, first),
        stopped=run.stopped,
        stop_reason=run.stop_reason,
    )


def _rate(session: Session, run: Run, accepted: sa.ColumnElement[bool], first: datetime | None) -> float:
    if first is None or run.ended_at is not None:
        return 0.0
    now = database.now(session)
    window = min(RATE_WINDOW_SECONDS, max(1.0, (now - first).total_seconds()))
    since = now.timestamp() - window
    recent = session.execute(
        sa.select(sa.func.count()).where(
            accepted, col(Delivery.at) > sa.bindparam("since", now.fromtimestamp(since, now.tzinfo))
        )
    ).scalar_one()
    return float(recent) / window
