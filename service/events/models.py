import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, Json, UtcDateTime


class Event(SQLModel, table=True):
    __table_args__ = (sa.Index("ix_event_subject", "subject", "subject_uid"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor: str = Field(max_length=120)
    name: str = Field(max_length=60)
    subject: str = Field(default="", max_length=40)
    subject_uid: uuid.UUID | None = None
    facts: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))
