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
    untried_due_at: datetime | None = None  # the earliest of those put off without a try

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
    at, due_at = col(Delivery.at), col(Delivery.due_at)
    is_untried = col(Delivery.attempts) == col(Delivery.attempts_before)
    query = sa.select(
        col(Delivery.state),
        sa.func.count(),
        sa.func.min(due_at),
        sa.func.min(sa.case((is_untried, due_at))),
        sa.func.min(at),
        sa.func.max(at),
    ).where(*in_span(edition_id, first, last))
    counts: dict[str, int] = {}
    dues: dict[DeliveryState, datetime | None] = {}
    accepted: tuple[datetime | None, datetime | None] = (None, None)
    untried_due_at: datetime | None = None
    for state, count, due, untried, earliest, latest in session.execute(query.group_by(col(Delivery.state))):
        counts[state.value] = count
        dues[state] = due
        if state is DeliveryState.ACCEPTED:
            accepted = (earliest, latest)
        elif state is DeliveryState.DEFERRED:
            untried_due_at = untried
    return Tally(counts, *accepted, dues, untried_due_at)


def write(session: Session, span: Span) -> None:
    """Into a span that is locked; the caller adds it."""
    tally = of(session, span.edition_id, span.first, span.last)
    span.counts = tally.counts
    span.first_accepted_at, span.last_accepted_at = tally.first_accepted_at, tally.last_accepted_at
