"""The database's clock went back: whatever waits for a moment would wait that much longer, and is moved back by as much.

What others hold, lease or say is not moved: who lives says so anew, and what lies far ahead counts as said by nobody (`choosing`,
`pace`, `seat_rows`).
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.delivery import quota
from service.delivery.models import Relay, SlowedDown
from service.ledger.models import Delivery, Notice, Run, Span

_MOMENTS = (
    (Span, Span.due_at),
    (Notice, Notice.due_at),
    (Run, Run.canary_until),
    (SlowedDown, SlowedDown.begins_at),
    *((Relay, moment) for moment in (Relay.wait_until, Relay.rest_until, Relay.down_since, Relay.handed_over_at,
                                     Relay.returned_at)),
)  # fmt: skip


def move(session: Session, by: timedelta) -> None:
    now = database.now(session)
    for table, moment in _MOMENTS:
        _move(session, sa.update(table), moment, by, now)
    # A reader's next try was set by the old clock, however short the wait was.
    under_way = sa.select(col(Run.edition_id)).where(col(Run.ended_at).is_(None)).scalar_subquery()
    _move(
        session, sa.update(Delivery).where(col(Delivery.edition_id).in_(under_way)), Delivery.due_at, by, now
    )
    quota.move(session, by, now)


def _move(session: Session, change: sa.Update, moment: Any, by: timedelta, now: datetime) -> None:
    column = col(moment)
    moved = change.where(column > now).values({column: database.earlier(column, by.total_seconds())})
    session.execute(moved, execution_options={"synchronize_session": False})
