"""Who is missing: readers who certainly do not have an edition and may still get it.

    refused, expired, cancelled · never handed over without an answer · subscribed · not suppressed     missing
    held, or one of the above after a hand-over without an answer                                       in doubt: may have it

So a dead address is not missing: it was suppressed when the run ended, unless so many were called dead that nobody believed it.
"""

import sqlalchemy as sa
from sqlmodel import Session, col

from service.ledger import rows
from service.ledger.models import Delivery, DeliveryState, Reopening
from service.ledger.rows import Conditions, DeliveryRow
from service.subscribers.models import State, Subscriber, Subscription
from service.suppressions.models import Suppression

WITHOUT = (DeliveryState.REFUSED, DeliveryState.EXPIRED, DeliveryState.CANCELLED)


def those(which: Reopening) -> Conditions:
    """What holds for the rows of readers who are missing, or in doubt."""
    ended_without = col(Delivery.state).in_(WITHOUT)
    if which is Reopening.MISSING:
        return (ended_without, col(Delivery.uncertain_count) == 0, *_may_get_it())
    in_doubt = sa.or_(
        col(Delivery.state) == DeliveryState.HELD, sa.and_(ended_without, col(Delivery.uncertain_count) > 0)
    )
    return (in_doubt, *_may_get_it())


def count(session: Session, edition_id: int, which: Reopening = Reopening.MISSING) -> int:
    query = sa.select(sa.func.count()).where(col(Delivery.edition_id) == edition_id, *those(which))
    return int(session.execute(query).scalar_one())


def page(
    session: Session, edition_id: int, *, address: str | None = None, after: int = 0, limit: int = 100
) -> list[DeliveryRow]:
    """Those missing, by number."""
    conditions = (*those(Reopening.MISSING), *rows.with_address(address))
    return rows.matching(session, edition_id, conditions, after=after, limit=limit)


def _may_get_it() -> Conditions:
    subscribed = sa.select(sa.literal(1)).where(
        col(Subscription.id) == col(Delivery.subscription_id), col(Subscription.state) == State.ACTIVE
    )
    suppressed = (
        sa.select(sa.literal(1))
        .select_from(Suppression)
        .join(Subscriber, col(Subscriber.address_hash) == col(Suppression.address_hash))
        .where(col(Subscriber.id) == col(Delivery.subscriber_id), col(Suppression.lifted_at).is_(None))
    )
    return (subscribed.exists(), ~suppressed.exists())
