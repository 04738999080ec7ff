"""One envelope on its way to the relay, and the relay's replies out of bytes."""

import asyncio
import re
from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

from service.delivery.outcome import Phase, Reply

LINE_OCTETS_MOST = 8_192  # RFC 5321 §4.5.3.1.5 asks for 512; a relay that sends more than this is none
REPLY_LINES_MOST = 200
_ENDS_A_COMMAND = re.compile(r"[\x00-\x20<>\x7f]")


@dataclass(frozen=True)
class Envelope:
    mail_from: str
    rcpt_to: str
    message: bytes
    may_begin_lines_with_dots: bool = True  # those that `rendering` made never do

    def __post_init__(self) -> None:
        """Raises ValueError for an address that would end its command early (RFC 5321 §4.1.2)."""
        if _ENDS_A_COMMAND.search(self.mail_from) or _ENDS_A_COMMAND.search(self.rcpt_to):
            raise ValueError(
                "an address in an envelope holds a blank, an angle bracket or a control character"
            )

    @property
    def needs_smtputf8(self) -> bool:
        """RFC 6531 §3.4: an address beyond ASCII goes only to a relay that offers it."""
        return not (self.mail_from.isascii() and self.rcpt_to.isascii())


class Step(IntEnum):
    """What a reply answers. A number, because it is looked up in tuples with every reply."""

    RESET = 0
    MAIL = 1
    RCPT = 2
    DATA = 3
    DOT = 4
    LONE_DOT = 5


class Exchange:
    """One envelope on its way. `opened` is done when its message may follow or it is over; `settled` when it is over."""

    __slots__ = ("envelope", "opened", "phase", "refusal", "settled", "steps")

    def __init__(self, envelope: Envelope) -> None:
        loop = asyncio.get_running_loop()
        self.envelope = envelope
        self.opened: asyncio.Future[None] = loop.create_future()
        self.settled: asyncio.Future[Reply] = loop.create_future()
        self.phase = Phase.MAIL
        self.refusal: Reply | None = None
        self.steps: deque[tuple[Step, bytes]] = deque()

    @property
    def is_over(self) -> bool:
        return self.settled.done()

    def settle(self, reply: Reply) -> None:
        """The first thing that went wrong is what counts."""
        if not self.settled.done():
            self.settled.set_result(self.refusal or reply)
        if not self.opened.done():
            self.opened.set_result(None)


def settled(envelope: Envelope, reply: Reply) -> Exchange:
    """An envelope that is over before a word about it was said."""
    exchange = Exchange(envelope)
    exchange.settle(reply)
    return exchange


@dataclass
class Replies:
    """Replies out of bytes: lines of one reply carry a hyphen behind the code, the last one does not."""

    rest: bytes = b""
    lines: list[str] = field(default_factory=list)

    def read(self, data: bytes) -> list[tuple[int, str]]:
        """Raises ValueError at anything that is no reply."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        found: list[tuple[int, str]] = []
        for line in lines:
            code, is_last, text = _read_line(line)
            self.lines.append(text)
            if is_last:
                found.append((code, "\n".join(self.lines)))
                self.lines = []
        if len(self.rest) > LINE_OCTETS_MOST or len(self.lines) > REPLY_LINES_MOST:
            raise ValueError("no SMTP reply: it has no end")
        return found


@lru_cache(maxsize=64)  # of a message's four replies three are always the same
def _read_line(line: bytes) -> tuple[int, bool, str]:
    """Code, whether the reply ends here, and the words. Raises ValueError."""
    code, hyphen = line[:3], line[3:4]
    if not code.isdigit() or hyphen not in (b" ", b"-", b"\r", b""):
        raise ValueError(f"no SMTP reply: {line[:80]!r}")
    return int(code), hyphen != b"-", line[4:].decode("utf-8", "backslashreplace").rstrip()
