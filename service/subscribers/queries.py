import uuid
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel, col, select
from sqlmodel.sql.expression import SelectOfScalar

from service import database
from service.subscribers.models import Cooldown, State, Subscriber, Subscription

Row = TypeVar("Row", Subscriber, Subscription)


def insert_for(session: Session, table: type[SQLModel]) -> Any:
    """Both databases know ON CONFLICT; SQLAlchemy spells it for each in a class of its own."""
    return postgresql.insert(table) if database.is_postgresql(session) else sqlite.insert(table)


def subscriber_of_key(session: Session, address_key: str) -> Subscriber | None:
    return session.exec(select(Subscriber).where(Subscriber.address_key == address_key)).first()


def subscriber_by_id(session: Session, subscriber_id: int) -> Subscriber:
    return session.exec(select(Subscriber).where(Subscriber.id == subscriber_id)).one()


def found_or_inserted_subscriber(session: Session, new: Subscriber) -> Subscriber:
    """One row for one key, also when two ask at once: the later one finds what the earlier has inserted."""
    values = new.model_dump(exclude={"id"})
    session.execute(insert_for(session, Subscriber).values(**values).on_conflict_do_nothing())
    query = select(Subscriber).where(Subscriber.address_key == new.address_key)
    return session.exec(_held(query)).one()


def found_or_inserted_subscription(session: Session, new: Subscription) -> Subscription:
    values = new.model_dump(exclude={"id"})
    session.execute(insert_for(session, Subscription).values(**values).on_conflict_do_nothing())
    query = select(Subscription).where(
        Subscription.newsletter_id == new.newsletter_id, Subscription.subscriber_id == new.subscriber_id
    )
    return session.exec(_held(query)).one()


def subscription_of_uid(session: Session, uid: uuid.UUID) -> Subscription | None:
    return session.exec(select(Subscription).where(Subscription.uid == uid)).first()


def locked_subscription_of_uid(session: Session, uid: uuid.UUID) -> Subscription | None:
    """Held until the commit, so that confirming and leaving at the same moment happen one after the other."""
    query = select(Subscription).where(Subscription.uid == uid)
    return session.exec(_held(query)).first()


def is_active_anywhere(session: Session, subscriber_id: int) -> bool:
    query = select(Subscription.id).where(
        Subscription.subscriber_id == subscriber_id, Subscription.state == State.ACTIVE
    )
    return session.exec(query.limit(1)).first() is not None


def last_confirmed_at(session: Session, address_key: str) -> datetime | None:
    query = (
        select(col(Subscription.confirmed_at))
        .join(Subscriber, col(Subscriber.id) == col(Subscription.subscriber_id))
        .where(Subscriber.address_key == address_key, col(Subscription.confirmed_at).is_not(None))
        .order_by(col(Subscription.confirmed_at).desc())
        .limit(1)
    )
    return session.exec(query).first()


def admit(session: Session, first: Cooldown, *, window_from: datetime, limit: int, rested: Any) -> bool:
    """Count it and say whether it was let in: one statement, so that requests at the same moment cannot slip past it."""
    insert = insert_for(session, Cooldown).values(**first.model_dump())
    is_new_window = col(Cooldown.window_at) <= window_from
    statement = insert.on_conflict_do_update(
        index_elements=[col(Cooldown.key)],
        set_={
            "window_at": sa.case((is_new_window, first.window_at), else_=col(Cooldown.window_at)),
            "count": sa.case((is_new_window, 1), else_=col(Cooldown.count) + 1),
            "last_at": first.last_at,
        },
        where=sa.and_(sa.or_(is_new_window, col(Cooldown.count) < limit), rested),
    ).returning(col(Cooldown.key))
    return session.execute(statement).scalar_one_or_none() is not None


def _held(query: SelectOfScalar[Row]) -> SelectOfScalar[Row]:
    """Locked on PostgreSQL, and read anew: what the session knew from before the lock may be old."""
    return query.with_for_update().execution_options(populate_existing=True)
