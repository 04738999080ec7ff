"""How much waits, in each lane, and for how long. From the spans of runs that are open; only held ones are counted from their rows."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from service.ledger import tallies
from service.ledger.models import OPEN, DeliveryState, Lane, Notice, Run, Span

EVER = datetime(1970, 1, 1, tzinfo=UTC)  # SQLite uses no key to find what is not null


@dataclass(frozen=True)
class Depth:
    """Messages not yet settled by lane, and since when the longest waiting of each kind has waited. What is stopped waits for a person."""

    deliveries: dict[Lane, int]
    untried: dict[Lane, int]  # of those that nobody stopped
    notices: int
    delivery_since: datetime | None
    notice_since: datetime | None


def of(session: Session) -> Depth:
    query = (
        sa.select(
            col(Run.stopped), col(Run.started_at), col(Run.reopened_at), col(Span.lane), col(Span.edition_id),
            col(Span.first), col(Span.last), col(Span.renewed_at), col(Span.counts),
        )
        .join(Span, col(Span.edition_id) == col(Run.edition_id))
        .where(col(Run.ended_at).is_(None), col(Span.due_at).is_not(None))
    )  # fmt: skip
    waiting: Counter[Lane] = Counter(dict.fromkeys(Lane, 0))
    untried: Counter[Lane] = Counter(dict.fromkeys(Lane, 0))
    since: list[datetime] = []
    for stopped, started_at, reopened_at, lane, edition_id, first, last, renewed_at, kept in session.execute(
        query
    ).all():
        counts = kept if renewed_at is None else tallies.of(session, edition_id, first, last).counts
        left = sum(counts.get(state.value, 0) for state in OPEN)
        waiting[lane] += left
        untried[lane] += counts.get(DeliveryState.QUEUED.value, 0) if stopped is None else 0
        if left and stopped is None:
            since.append(reopened_at or started_at)
    notices, notice_since = session.execute(
        sa.select(sa.func.count(), sa.func.min(col(Notice.created_at))).where(col(Notice.due_at) > EVER)
    ).one()
    return Depth(dict(waiting), dict(untried), int(notices), min(since, default=None), notice_since)
