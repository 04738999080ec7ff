"""Pages of a span: about a second's work at a time, so that whoever leaves meanwhile is left out.

First a look, a read that mostly finds nothing to do; else a write (expiry, who left or is suppressed) and then the read, without
locks. A page is stale after two seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database, prepared
from service.database import UtcDateTime
from service.delivery import fence
from service.delivery.fence import Take
from service.ledger.models import OPEN, Delivery, DeliveryState, Run, Span
from service.prepared import Prepared, PreparedRows
from service.subscribers.models import State, Subscriber, Subscription
from service.suppressions.models import Suppression

TOO_LATE = "Its time was over before the relay took it."


class Row(NamedTuple):
    """A delivery that may be handed over now."""

    number: int
    address: str
    fields: dict[str, Any]
    state: DeliveryState
    attempts: int
    uncertain_count: int
    pins: dict[str, Any] | None
    attempts_before: int = 0


@dataclass(frozen=True)
class Page:
    """At most `size` due rows with numbers above `behind` and, once it is open, up to `last`."""

    size: int
    behind: int = 0
    last: int = 0
    progressed: bool = False  # something of the span was recorded: its holder is no dead end


def clean(session: Session, taken: Take, page: Page) -> list[Row] | None:
    """The next rows if nothing has to be written first, as it mostly is; then no writer has to be waited for. Fewer than `size`: no
    others are due in this span.

    Empty: nothing is due here, or the fence has fallen. None: some have to be expired or left out: `open_page`, then `rows`.
    """
    connection = session.connection()
    stands = _STANDS.run(connection, fence.fenced(taken)).fetchone()
    if stands is None:
        return []
    give_up_at, now = map(prepared.moment, stands)
    if now >= give_up_at:
        return None
    found = _LOOKED_AT.run(connection, _place(taken, page, now))
    return None if any(unwanted for *_, unwanted in found) else [_row(values) for *values, _ in found]


def open_page(session: Session, taken: Take, page: Page) -> int | None:
    """Prepare the next rows: expire, skip who left or is suppressed. Returns the last number of the page.

    None: nothing is due here, or the fence has fallen. Once the run's end has passed every open row is due, for the span then is:
    one that waited for a later try would be found again and again. A reader who may have it never expires or is skipped: held.
    """
    if not _still_mine(session, taken, progressed=page.progressed):
        return None
    connection = session.connection()
    give_up_at, now = map(
        prepared.moment, _MOMENTS.run(connection, {"the_edition": taken.edition_id}).fetchone()
    )
    is_over = now >= give_up_at
    place = _place(taken, page, None if is_over else now)
    last, unwanted = (_ALL_OPEN if is_over else _ALL_DUE).run(connection, place).fetchone()
    if last is None:
        return None
    place["last"] = last
    up_to_last = col(Delivery.number) <= sa.bindparam("last")
    if is_over:
        waiting = (*_open(), up_to_last)
        _end_without_trying(session, place, waiting, (DeliveryState.EXPIRED, sa.literal(TOO_LATE)))
    elif unwanted:
        waiting = (*_due(), up_to_last)
        for reason, condition in _reasons_to_skip():
            _end_without_trying(session, place, (*waiting, condition), (DeliveryState.SKIPPED, reason))
    return int(last)


def rows(session: Session, taken: Take, page: Page) -> list[Row]:
    """The rows of an opened page, read without locks."""
    place = {**_place(taken, page, database.now(session)), "last": page.last}
    return [_row(values) for values in _ROWS.run(session.connection(), place)]


def _row(values: Sequence[Any]) -> Row:
    number, address, fields, state, attempts, unclear, pins, before = values
    return Row(number, address, fields, _STATES[state], attempts, unclear, pins, before)


def _still_mine(session: Session, taken: Take, *, progressed: bool) -> bool:
    statement = fence.RENEW_PROGRESSED if progressed else fence.RENEW_FENCED
    return statement.run(session.connection(), fence.fenced(taken)).rowcount == 1


def _place(taken: Take, page: Page, now: datetime | None) -> dict[str, Any]:
    place: dict[str, Any] = {
        "the_edition": taken.edition_id,
        "above": max(page.behind, taken.first - 1),
        "below": taken.last,
        "size": page.size,
    }
    return place if now is None else {**place, "now": now}


def _open() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Delivery.edition_id) == sa.bindparam("the_edition"),
        col(Delivery.number) > sa.bindparam("above"),
        col(Delivery.number) < sa.bindparam("below"),
        sa.or_(*(col(Delivery.state) == state for state in OPEN)),
    )


def _due() -> tuple[sa.ColumnElement[bool], ...]:
    now = sa.bindparam("now", type_=UtcDateTime())
    return (*_open(), sa.or_(col(Delivery.due_at).is_(None), col(Delivery.due_at) <= now))


def _is_subscribed() -> sa.ColumnElement[bool]:
    """A value, as is why somebody is suppressed. With EXISTS a planner that knows little of today's rows may hash all subscriptions there
    are, whole, for each page (9 ms for 60,000 where a page takes 1, measured on PostgreSQL 15).
    """
    state = sa.select(col(Subscription.state) == State.ACTIVE).where(
        col(Subscription.id) == col(Delivery.subscription_id)
    )
    return sa.func.coalesce(state.correlate(Delivery).scalar_subquery(), sa.false())


def _why_suppressed() -> sa.ScalarSelect[str]:
    return (
        sa.select(sa.cast(col(Suppression.reason), sa.Text))
        .join(Subscriber, col(Subscriber.address_hash) == col(Suppression.address_hash))
        .where(col(Subscriber.id) == col(Delivery.subscriber_id), col(Suppression.lifted_at).is_(None))
        .correlate(Delivery)
        .limit(1)
        .scalar_subquery()
    )


def _is_unwanted() -> sa.ColumnElement[int]:
    return sa.case((sa.or_(~_is_subscribed(), _why_suppressed().is_not(None)), 1), else_=0).label("unwanted")


def _look(which: tuple[sa.ColumnElement[bool], ...]) -> sa.Select[Any]:
    """The page's last number, and whether anybody in it is to be left out: mostly nobody is."""
    page = (
        sa.select(col(Delivery.number).label("number"), _is_unwanted())
        .where(*which)
        .order_by(col(Delivery.number))
        .limit(sa.bindparam("size"))
        .subquery()
    )
    return sa.select(sa.func.max(page.c.number), sa.func.max(page.c.unwanted))


