import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, Json, UtcDateTime, state_column


class Stopped(StrEnum):
    PAUSED = "paused"
    CANCELLED = "cancelled"
    RESTORED = "restored"


class Reopening(StrEnum):
    """Which rows of an ended run are being made open again."""

    MISSING = "missing"
    HELD = "held"


class Lane(StrEnum):
    BREAKING = "breaking"
    SCHEDULED = "scheduled"


class DeliveryState(StrEnum):
    QUEUED = "queued"
    DEFERRED = "deferred"
    UNCERTAIN = "uncertain"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    HELD = "held"


OPEN = (DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.UNCERTAIN)
ENDED = tuple(state for state in DeliveryState if state not in OPEN)


class Run(SQLModel, table=True):
    """One edition's way to its readers. `turn` is half of the fence: plus one is felt at every worker's next commit."""

    edition_id: int = Field(
        primary_key=True, sa_type=BigKey, foreign_key="edition.id", sa_column_kwargs={"autoincrement": False}
    )
    newsletter_id: int = Field(foreign_key="newsletter.id", sa_type=BigKey)
    cutoff_at: datetime = Field(sa_type=UtcDateTime)
    cursor: int = 0
    last_number: int = 0
    span_size: int
    is_fanned_out: bool = False
    fanned_at: datetime = Field(sa_type=UtcDateTime)
    turn: int = 0
    stopped: Stopped | None = Field(default=None, sa_column=sa.Column(sa.String(24), nullable=True))
    stop_reason: str | None = Field(default=None, max_length=500)
    wave: str | None = Field(
        default=None, max_length=200
    )  # the refusal that many readers got: see delivery.waves
    holds_uncertain: bool = False
    slowed_to: int | None = None  # messages a second, by hand
    lane: Lane = Field(default=Lane.SCHEDULED, sa_column=state_column(Lane, default=Lane.SCHEDULED))
    give_up_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    canary_rows: int | None = None  # they go first; null: the rest may follow
    canary_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    canary_percent: int = 0
    reopening: Reopening | None = Field(default=None, sa_column=sa.Column(sa.String(24), nullable=True))
    reopened_from: int = 1  # rows below it have been looked at already
    reopened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    # Once it is old (retention): its counts as they were, and whether rows are still there that nobody asks any more.
    summarising_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    summarised_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    summary: dict[str, Any] | None = Field(default=None, sa_column=sa.Column(Json, nullable=True))
    has_details: bool = True


class Span(SQLModel, table=True):
    """A run of an edition's deliveries that one worker sends: numbers `first` up to, but without, `last`."""

    __table_args__ = (sa.Index("ix_span_due", "due_at"), sa.Index("ix_span_edition", "edition_id", "first"))

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    edition_id: int = Field(sa_type=BigKey, foreign_key="run.edition_id")
    first: int
    last: int
    lane: Lane = Field(default=Lane.SCHEDULED, sa_column=state_column(Lane, default=Lane.SCHEDULED))
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    epoch: int = Field(default=0, sa_type=sa.BigInteger)
    renewed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    holder: str | None = Field(default=None, max_length=80)
    in_flight: list[int] = Field(default_factory=list, sa_column=sa.Column(Json, nullable=False))
    pins: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))
    deaths: int = 0
    counts: dict[str, int] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))
    first_accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Delivery(SQLModel, table=True):
    """One message to one reader. "Being sent" is no state here: it is the number in its span's `in_flight`.

    No index on state or time: rows are read by number, and an update that touches no index stays HOT on PostgreSQL.
    Partitioned by edition range there.
    """

    __table_args__ = (
        sa.UniqueConstraint("edition_id", "subscriber_id"),
        {"postgresql_partition_by": "RANGE (edition_id)"},
    )

    edition_id: int = Field(primary_key=True, sa_type=BigKey, sa_column_kwargs={"autoincrement": False})
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    subscriber_id: int = Field(sa_type=BigKey)
    subscription_id: int = Field(sa_type=BigKey)
    address: str = Field(max_length=254)
    fields: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))
    state: DeliveryState = Field(
        default=DeliveryState.QUEUED, sa_column=state_column(DeliveryState, default=DeliveryState.QUEUED)
    )
    attempts: int = 0
    attempts_before: int = 0  # those made when it was last opened again: the waits between tries begin anew
    uncertain_count: int = 0
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    reply: str | None = Field(default=None, max_length=500)
    at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    pins: dict[str, Any] | None = Field(default=None, sa_column=sa.Column(Json, nullable=True))


class Bounced(SQLModel, table=True):
    """A delivery that came back, after the relay had accepted it or before we knew that it had. Beside its row, so that the row's own
    state stays what the relay answered. `kind` is the gravest that was said (`bounces.findings`).
    """

    edition_id: int = Field(primary_key=True, sa_type=BigKey, sa_column_kwargs={"autoincrement": False})
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = Field(max_length=24)
    weight: int
    status: str = Field(default="", max_length=12)
    reply: str = Field(default="", max_length=500)
    at: datetime = Field(sa_type=UtcDateTime)


class NoticeState(StrEnum):
    QUEUED = "queued"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    HELD = "held"


class Notice(SQLModel, table=True):
    """A message that is no edition (confirmation, alarm, test): a span of one. Its bytes are made when taken, and pinned."""

    __table_args__ = (sa.Index("ix_notice_due", "due_at"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    kind: str = Field(max_length=40)
    address: str = Field(max_length=254)
    subject_id: int | None = Field(default=None, sa_type=BigKey)
    payload: dict[str, Any] = Field(default_factory=dict, sa_column=sa.Column(Json, nullable=False))
    state: NoticeState = Field(
        default=NoticeState.QUEUED, sa_column=state_column(NoticeState, default=NoticeState.QUEUED)
    )
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    give_up_at: datetime = Field(sa_type=UtcDateTime)
    epoch: int = Field(default=0, sa_type=sa.BigInteger)
    renewed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    is_in_flight: bool = False
    attempts: int = 0
    uncertain_count: int = 0
    message: bytes | None = Field(default=None, sa_type=sa.LargeBinary)
    reply: str | None = Field(default=None, max_length=500)
    created_at: datetime = Field(sa_type=UtcDateTime)
    at: datetime | None = Field(default=None, sa_type=UtcDateTime)
