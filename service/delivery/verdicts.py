"""The words of the decision table: how far an attempt came, what became of it, and whose matter that is."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple


class Phase(StrEnum):
    """How far an attempt came when it ended."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"


BEFORE_A_READER_IS_NAMED = frozenset({Phase.CONNECT, Phase.MAIL})


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


class Scope(StrEnum):
    """Whose matter a reply is."""

    ACCOUNT = (
        "account"  # our account with the relay: throttled, out of quota, not signed in, sender not verified
    )
    CONNECTION = "connection"  # this connection only: a fresh one works
    HOST = "host"  # the relay as a whole does not work now
    PROVIDER = "provider"  # a provider behind the relay slows us down or distrusts us
    SENDER = "sender"  # our domain, its records, its reputation
    RECIPIENT = "recipient"  # this reader's address or mailbox
    MESSAGE = "message"  # these bytes: too large, malformed, not wanted
    OURS = "ours"  # we said something wrong in the dialogue


class Reply(NamedTuple):
    """A relay's answer, or (code 0) what happened instead of one."""

    phase: Phase
    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code else self.text


@dataclass(frozen=True)
class Rule:
    """One row of the table. `codes` and `detail` must match in full, `words` anywhere, case aside.

    `detail` is an enhanced code without its class ("7.26"), for the class is often another than the reply's (Gmail: 421 5.7.32);
    a rule with one matches no reply without one, and a rule with `is_bare` only those.
    """

    source: str
    codes: str
    scope: Scope
    verdict: Verdict
    words: str = ""
    detail: str | None = None
    is_bare: bool = False
    phases: frozenset[Phase] = frozenset(Phase)
    strikes: bool = False  # counts as a failed edition of this reader
    is_permanent: bool = False  # the address is dead: a reason to suppress it
    needs_second: bool = False  # the whole domain is bad: believed when it is said again a day later
    rest: timedelta | None = None  # the reader waits at least so long

    def is_asked(self, phase: Phase, code: int) -> bool:
        """Whether it can be about such a reply at all. Before a reader is named no reply is about one."""
        if self.scope is Scope.RECIPIENT and phase in BEFORE_A_READER_IS_NAMED:
            return False
        return phase in self.phases and re.fullmatch(self.codes, str(code)) is not None

    def matches(self, detail: str | None, text: str) -> bool:
        if self.is_bare and detail is not None:
            return False
        if self.detail is not None and (detail is None or not re.fullmatch(self.detail, detail)):
            return False
        return bool(re.search(self.words, text, re.IGNORECASE))


class Outcome(NamedTuple):
    verdict: Verdict
    scope: Scope
    reply: Reply
    rule: str
    strikes: bool = False
    is_permanent: bool = False
    needs_second: bool = False
    rest: timedelta | None = None
