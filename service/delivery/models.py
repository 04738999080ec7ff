import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, UtcDateTime, state_column
from service.delivery.sharing import SeatLane


class Role(StrEnum):
    """What a relay is for. At most one is the main one, and at most one stands in for it."""

    MAIN = "main"
    FALLBACK = "fallback"
    OFF = "off"


class Relay(SQLModel, table=True):
    """The SMTP server we hand to, and its clock: until `wait_until` nothing is handed to it.

    A row without a host is a clock and nothing else (the built-in mailbox has one). The row of MEMO_RELAY_URL shows what the
    setting says, without its password, which stays in the setting.
    """

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    name: str = Field(max_length=120, unique=True)
    profile: str = Field(default="generic", max_length=40)
    host: str = Field(default="", max_length=253)
    port: int = 0
    tls: str = Field(default="required", max_length=24)
    user: str | None = Field(default=None, max_length=250)
    password_box: str | None = Field(default=None, sa_type=sa.Text)
    role: Role = Field(default=Role.OFF, sa_column=state_column(Role, default=Role.OFF))
    # At once, from all workers together; null: from each of them what the setting says.
    connections: int | None = None
    is_from_setting: bool = False
    rate: int | None = None  # messages a second, from all workers together; null: as many as it takes
    per_hour: int | None = None
    per_day: int | None = None  # in any 24 hours
    slowed_to: int | None = None  # messages a second, by hand, for as long as a person wants it
    rest_until: datetime | None = Field(default=None, sa_type=UtcDateTime)  # editions wait; notices do not
    rest_reason: str | None = Field(default=None, max_length=500)
    paused_because: str | None = Field(default=None, max_length=300)  # by a person; null: it is not paused
    wait_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str | None = Field(default=None, max_length=500)
    failures: int = 0
    since: datetime | None = Field(default=None, sa_type=UtcDateTime)
    down_since: datetime | None = Field(default=None, sa_type=UtcDateTime)  # out of reach, not merely slow
    handed_over_at: datetime | None = Field(default=None, sa_type=UtcDateTime)  # the fallback stands in
    returned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Bucket(SQLModel, table=True):
    """Tokens of one place (`pace.py`): `relay:NAME`, `edition:ID`. Made when first asked for."""

    place: str = Field(primary_key=True, max_length=300)
    next_at: float = Field(
        default=0.0, sa_type=sa.Double
    )  # every moment up to here is given to somebody; seconds since 1970
    notice_at: float = Field(default=0.0, sa_type=sa.Double)  # the same of what is kept for notices


class HandedOver(SQLModel, table=True):
    """How many tokens of a relay were given out in five minutes: what its quotas are counted by."""

    relay: str = Field(primary_key=True, max_length=120)
    since: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    count: int = 0


class SlowedDown(SQLModel, table=True):
    """A relay (`provider` empty) or a provider behind it that asked for less: from `begins_at` on it gets `rate` messages a second, and
    more as time passes (`recovery.py`).
    """

    relay: str = Field(primary_key=True, max_length=120)
    provider: str = Field(primary_key=True, max_length=253)
    begins_at: datetime = Field(sa_type=UtcDateTime)
    rate: float = Field(sa_type=sa.Double)
    reason: str = Field(default="", max_length=500)


class ProviderLimit(SQLModel, table=True):
    """How many messages a second readers of one provider get through a relay at most, because a person wants it so."""

    relay: str = Field(primary_key=True, max_length=120)
    provider: str = Field(primary_key=True, max_length=253)
    rate: int = 1
    why: str = Field(default="", max_length=200)
    set_by: str = Field(default="", max_length=200)
    set_at: datetime = Field(sa_type=UtcDateTime)


class Seat(SQLModel, table=True):
    """How many of a relay's connections one sender may have open (`sharing.py`). Not renewed for ten seconds, they are free again."""

    uid: uuid.UUID = Field(primary_key=True)
    relay: str = Field(max_length=120)
    lane: SeatLane = Field(sa_column=state_column(SeatLane))
    holder: str = Field(max_length=80)
    wanted: int = 0
    allowed: int = 0
    since: datetime = Field(sa_type=UtcDateTime)
    seen_at: datetime = Field(sa_type=UtcDateTime)


class DkimKeyState(StrEnum):
    READY = "ready"
    ACTIVE = "active"
    RETIRED = "retired"


class DkimKey(SQLModel, table=True):
    """A key for DKIM: `public` as its DNS record has it, the private half in `box`, locked in the vault. A domain has one active key."""

    __table_args__ = (
        sa.UniqueConstraint("domain", "selector"),
        sa.Index(
            "uq_dkimkey_active",
            "domain",
            unique=True,
            sqlite_where=sa.text("state = 'active'"),
            postgresql_where=sa.text("state = 'active'"),
        ),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    domain: str = Field(max_length=253)
    selector: str = Field(max_length=63)
    state: DkimKeyState = Field(
        default=DkimKeyState.READY, sa_column=state_column(DkimKeyState, default=DkimKeyState.READY)
    )
    bits: int
    public: str = Field(sa_type=sa.Text)
    box: str = Field(sa_type=sa.Text)
    created_at: datetime = Field(sa_type=UtcDateTime)
    activated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    retired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
