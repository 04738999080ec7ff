"""What a relay was given, kept in memory, and as JSON lines that outlive a killed sender or relay."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True)
class Received:
    """One message as it arrived: dots unstuffed, line ends as sent."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    data: bytes
    at: datetime
    connection: int
    ehlo_name: str
    options: tuple[str, ...] = ()
    is_encrypted: bool = False
    signed_in_as: str = ""

    @property
    def recipient(self) -> str:
        """The one recipient; a message to several has none."""
        (recipient,) = self.rcpt_to
        return recipient

    @property
    def message_id(self) -> str:
        return message_id_of(self.data)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Line:
    """One recipient of one message, written before the relay answered."""

    message_id: str
    sha256: str
    recipient: str
    at: str
    connection: int
    accepted: bool
    ehlo_name: str = ""


def message_id_of(data: bytes) -> str:
    return str(BytesHeaderParser().parsebytes(data).get("Message-ID", "")).strip()


def write(log: TextIO, received: Received, *, accepted: bool) -> None:
    """Flushed, not synced: it survives a kill of either process, not of the machine."""
    message_id, sha256 = received.message_id, received.sha256
    for recipient in received.rcpt_to:
        at, ehlo_name = received.at.isoformat(), received.ehlo_name
        line = Line(message_id, sha256, recipient, at, received.connection, accepted, ehlo_name)
        log.write(json.dumps(asdict(line)) + "\n")
    log.flush()


def read(path: Path) -> list[Line]:
    """Every whole line so far; a last one that is still being written is left out."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text("utf-8").rpartition("\n")
    return [Line(**json.loads(line)) for line in whole.splitlines()]


def accepted_so_far(path: Path) -> int:
    """How many lines say so, without reading what else they say."""
    return path.read_bytes().count(b'"accepted": true') if path.exists() else 0


def accepted(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Accepted lines by recipient, in the order of arrival: more than one line is a repeat."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        if line.accepted:
            found.setdefault(line.recipient, []).append(line)
    return found
