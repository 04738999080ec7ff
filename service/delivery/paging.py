"""Pages of a span: about a second's work at a time, so that whoever leaves meanwhile is left out.

First a write (fence, expiry, who left or is suppressed), then a read without locks. A page is stale after two seconds.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.delivery import spans
from service.delivery.spans import Take
from service.ledger.models import OPEN, Delivery, DeliveryState, Run, Span
from service.subscribers.models import State, Subscriber, Subscription
from service.suppressions.models import Suppression

TOO_LATE = "Its time was over before the relay took it."


@dataclass(frozen=True)
class Row:
    """A delivery that may be handed over now."""

    number: int
    address: str
    fields: dict[str, Any]
    state: DeliveryState
    attempts: int
    uncertain_count: int
    pins: dict[str, Any] | None
    attempts_before: int = 0


def open_page(session: Session, taken: Take, *, size: int, progressed: bool) -> int | None:
    """Prepare the next rows: expire, skip who left or is suppressed. Returns the last number of the page.

    None: nothing is due here, or the fence has fallen. An uncertain reader never expires or is skipped: that row is held.
    """
    if not _still_mine(session, taken, progressed=progressed):
        return None
    run = session.get_one(Run, taken.edition_id)
    now = database.now(session)
    due_rows = (
        sa.select(col(Delivery.number)).where(*_due(taken, now)).order_by(col(Delivery.number)).limit(size)
    )
    last = session.execute(sa.select(sa.func.max(due_rows.subquery().c.number))).scalar_one()
    if last is None:
        return None
    waiting = (*_due(taken, now), col(Delivery.number) <= last)
    if now >= run.give_up_at:
        _end_without_trying(session, waiting, DeliveryState.EXPIRED, sa.literal(TOO_LATE))
        return int(last)
    for reason, condition in _reasons_to_skip():
        _end_without_trying(session, (*waiting, condition), DeliveryState.SKIPPED, reason)
    return int(last)


def rows(session: Session, taken: Take, last: int) -> list[Row]:
    """The rows of a page, read without locks."""
    now = database.now(session)
    query = (
        sa.select(
            col(Delivery.number), col(Delivery.address), col(Delivery.fields), col(Delivery.state),
            col(Delivery.attempts), col(Delivery.uncertain_count), col(Delivery.pins), col(Delivery.attempts_before),
        )
        .where(*_due(taken, now), col(Delivery.number) <= last)
        .order_by(col(Delivery.number))
    )  # fmt: skip
    return [Row(*row) for row in session.execute(query)]


def _still_mine(session: Session, taken: Take, *, progressed: bool) -> bool:
    values: dict[str, Any] = {"renewed_at": database.utc_now()}
    if progressed:
        values["deaths"] = 0
    return spans.affected(session, sa.update(Span).where(*spans.fence(taken)).values(**values)) == 1


def _due(taken: Take, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        *spans.in_span(taken.edition_id, taken.first, taken.last),
        col(Delivery.state).in_(OPEN),
        sa.or_(col(Delivery.due_at).is_(None), col(Delivery.due_at) <= now),
    )


def _reasons_to_skip() -> list[tuple[sa.ColumnElement[str], sa.ColumnElement[bool]]]:
    subscribed = sa.select(sa.literal(1)).where(
        col(Subscription.id) == col(Delivery.subscription_id), col(Subscription.state) == State.ACTIVE
    )
    suppressed = (
        sa.select(sa.cast(col(Suppression.reason), sa.Text))
        .join(Subscriber, col(Subscriber.address_hash) == col(Suppression.address_hash))
        .where(col(Subscriber.id) == col(Delivery.subscriber_id), col(Suppression.lifted_at).is_(None))
        .limit(1)
    )
    return [
        (sa.literal("Left before the message's turn came."), ~subscribed.exists()),
        (
            sa.literal("Suppressed: ") + sa.func.coalesce(suppressed.scalar_subquery(), ""),
            suppressed.exists(),
        ),
    ]


def _end_without_trying(
    session: Session,
    which: tuple[sa.ColumnElement[bool], ...],
    state: DeliveryState,
    reason: sa.ColumnElement[str],
) -> None:
    unclear = col(Delivery.state) == DeliveryState.UNCERTAIN
    values = {
        "state": sa.case((unclear, DeliveryState.HELD.value), else_=state.value),
        "reply": sa.case((unclear, sa.literal("Held, it may have arrived. ") + reason), else_=reason),
        "at": database.utc_now(),
        "due_at": None,
    }
    session.execute(
        sa.update(Delivery).where(*which).values(**values), execution_options={"synchronize_session": False}
    )
