import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, Json, UtcDateTime


class WorkerProcess(SQLModel, table=True):
    """One life of a worker. `name` is the holder of its spans; a container that is started again may bear it once more."""

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    name: str = Field(max_length=80)
    host: str = Field(max_length=64)
    pid: int
    version: str = Field(max_length=40)
    started_at: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)
    stopped_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime
    )  # said good-bye; null: at work, or died
    figures: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))
