"""People who asked for a newsletter and never confirmed are forgotten: an address that somebody else may have typed is not ours to keep."""

from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.ledger.models import Notice, NoticeState
from service.subscribers.models import ConsentEvent, State, Subscriber, Subscription

AT_ONCE = 500


def forget(session: Session, *, before: datetime) -> int:
    """Requests last made before then; how many were there. One who was a reader before stays as one who has left, with the consent
    that was given; of anybody else nothing stays, but a suppression, which has no address.
    """
    query = (
        select(Subscription)
        .where(col(Subscription.state) == State.PENDING, col(Subscription.requested_at) < before)
        .order_by(col(Subscription.id))
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    found = session.exec(query.execution_options(populate_existing=True)).all()
    once_readers = [one for one in found if one.confirmed_at is not None]
    for one in once_readers:
        one.state, one.revision = State.ENDED, one.revision + 1
        session.add(one)
    never = [one for one in found if one.confirmed_at is None]
    session.flush()
    _delete(session, [one.id for one in never], [one.subscriber_id for one in never])
    return len(found)


def _delete(session: Session, subscriptions: list[int], people: list[int]) -> None:
    session.execute(sa.delete(ConsentEvent).where(col(ConsentEvent.subscription_id).in_(subscriptions)))
    session.execute(sa.delete(Subscription).where(col(Subscription.id).in_(subscriptions)))
    has_another = (
        sa.select(sa.literal(1)).where(col(Subscription.subscriber_id) == col(Subscriber.id)).exists()
    )
    alone = sa.select(col(Subscriber.id), col(Subscriber.address)).where(
        col(Subscriber.id).in_(people), ~has_another
    )
    left = session.execute(alone).all()
    session.execute(
        sa.delete(Notice).where(
            col(Notice.address).in_([address for _, address in left]), col(Notice.state) != NoticeState.QUEUED
        )
    )
    session.execute(
        sa.delete(Subscriber).where(col(Subscriber.id).in_([key for key, _ in left])),
        execution_options={"synchronize_session": False},
    )
