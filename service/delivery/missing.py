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


def counts(session: Session, edition_id: int) -> dict[Reopening, int]:
    """Missing, and in doubt, in one look."""
    is_missing = sa.and_(col(Delivery.state).in_(WITHOUT), col(Delivery.uncertain_count) == 0)
    which = sa.case((is_missing, Reopening.MISSING.value), else_=Reopening.HELD.value)
    query = sa.select(which, sa.func.count()).where(
        col(Delivery.edition_id) == edition_id,
        col(Delivery.state).in_((*WITHOUT, DeliveryState.HELD)),
        *_may_get_it(),
    )
    return {Reopening(word): number for word, number in session.execute(query.group_by(which))}


def count(session: Session, edition_id: int, which: Reopening = Reopening.MISSING) -> int:
    return counts(session, edition_id).get(which, 0)


def first(session: Session, edition_id: int, *, limit: int) -> list[DeliveryRow]:
    """Those missing, by number."""
    return rows.matching(session, edition_id, those(Reopening.MISSING), limit=limit)


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
