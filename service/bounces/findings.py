"""What a report says of one recipient: pure types, the same for a mail that came back and for a relay's event."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

LETTER = "letter"  # the rule of what is no report at all: for a person to read
TEXT_CHARACTERS = 500  # of what the other side said; a finding keeps no more


class Kind(StrEnum):
    """What it comes to. The words are public: `memo bounce --explain` prints them."""

    PERMANENT = "permanent"  # the address or its domain is dead
    STRIKE = "strike"  # may be dead: counts, and is believed after several editions
    TRANSIENT = "transient"  # the mailbox or its host could not take it; another edition may arrive
    SENDER = "sender"  # about us, our relay or the message; never held against a reader
    COMPLAINT = "complaint"  # the reader called it spam, or a provider did for them
    UNSUBSCRIBE = "unsubscribe"  # the reader asks to leave, by mail or through their provider
    AUTO_REPLY = "auto-reply"  # a program answered: on holiday, ticket opened, message read
    DELAY = "delay"  # still under way, or arrived; a later report may follow
    NOT_A_REPORT = "not-a-report"  # a letter, or nothing we know: for a person to read


class Form(StrEnum):
    """How it was put."""

    DSN = "dsn"  # RFC 3464, delivery status
    ARF = "arf"  # RFC 5965, feedback
    TEXT = "text"  # a bounce in words only
    LETTER = "letter"  # a mail that is no report: a note by a program or by a person
    EVENT = "event"  # a relay told us over the web


class Original(NamedTuple):
    """What the report shows of the message it is about; "" where it shows nothing. Anyone can write this: only what is signed proves."""

    message_id: str = ""  # without the angle brackets
    return_path: str = ""  # the envelope sender it left with, as an address
    to: str = ""  # the address in its To field
    envelope_id: str = ""  # ENVID, RFC 3461 section 4.4
    list_unsubscribe: str = ""  # the whole field: a redacted complaint still carries our token in it
    feedback_id: str = ""


NOTHING_SHOWN = Original()


@dataclass(frozen=True)
class Finding:
    """One recipient of one report.

    `recipient` is None where the report names nobody (a redacted complaint). `status` is an enhanced code in full ("5.1.1", RFC 3463) or
    "", `reply` an SMTP code ("550") or "". `text` is the other side's own words, shortened. `rule` is a short name ("no-such-mailbox"),
    good for grouping; `source` says where the rule is from, for a person. `needs_second`: a bad domain, believed only when it is
    said again a day or more later. `strikes`: a failed edition that counts against the address; so do a strike and a dead address, and
    a mailbox that is full.
    """

    kind: Kind
    rule: str
    source: str
    recipient: str | None = None
    status: str = ""
    reply: str = ""
    text: str = ""
    feedback: str = ""  # ARF's Feedback-Type: abuse, fraud, opt-out, not-spam, auth-failure …
    needs_second: bool = False
    strikes: bool = False
    original: Original = NOTHING_SHOWN
    at: datetime | None = None  # when it happened, UTC, by the word of the report


@dataclass(frozen=True)
class Report:
    """One mail that came back, or one event. There is always at least one finding.

    `sent_to`: the addresses the report itself was sent to, best first: one may be a return path of ours. `message_id`: its own.
    """

    form: Form
    findings: tuple[Finding, ...]
    message_id: str = ""
    sent_to: tuple[str, ...] = ()
    from_address: str = ""
    subject: str = ""
    at: datetime | None = None
