import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, Json, UtcDateTime


class Checkup(SQLModel, table=True):
    """An examination as it came out, in the form of `Examination.facts`. The last few are kept."""

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    at: datetime = Field(sa_type=UtcDateTime)
    actor: str = Field(max_length=200)
    facts: dict[str, Any] = Field(sa_column=sa.Column(Json, nullable=False))
