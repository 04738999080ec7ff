"""At the end of a run: readers whom the relay refused in a way that counts are struck, as if the same had come back later.

Not when they are more than 5 % of those accepted: then the fault is more likely ours, and the next edition will tell.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from service.bounces import standing, strikes
from service.database import Database
from service.delivery import outcome
from service.ledger import progress
from service.ledger.models import Delivery, DeliveryState
from service.suppressions import register
from service.suppressions.models import Reason

CHUNK = 200
MOST, OF_ACCEPTED = 10, 0.05
_WITHOUT = (DeliveryState.REFUSED, DeliveryState.EXPIRED)


def strike(session: Session, edition_id: int, *, behind: int, pepper: str, now: datetime) -> int | None:
    """The next few above that number; returns the last that was looked at, None when there are no more.

    Killed on the way, the rest is looked at after the next edition: what counts is read from the ledger each time.
    """
    if behind == 0 and _are_too_many(session, edition_id):
        return None
    query = (
        sa.select(
            col(Delivery.number), col(Delivery.subscriber_id), col(Delivery.address), col(Delivery.reply)
        )
        .where(
            col(Delivery.edition_id) == edition_id,
            col(Delivery.number) > behind,
            col(Delivery.state).in_(_WITHOUT),
        )
        .order_by(col(Delivery.number))
        .limit(CHUNK)
    )
    rows = session.execute(query).all()
    for _, subscriber_id, address, reply in rows:
        if not outcome.strikes_the_reader(outcome.of_recorded(reply or "")):
            continue
        failures = strikes.in_a_row(standing.of(session, subscriber_id, now=now), now)
        if strikes.are_enough(failures):
            said = f"{len(failures)} editions in a row failed since {failures[0].at.date()}: {reply}"
            register.suppress(
                session, address, register.Cause(Reason.BOUNCE, "smtp", said), pepper=pepper, now=now
            )
    return rows[-1][0] if len(rows) == CHUNK else None


async def strike_all(database: Database, edition_id: int, pepper: str, now: datetime) -> None:
    """In short transactions, one after the other."""
    behind: int | None = 0
    while behind is not None:
        behind = await database.write(strike, edition_id, behind=behind, pepper=pepper, now=now)


def _are_too_many(session: Session, edition_id: int) -> bool:
    found = progress.of(session, edition_id)
    return found.refused + found.expired > max(MOST, OF_ACCEPTED * found.accepted)
