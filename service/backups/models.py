import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service.database import Json, UtcDateTime

ONLY = 1  # the table has one row


class Continuity(SQLModel, table=True):
    """How far this database has come: a number that only grows. A copy that is put back has a smaller one than the marker outside.

    `lineage` is drawn anew with each copy that is put back, `forebears` are those before it. `secrets` name the keys in use without
    telling them.
    """

    id: int = Field(default=ONLY, primary_key=True, sa_column_kwargs={"autoincrement": False})
    lineage: uuid.UUID
    forebears: list[str] = Field(default_factory=list, sa_column=sa.Column(Json, nullable=False))
    generation: int = Field(default=0, sa_type=sa.BigInteger)
    beaten_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    copied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    secrets: dict[str, str] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))
    held_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    hold_reason: str | None = Field(default=None, max_length=500)
    copy_of: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the last moment that the copy knows
