"""Where an edition stands: recomputed from its rows each time, so it can neither drift nor be lost."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.ledger import returned, tallies
from service.ledger.models import OPEN, Delivery, DeliveryState, Lane, Run, Span
from service.ledger.tallies import Tally

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
    canary_readers: int | None = None  # so many went first, and the rest waits for what becomes of them
    canary_until: datetime | None = None
    bounced_later: int = 0  # of those accepted
    summarised_at: datetime | None = None  # since then only these counts and the proof are kept
    slowed_to: int | None = None
    lane: Lane = Lane.SCHEDULED

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

    def finish_at(self, now: datetime) -> datetime | None:
        """When the last message will leave at the present pace; None while there is no pace to judge by, or nothing is left."""
        if not self.open or self.rate_per_second <= 0 or not self.is_fanned_out:
            return None
        return now + timedelta(seconds=self.open / self.rate_per_second)

    @property
    def uncertain(self) -> int:
        return self._count(DeliveryState.UNCERTAIN)


def of(session: Session, edition_id: int) -> Progress:
    """From the spans' own counts; only the few spans that somebody holds are counted from their rows."""
    run = session.get(Run, edition_id)
    if run is None:
        return Progress()
    counts: Counter[DeliveryState] = Counter()
    accepted: list[datetime] = []
    for tally in _tallies(session, edition_id):
        counts.update({DeliveryState(state): count for state, count in tally.counts.items()})
        accepted += [at for at in (tally.first_accepted_at, tally.last_accepted_at) if at is not None]
    is_waiting = run.canary_rows is not None and run.ended_at is None and not run.is_fanned_out
    first, last = min(accepted, default=None), max(accepted, default=None)
    return Progress(
        counts=dict(counts),
        is_fanned_out=run.is_fanned_out,
        started_at=run.started_at,
        ended_at=run.ended_at,
        first_accepted_at=first,
        last_accepted_at=last,
        rate_per_second=_rate(session, run, first),
        stopped=run.stopped,
        stop_reason=run.stop_reason,
        canary_readers=run.canary_rows if is_waiting else None,
        canary_until=run.canary_until if is_waiting else None,
        bounced_later=run.summary["bounced_later"] if run.summary else returned.count(session, edition_id),
        summarised_at=run.summarised_at,
        slowed_to=run.slowed_to if run.ended_at is None else None,
        lane=run.lane,
    )


def _tallies(session: Session, edition_id: int) -> Iterator[Tally]:
    """Whoever lets a span go meanwhile changes nothing here: its rows are counted all the same, each once."""
    query = sa.select(
        col(Span.first), col(Span.last), col(Span.renewed_at),
        col(Span.counts), col(Span.first_accepted_at), col(Span.last_accepted_at),
    ).where(col(Span.edition_id) == edition_id)  # fmt: skip
    for first, last, renewed_at, counts, first_at, last_at in session.execute(query).all():
        kept = Tally(counts, first_at, last_at, {})
        yield kept if renewed_at is None else tallies.of(session, edition_id, first, last)


def _rate(session: Session, run: Run, first: datetime | None) -> float:
    if first is None or run.ended_at is not None:
        return 0.0
    now = database.now(session)
    window = min(RATE_WINDOW_SECONDS, max(1.0, (now - first).total_seconds()))
    since = now - timedelta(seconds=window)
    recent = (
        sa.select(sa.func.count())
        .select_from(Span)
        .join(
            Delivery,
            sa.and_(
                col(Delivery.edition_id) == run.edition_id,
                col(Delivery.number) >= col(Span.first),
                col(Delivery.number) < col(Span.last),
            ),
        )
        .where(
            col(Span.edition_id) == run.edition_id,
            sa.or_(col(Span.renewed_at).is_not(None), col(Span.last_accepted_at) > since),
            col(Delivery.state) == DeliveryState.ACCEPTED,
            col(Delivery.at) > since,
        )
    )
    return float(session.execute(recent).scalar_one()) / window
