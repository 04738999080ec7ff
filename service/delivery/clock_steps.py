"""The database's clock went back: whatever waits for a moment would wait that much longer, and is moved back by as much.

What others hold, lease or say is not moved: who lives says so anew, and what lies far ahead counts as said by nobody (`choosing`,
`pace`, `seat_rows`).
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import quota
from service.delivery.models import Relay, SlowedDown
from service.ledger.models import Delivery, Notice, Run, Span

_OTHERS = (
    (Notice, Notice.due_at),
    (SlowedDown, SlowedDown.begins_at),
    *((Relay, moment) for moment in (Relay.wait_until, Relay.rest_until, Relay.down_since, Relay.handed_over_at,
                                     Relay.returned_at)),
)  # fmt: skip


def move(session: Session, by: timedelta) -> None:
    """All but the readers' own waits, which are many. Runs, then spans by their id: the lock order of everybody."""
    now = database.now(session)
    move_back(session, Run, Run.canary_until, by, now)
    ahead = select(Span.id).where(col(Span.due_at) > now).order_by(col(Span.id)).with_for_update()
    session.exec(ahead).all()
    move_back(session, Span, Span.due_at, by, now)
    for table, moment in _OTHERS:
        move_back(session, table, moment, by, now)
    quota.move(session, by, now)


def under_way(session: Session) -> list[int]:
    """Editions whose readers may wait."""
    return list(session.exec(select(Run.edition_id).where(col(Run.ended_at).is_(None))))


def move_readers(session: Session, edition_id: int, by: timedelta) -> None:
    """A write for each edition, apart from the others: holders record their outcomes meanwhile. Whoever was put off by the new clock
    before it comes early by that, and nobody is lost.
    """
    now = database.now(session)
    change = sa.update(Delivery).where(col(Delivery.edition_id) == edition_id)
    _move(session, change, Delivery.due_at, by, now)


def move_back(session: Session, table: Any, moment: Any, by: timedelta, now: datetime) -> None:
    _move(session, sa.update(table), moment, by, now)


def _move(session: Session, change: sa.Update, moment: Any, by: timedelta, now: datetime) -> None:
    column = col(moment)
    moved = change.where(column > now).values({column: database.earlier(column, by.total_seconds())})
    session.execute(moved, execution_options={"synchronize_session": False})
