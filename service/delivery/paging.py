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
from service.ledger import tallies
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


def open_page(session: Session, taken: Take, *, size: int, progressed: bool) -> int | None:
    """Prepare the next rows: expire, skip who left or is suppressed. Returns the last number of the page.

    None: nothing is due here, or the fence has fallen. Once the run's end has passed every open row is due, for the span then is:
    one that waited for a later try would be found again and again. A reader who may have it never expires or is skipped: held.
    """
    if not _still_mine(session, taken, progressed=progressed):
        return None
    run = session.get_one(Run, taken.edition_id)
    now = database.now(session)
    is_over = now >= run.give_up_at
    due = _open(taken) if is_over else _due(taken, now)
    due_rows = sa.select(col(Delivery.number)).where(*due).order_by(col(Delivery.number)).limit(size)
    last = session.execute(sa.select(sa.func.max(due_rows.subquery().c.number))).scalar_one()
    if last is None:
        return None
    waiting = (*due, col(Delivery.number) <= last)
    if is_over:
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
            col(Delivery.attempts), col(Delivery.uncertain_count), col(Delivery.pins),
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


def _open(taken: Take) -> tuple[sa.ColumnElement[bool], ...]:
    return (*tallies.in_span(taken.edition_id, taken.first, taken.last), col(Delivery.state).in_(OPEN))


def _due(taken: Take, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (*_open(taken), sa.or_(col(Delivery.due_at).is_(None), col(Delivery.due_at) <= now))


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
    unclear = col(Delivery.uncertain_count) > 0
    values = {
        "state": sa.case((unclear, DeliveryState.HELD.value), else_=state.value),
        "reply": sa.case((unclear, sa.literal("Held, it may have arrived. ") + reason), else_=reason),
        "at": database.utc_now(),
        "due_at": None,
    }
    session.execute(
        sa.update(Delivery).where(*which).values(**values), execution_options={"synchronize_session": False}
    )
