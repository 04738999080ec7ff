import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.bounces.findings import Kind
from service.database import BigKey, Json, UtcDateTime, state_column


class RelayHook(SQLModel, table=True):
    """The address at which a relay tells us events. Of its secret only the hash is here; `former_hash` works on until `former_until`.

    `key_box`: what its signatures are checked with, locked in the vault. `troubles`: {word: {"count", "since", "last"}} of requests that
    were not believed or not understood since the key was entered, and the times of the first and the last.
    """

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    relay_id: int = Field(
        sa_column=sa.Column(
            BigKey, sa.ForeignKey("relay.id", ondelete="CASCADE"), nullable=False, unique=True
        )
    )
    format: str = Field(max_length=24)
    secret_hash: str = Field(max_length=64)
    former_hash: str | None = Field(default=None, max_length=64)
    former_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    key_box: str | None = Field(default=None, sa_type=sa.Text)
    topic: str | None = Field(default=None, max_length=320)
    invited_topic: str | None = Field(default=None, max_length=320)
    invited_url: str | None = Field(default=None, sa_type=sa.Text)
    invited_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    made_at: datetime = Field(sa_type=UtcDateTime)
    heard_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    troubles: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))


class RelayEvent(SQLModel, table=True):
    """One event as a relay told it, kept until it is handled and for a while after, so that the same one again is known."""

    __table_args__ = (
        sa.UniqueConstraint("hook_id", "key"),
        sa.Index(
            "ix_relayevent_waiting",
            "id",
            sqlite_where=sa.text("handled_at IS NULL"),
            postgresql_where=sa.text("handled_at IS NULL"),
        ),
        sa.Index("ix_relayevent_received_at", "received_at"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    hook_id: int = Field(
        sa_column=sa.Column(BigKey, sa.ForeignKey("relayhook.id", ondelete="CASCADE"), nullable=False)
    )
    key: str = Field(max_length=120)
    once: str = Field(default="", max_length=64)
    name: str = Field(max_length=60)
    kind: Kind = Field(sa_column=state_column(Kind))
    recipient: str | None = Field(default=None, max_length=320)
    number: str = Field(default="", max_length=250)
    finding: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))
    received_at: datetime = Field(sa_type=UtcDateTime)
    handled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str | None = Field(default=None, max_length=200)
