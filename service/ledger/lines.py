"""Every reader of an edition accounted for: totals in one statement, and the rows page by page, by number, without locks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from service.ledger.models import OPEN, Bounced, Delivery, DeliveryState, Run


@dataclass(frozen=True, slots=True)
class Line:
    """`unclear`: how often it was handed over without a clear answer, so that it may have arrived."""

    number: int
    address: str
    state: DeliveryState
    attempts: int
    unclear: int
    reply: str | None
    at: datetime | None
    rendition_id: int | None
    bounced_at: datetime | None = None  # it was accepted, and came back later
    bounced: str | None = None

    @property
    def may_have_come_twice(self) -> bool:
        return self.unclear + (self.state is DeliveryState.ACCEPTED) > 1


@dataclass
class Totals:
    """Readers by state. audience = accepted + refused + expired + skipped + cancelled + held + open."""

    counts: dict[DeliveryState, int] = field(default_factory=dict)
    may_have_come_twice: int = 0
    bounced_later: int = 0  # of those accepted

    def add(self, rows: Iterable[Line]) -> None:
        for row in rows:
            self.counts[row.state] = self.counts.get(row.state, 0) + 1
            self.may_have_come_twice += row.may_have_come_twice
            self.bounced_later += row.bounced_at is not None

    def of(self, state: DeliveryState) -> int:
        return self.counts.get(state, 0)

    @property
    def audience(self) -> int:
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        return sum(self.of(state) for state in OPEN)


def count(session: Session, edition_id: int, *, bounced_until: datetime) -> tuple[int, Totals]:
    """How many readers the fan-out has numbered, and what their rows say: one statement, one moment. What came back counts until then."""
    if (kept := summary(session, edition_id)) is not None:
        return kept.audience, kept
    numbered = sa.select(col(Run.last_number)).where(col(Run.edition_id) == edition_id).scalar_subquery()
    copies = col(Delivery.uncertain_count) + sa.case(
        (col(Delivery.state) == DeliveryState.ACCEPTED, 1), else_=0
    )
    query = (
        sa.select(
            col(Delivery.state),
            sa.func.count(),
            sa.func.sum(sa.case((copies > 1, 1), else_=0)),
            sa.func.count(col(Bounced.number)),
            numbered,
        )
        .outerjoin(Bounced, _came_back(bounced_until))
        .where(col(Delivery.edition_id) == edition_id)
        .group_by(col(Delivery.state))
    )
    found = Totals()
    expected = 0
    for state, count, twice, back, last_number in session.execute(query):
        found.counts[DeliveryState(state)] = count
        found.may_have_come_twice += int(twice)
        found.bounced_later += int(back)
        expected = int(last_number)
    return expected or int(session.execute(sa.select(numbered)).scalar_one()), found


def summary(session: Session, edition_id: int) -> Totals | None:
    """The totals of an edition whose rows are not kept any more, as they were."""
    query = sa.select(col(Run.summary)).where(
        col(Run.edition_id) == edition_id, col(Run.summarised_at).is_not(None)
    )
    kept = session.execute(query).scalar_one_or_none()
    if kept is None:
        return None
    counts = {DeliveryState(state): int(count) for state, count in kept["counts"].items()}
    return Totals(counts, kept["may_have_come_twice"], kept["bounced_later"])


def page(
    session: Session, edition_id: int, *, after: int, until: int, limit: int, bounced_until: datetime
) -> list[Line]:
    """Rows numbered above `after`, up to `until`."""
    query = (
        sa.select(
            col(Delivery.number), col(Delivery.address), col(Delivery.state), col(Delivery.attempts),
            col(Delivery.uncertain_count), col(Delivery.reply), col(Delivery.at),
            col(Delivery.pins)["rendition"].as_integer(), col(Bounced.at), col(Bounced.reply),
        )
        .outerjoin(Bounced, _came_back(bounced_until))
        .where(
            col(Delivery.edition_id) == edition_id, col(Delivery.number) > after, col(Delivery.number) <= until
        )
        .order_by(col(Delivery.number))
        .limit(limit)
    )  # fmt: skip
    return [Line(*row) for row in session.execute(query)]


def _came_back(until: datetime) -> sa.ColumnElement[bool]:
    """Up to a moment that is settled: bounces keep coming while a file is being written."""
    return sa.and_(
        col(Bounced.edition_id) == col(Delivery.edition_id),
        col(Bounced.number) == col(Delivery.number),
        col(Bounced.at) <= until,
        col(Delivery.state) == DeliveryState.ACCEPTED,
    )
