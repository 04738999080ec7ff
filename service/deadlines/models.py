from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service.database import BigKey, UtcDateTime


class Ping(StrEnum):
    """How far the call to the watcher has come."""

    QUEUED = "queued"
    CALLING = "calling"
    DONE = "done"
    FAILED = "failed"  # tried as often as we try
    UNCLEAR = "unclear"  # the process ended during the call: it may have arrived, and nobody calls twice


class Deadline(SQLModel, table=True):
    """The verdict about one edition. The primary key is what makes it, and its call, happen once."""

    edition_id: int = Field(
        primary_key=True, sa_type=BigKey, foreign_key="edition.id", sa_column_kwargs={"autoincrement": False}
    )
    newsletter_id: int = Field(foreign_key="newsletter.id", sa_type=BigKey, index=True)
    due_at: datetime = Field(sa_type=UtcDateTime)
    is_met: bool
    readers: int  # those it was to reach: the audience without those who left before their turn
    in_time: int  # accepted by then
    decided_at: datetime = Field(sa_type=UtcDateTime)
    ping: Ping | None = Field(default=None, sa_column=sa.Column(sa.String(24), nullable=True))
    ping_attempts: int = 0
    ping_due_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    ping_problem: str | None = Field(default=None, max_length=500)
    pinged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
