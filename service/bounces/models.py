import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.bounces.findings import Form, Kind
from service.database import BigKey, UtcDateTime, state_column


class MailState(StrEnum):
    WAITING = "waiting"
    HANDLED = "handled"
    TO_READ = "to read"  # for a person: a letter, something we cannot read, or a report that fits no delivery
    READ = "read"
    FORGED = "forged"  # its return path was not made by us


class ReturnedMail(SQLModel, table=True):
    """A mail that came back, as it came, at most `keeping.KEPT_OCTETS` of its `octets`. `key` is a hash, so that it is kept once."""

    __table_args__ = (sa.Index("ix_returnedmail_state", "state", "id"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    key: str = Field(max_length=64, unique=True)
    source: str = Field(max_length=40)
    rcpt_to: str = Field(default="", max_length=320)
    octets: int
    raw: bytes = Field(sa_type=sa.LargeBinary)
    subject: str = Field(default="", max_length=300)
    came_at: datetime = Field(sa_type=UtcDateTime)
    state: MailState = Field(
        default=MailState.WAITING, sa_column=state_column(MailState, default=MailState.WAITING)
    )
    problem: str | None = Field(default=None, max_length=500)
    handled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class Action(StrEnum):
    """What was done about it."""

    NONE = "none"  # nothing is to be done
    SUPPRESSED = "suppressed"
    STRUCK = "struck"  # counts: see `strikes`
    WAITS = "waits"  # for the same to be said again a day later
    HELD = "held"  # part of a wave: for a person to decide
    DISMISSED = "dismissed"  # a person has decided that the wave was no reader's fault
    ENDED = "ended"  # the subscription
    ALARMED = "alarmed"
    KNOWN = "known"  # another report about this delivery had said as much
    UNMATCHED = "unmatched"  # nobody is guessed


class Bounce(SQLModel, table=True):
    """What one report said of one recipient, and what came of it; `event` is a hash that makes the same report twice one row.

    It refers to deliveries and readers by their keys and outlives them: with details gone, they are null or lead nowhere.
    """

    __table_args__ = (
        sa.Index("ix_bounce_edition", "edition_id", "words"),
        sa.Index("ix_bounce_subscriber", "subscriber_id"),
    )

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    event: str = Field(max_length=64, unique=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    said_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    source: str = Field(max_length=40)
    mail_id: int | None = Field(default=None, sa_type=BigKey, index=True)
    form: Form = Field(sa_column=state_column(Form))
    kind: Kind = Field(sa_column=state_column(Kind))
    rule: str = Field(max_length=60)
    rule_source: str = Field(default="", max_length=300)
    status: str = Field(default="", max_length=12)
    reply: str = Field(default="", max_length=500)  # addresses are left out
    feedback: str = Field(default="", max_length=24)
    words: str = Field(default="", max_length=200)  # the same for refusals that say the same
    edition_id: int | None = Field(default=None, sa_type=BigKey)
    number: int | None = None
    notice_id: int | None = Field(default=None, sa_type=BigKey)
    subscriber_id: int | None = Field(default=None, sa_type=BigKey)
    address: str | None = Field(default=None, max_length=254)
    domain: str = Field(default="", max_length=254)
    matched: str = Field(default="", max_length=24)
    action: Action = Field(sa_column=state_column(Action))
    suppression_id: int | None = Field(default=None, sa_type=BigKey)


class WaveState(StrEnum):
    HELD = "held"
    SUPPRESSED = "suppressed"
    DISMISSED = "dismissed"


class BounceWave(SQLModel, table=True):
    """Many readers of an edition were refused for good in the same words: a person says whose fault it was."""

    __table_args__ = (sa.UniqueConstraint("edition_id", "words"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    edition_id: int = Field(sa_type=BigKey)
    words: str = Field(max_length=200)
    reply: str = Field(max_length=500)  # one of them
    state: WaveState = Field(
        default=WaveState.HELD, sa_column=state_column(WaveState, default=WaveState.HELD, index=True)
    )
    found_at: datetime = Field(sa_type=UtcDateTime)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decided_by: str | None = Field(default=None, max_length=120)


class Inbox(SQLModel, table=True):
    """The mailbox that we fetch from over IMAP; there is at most one. `last_uid` is where we are, as long as `validity` stays (RFC 9051
    section 2.3.1.1): with another one we begin anew, and what is kept already is not kept twice.
    """

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    host: str = Field(max_length=253)
    port: int
    tls: str = Field(max_length=24)
    user: str = Field(max_length=250)
    folder: str = Field(default="INBOX", max_length=200)
    has_token: bool = False  # the secret is an OAuth 2.0 access token, not a password
    secret_box: str = Field(sa_type=sa.Text)
    deletes: bool = False  # what is kept here goes there
    validity: int = Field(default=0, sa_type=sa.BigInteger)
    last_uid: int = Field(default=0, sa_type=sa.BigInteger)
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str | None = Field(default=None, max_length=500)
    problem_since: datetime | None = Field(default=None, sa_type=UtcDateTime)
