import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, UtcDateTime


class Account(SQLModel, table=True):
    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    name: str = Field(max_length=120)
    address: str = Field(max_length=254)
    address_key: str = Field(max_length=320, unique=True)
    password_hash: str = Field(max_length=200)
    created_at: datetime = Field(sa_type=UtcDateTime)


class DeskSession(SQLModel, table=True):
    """A signed-in browser; only the hash of what its cookie holds is kept."""

    secret_hash: str = Field(max_length=64, primary_key=True)
    account_id: int = Field(foreign_key="account.id", sa_type=BigKey, index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)


class Key(SQLModel, table=True):
    """A program's right to call the API. `scopes` are words divided by blanks."""

    __tablename__ = "api_key"

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    name: str = Field(max_length=120)
    prefix: str = Field(max_length=16)
    secret_hash: str = Field(max_length=64, unique=True)
    scopes: str = Field(max_length=200)
    created_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class KeptReply(SQLModel, table=True):
    """The answer to a POST with an `Idempotency-Key`, kept 24 h; `status` is null while the first one is still at work."""

    __table_args__ = (sa.UniqueConstraint("key_id", "idempotency_key"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    key_id: int = Field(foreign_key="api_key.id", sa_type=BigKey)
    idempotency_key: str = Field(max_length=200)
    request_sha256: str = Field(max_length=64)
    status: int | None = None
    body: str | None = Field(default=None, sa_type=sa.Text)
    created_at: datetime = Field(sa_type=UtcDateTime, index=True)
