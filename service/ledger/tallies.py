"""The rows of one span, counted. Written into the span when somebody lets it go, ends it or adds to it afterwards, so that only the
spans that are held have to be counted from their rows. Always under the span's lock, or an outcome slips in between.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service.ledger.models import Delivery, DeliveryState, Span


@dataclass(frozen=True)
class Tally:
    counts: dict[str, int]
    first_accepted_at: datetime | None
    last_accepted_at: datetime | None
    dues: dict[DeliveryState, datetime | None]  # the earliest of each state; None: at once

    def values(self) -> dict[str, Any]:
        """What of it a span keeps."""
        return {
            "counts": self.counts,
            "first_accepted_at": self.first_accepted_at,
            "last_accepted_at": self.last_accepted_at,
        }


def in_span(edition_id: int, first: int, last: int) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Delivery.edition_id) == edition_id,
        col(Delivery.number) >= first,
        col(Delivery.number) < last,
    )


def of(session: Session, edition_id: int, first: int, last: int) -> Tally:
    at = col(Delivery.at)
    query = sa.select(
        col(Delivery.state),
        sa.func.count(),
        sa.func.min(col(Delivery.due_at)),
        sa.func.min(at),
        sa.func.max(at),
    ).where(*in_span(edition_id, first, last))
    counts: dict[str, int] = {}
    dues: dict[DeliveryState, datetime | None] = {}
    accepted: tuple[datetime | None, datetime | None] = (None, None)
    for state, count, due_at, earliest, latest in session.execute(query.group_by(col(Delivery.state))):
        counts[state.value] = count
        dues[state] = due_at
        if state is DeliveryState.ACCEPTED:
            accepted = (earliest, latest)
    return Tally(counts, *accepted, dues)


def write(session: Session, span: Span) -> None:
    """Into a span that is locked; the caller adds it."""
    tally = of(session, span.edition_id, span.first, span.last)
    span.counts = tally.counts
    span.first_accepted_at, span.last_accepted_at = tally.first_accepted_at, tally.last_accepted_at
