from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service.database import BigKey, UtcDateTime


class StoredPicture(SQLModel, table=True):
    """A picture in the store, which keeps the bytes under its name."""

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    sha256: str = Field(max_length=64, unique=True)
    extension: str = Field(max_length=8)
    width: int
    height: int
    octets: int
    created_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def name(self) -> str:
        return f"{self.sha256}.{self.extension}"


class PictureAddress(SQLModel, table=True):
    """What documents call a picture. `due_at`: when it is to be fetched; none: it is not. `problem`: why the last try failed."""

    __table_args__ = (
        sa.Index(
            "ix_pictureaddress_due",
            "due_at",
            sqlite_where=sa.text("due_at IS NOT NULL"),
            postgresql_where=sa.text("due_at IS NOT NULL"),
        ),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    key: str = Field(max_length=64, unique=True)
    url: str = Field(max_length=2000)
    picture_id: int | None = Field(default=None, foreign_key="storedpicture.id", sa_type=BigKey, index=True)
    problem: str | None = Field(default=None, max_length=500)
    tries: int = 0
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fetched_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    asked_at: datetime = Field(sa_type=UtcDateTime, index=True)
