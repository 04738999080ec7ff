import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, Json, UtcDateTime, state_column


class UncertainPolicy(StrEnum):
    """What happens to a message that may or may not have been accepted."""

    REPEAT_ONCE = "repeat_once"
    HOLD = "hold"


class Newsletter(SQLModel, table=True):
    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    slug: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=120)
    description: str = Field(default="", max_length=1000)
    language: str = Field(default="en", max_length=35)
    time_zone: str = Field(max_length=64)
    from_name: str = Field(max_length=120)
    from_address: str = Field(max_length=254)
    reply_to: str | None = Field(default=None, max_length=254)
    list_id: str = Field(max_length=255)
    postal_address: str = Field(max_length=500)
    accent: str = Field(default="#b3261e", max_length=7)
    consent_wording: str = Field(default="", max_length=1000)
    staff: list[dict[str, str]] = Field(default_factory=list, sa_column=sa.Column(Json, nullable=False))
    is_open: bool = True
    uncertain_policy: UncertainPolicy = Field(
        default=UncertainPolicy.REPEAT_ONCE,
        sa_column=state_column(UncertainPolicy, default=UncertainPolicy.REPEAT_ONCE),
    )
    lateness_minutes: int = 120
    created_at: datetime = Field(sa_type=UtcDateTime)
    options: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))
