import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, Json, UtcDateTime, state_column


class State(StrEnum):
    PROPOSED = "proposed"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"


class ReaderImport(SQLModel, table=True):
    """One file for one newsletter. `cursor`: so many of its rows have been dealt with. `due_at`: while it runs, from when on anybody may
    carry it on; whoever is at it moves that ahead. `consent` is the word of `attested_by` for how the readers agreed.
    """

    __table_args__ = (
        sa.Index(
            "ix_readerimport_due",
            "due_at",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        ),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    newsletter_id: int = Field(foreign_key="newsletter.id", sa_type=BigKey, index=True)
    state: State = Field(sa_column=state_column(State))
    file_name: str = Field(max_length=200)
    octets: int
    layout: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    rows: int = 0
    brought_by: str = Field(max_length=200)
    attested_by: str | None = Field(default=None, max_length=200)
    consent: str = Field(default="", max_length=1000)
    cursor: int = 0
    counts: dict[str, int] = Field(default_factory=dict, sa_type=Json)
    problems: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    problem_count: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ImportFile(SQLModel, table=True):
    """What the file holds, compressed, and what its preview shows: let go when the import has ended. By itself, for the import's row is
    written with every piece.
    """

    import_id: int = Field(primary_key=True, foreign_key="readerimport.id", sa_type=BigKey)
    data: bytes
    look: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
