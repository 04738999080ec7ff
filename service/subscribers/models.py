import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, UtcDateTime, state_column


class State(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


class ConsentKind(StrEnum):
    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    ADDED = "added"
    UNSUBSCRIBED = "unsubscribed"


class Subscriber(SQLModel, table=True):
    """A person. `address_key` makes two spellings one; `address_hash` meets the suppressions."""

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    address: str = Field(max_length=254)
    address_key: str = Field(max_length=320, unique=True)
    address_hash: str = Field(max_length=64, index=True)
    first_name: str | None = Field(default=None, max_length=100)
    created_at: datetime = Field(sa_type=UtcDateTime)


class Subscription(SQLModel, table=True):
    """`revision` counts changes of state: a confirmation link carries it, so it dies with any later change."""

    __table_args__ = (
        sa.UniqueConstraint("newsletter_id", "subscriber_id"),
        sa.Index("ix_subscription_audience", "newsletter_id", "state", "subscriber_id"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    newsletter_id: int = Field(foreign_key="newsletter.id", sa_type=BigKey)
    subscriber_id: int = Field(foreign_key="subscriber.id", sa_type=BigKey, index=True)
    state: State = Field(sa_column=state_column(State))
    revision: int = 1
    confirmed_revision: int | None = None
    requested_at: datetime = Field(sa_type=UtcDateTime)
    confirmed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_because: str | None = Field(default=None, max_length=40)


class ConsentEvent(SQLModel, table=True):
    """Append-only: who agreed to what, when, where, in which words (GDPR Art. 7(1))."""

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    subscription_id: int = Field(foreign_key="subscription.id", sa_type=BigKey, index=True)
    kind: ConsentKind = Field(sa_column=state_column(ConsentKind))
    at: datetime = Field(sa_type=UtcDateTime)
    method: str = Field(max_length=40)
    page: str = Field(default="", max_length=1000)
    wording: str = Field(default="", max_length=1000)
    wording_version: str = Field(default="", max_length=16)
    client: str = Field(default="", max_length=64)


class Cooldown(SQLModel, table=True):
    """How often something was asked for lately, by a hashed key; counted in the statement that admits it."""

    key: str = Field(max_length=80, primary_key=True)
    window_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    count: int = 1