def _stands(which: tuple[sa.ColumnElement[bool], ...]) -> Prepared:
    """A row while the fence does."""
    moments = sa.select(col(Run.give_up_at), database.utc_now())
    return Prepared(moments.join(Span, col(Span.edition_id) == col(Run.edition_id)).where(*which))


def _reasons_to_skip() -> list[tuple[sa.ColumnElement[str], sa.ColumnElement[bool]]]:
    why = _why_suppressed()
    return [
        (sa.literal("Left before the message's turn came."), ~_is_subscribed()),
        (sa.literal("Suppressed: ") + why, why.is_not(None)),
    ]


def _end_without_trying(
    session: Session,
    place: dict[str, Any],
    which: tuple[sa.ColumnElement[bool], ...],
    end: tuple[DeliveryState, sa.ColumnElement[str]],
) -> None:
    state, reason = end
    unclear = col(Delivery.uncertain_count) > 0
    values = {
        "state": sa.case((unclear, DeliveryState.HELD.value), else_=state.value),
        "reply": sa.case((unclear, sa.literal("Held, it may have arrived. ") + reason), else_=reason),
        "at": database.utc_now(),
        "due_at": None,
    }
    session.connection().execute(sa.update(Delivery).where(*which).values(**values), place)


_MOMENTS = Prepared(
    sa.select(col(Run.give_up_at), database.utc_now()).where(
        col(Run.edition_id) == sa.bindparam("the_edition")
    )
)
_STANDS = _stands(fence.FENCE)
_ALL_OPEN = Prepared(_look(_open()))
_ALL_DUE = Prepared(_look(_due()))
_STATES = {state.value: state for state in DeliveryState}
_COLUMNS = (
    col(Delivery.number), col(Delivery.address), col(Delivery.fields), col(Delivery.state),
    col(Delivery.attempts), col(Delivery.uncertain_count), col(Delivery.pins), col(Delivery.attempts_before),
)  # fmt: skip
_LOOKED_AT = PreparedRows(
    sa.select(*_COLUMNS, _is_unwanted())
    .where(*_due())
    .order_by(col(Delivery.number))
    .limit(sa.bindparam("size"))
)
_ROWS = PreparedRows(
    sa.select(*_COLUMNS)
    .where(*_due(), col(Delivery.number) <= sa.bindparam("last"))
    .order_by(col(Delivery.number))
    .limit(sa.bindparam("size"))
)
