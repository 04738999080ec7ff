import uuid
from datetime import date, datetime, time
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, UtcDateTime, state_column


class State(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    SENT = "sent"
    PAUSED = "paused"
    CANCELLED = "cancelled"


class Fate(StrEnum):
    """What became of a slot."""

    EDITION = "edition"
    SKIPPED = "skipped"
    MISSED = "missed"


class Edition(SQLModel, table=True):
    """`slot` numbers the editions of one local date; the second of a day ends in -2 on the web."""

    __table_args__ = (sa.UniqueConstraint("newsletter_id", "local_date", "slot"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    newsletter_id: int = Field(foreign_key="newsletter.id", sa_type=BigKey)
    local_date: date
    slot: int = 1
    state: State = Field(sa_column=state_column(State, default=State.DRAFT, index=True))
    is_automatic: bool = False
    version_number: int = 0
    scheduled_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    missing_count: int = 0
    stop_reason: str | None = Field(default=None, max_length=500)
    created_at: datetime = Field(sa_type=UtcDateTime)

    @property
    def standing(self) -> str:
        """Its state as people are told it: `sent, 3 missing` if not everybody has it who should."""
        is_short = self.state is State.SENT and self.missing_count > 0
        return f"sent, {self.missing_count:,} missing" if is_short else self.state.value


class Version(SQLModel, table=True):
    """An edition's blocks as one document: append-only, hashed."""

    __table_args__ = (sa.UniqueConstraint("edition_id", "number"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    edition_id: int = Field(foreign_key="edition.id", sa_type=BigKey)
    number: int
    document: str = Field(sa_type=sa.Text)
    sha256: str = Field(max_length=64)
    author: str = Field(max_length=120)
    created_at: datetime = Field(sa_type=UtcDateTime)


class VersionItem(SQLModel, table=True):
    """Which articles a version places, so that the next digest knows what has been used."""

    __table_args__ = (sa.UniqueConstraint("version_id", "article_id"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    version_id: int = Field(foreign_key="version.id", sa_type=BigKey)
    article_id: int = Field(foreign_key="article.id", sa_type=BigKey, index=True)


class EditionPicture(SQLModel, table=True):
    """Which pictures an edition shows, by what its newest version calls them. `picture_id`: which one it was in the mail that left, so
    that neither it nor the page on the web changes when the address shows another one later.
    """

    __table_args__ = (sa.UniqueConstraint("edition_id", "address_id"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    edition_id: int = Field(foreign_key="edition.id", sa_type=BigKey)
    address_id: int = Field(foreign_key="pictureaddress.id", sa_type=BigKey, index=True)
    picture_id: int | None = Field(default=None, foreign_key="storedpicture.id", sa_type=BigKey, index=True)


class Share(SQLModel, table=True):
    """A link that shows an edition to colleagues until it expires or is withdrawn."""

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    edition_id: int = Field(foreign_key="edition.id", sa_type=BigKey, index=True)
    made_by: str = Field(max_length=120)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Rendition(SQLModel, table=True):
    """A version as MIME bytes with holes, made once; never changed, for deliveries pin it."""

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    edition_id: int = Field(foreign_key="edition.id", sa_type=BigKey, index=True)
    version_id: int = Field(foreign_key="version.id", sa_type=BigKey)
    data: bytes = Field(sa_type=sa.LargeBinary)
    sha256: str = Field(max_length=64)
    html_octets: int
    created_at: datetime = Field(sa_type=UtcDateTime)


class Cadence(SQLModel, table=True):
    """When a newsletter regularly appears: weekday names, wall-clock time, zone, and the next run in UTC."""

    __table_args__ = (sa.UniqueConstraint("newsletter_id", "slot"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    newsletter_id: int = Field(foreign_key="newsletter.id", sa_type=BigKey)
    slot: int = 1
    weekdays: str = Field(max_length=40)
    local_time: time
    time_zone: str = Field(max_length=64)
    is_automatic: bool = False
    next_date: date
    next_run_at: datetime = Field(sa_type=UtcDateTime, index=True)


class Occurrence(SQLModel, table=True):
    """A newsletter's slot on a local date and what became of it. Unique: no two ticks or workers can run a slot twice."""

    __table_args__ = (sa.UniqueConstraint("newsletter_id", "local_date", "slot"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    newsletter_id: int = Field(foreign_key="newsletter.id", sa_type=BigKey)
    local_date: date
    slot: int
    due_at: datetime = Field(sa_type=UtcDateTime)
    fate: Fate = Field(sa_column=state_column(Fate))
    edition_id: int | None = Field(default=None, foreign_key="edition.id", sa_type=BigKey)
    reason: str = Field(default="", max_length=500)
    at: datetime = Field(sa_type=UtcDateTime)
