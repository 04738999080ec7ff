from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service.database import BigKey, UtcDateTime, state_column


class Reason(StrEnum):
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REQUEST = "request"
    MANUAL = "manual"


class Suppression(SQLModel, table=True):
    """In force while `lifted_at` is null; at most one in force for each address."""

    __table_args__ = (
        sa.Index(
            "uq_suppression_in_force",
            "address_hash",
            unique=True,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        ),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    address_hash: str = Field(max_length=64, index=True)
    address: str | None = Field(default=None, max_length=254)
    reason: Reason = Field(sa_column=state_column(Reason))
    source: str = Field(max_length=40)
    evidence: str = Field(default="", max_length=1000)
    created_at: datetime = Field(sa_type=UtcDateTime)
    lifted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lifted_because: str | None = Field(default=None, max_length=500)
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
