"""What a relay's reply means: pure, data in, verdict out.

The *scope* says whose matter it is. Only a reader's own row may be struck for scope RECIPIENT; everything else is about us, the
relay or the message, and touches no reader. Rules are data, first match wins, relay-account rows first; `source` says where a
rule comes from.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """How far an attempt came when it ended."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"


class Verdict(StrEnum):
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


class Scope(StrEnum):
    RECIPIENT = "recipient"
    RELAY = "relay"
    MESSAGE = "message"


@dataclass(frozen=True)
class Reply:
    """A relay's answer, or (code 0) what happened instead of one."""

    phase: Phase
    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code else self.text


@dataclass(frozen=True)
class Outcome:
    verdict: Verdict
    scope: Scope
    is_permanent: bool  # the address itself is dead: a reason to suppress it
    reply: Reply
    rule: str


@dataclass(frozen=True)
class Rule:
    codes: str
    text: str
    verdict: Verdict
    scope: Scope
    source: str
    is_permanent: bool = False

    def matches(self, code: str, text: str) -> bool:
        return bool(re.match(self.codes, code)) and bool(re.search(self.text, text, re.IGNORECASE))


RULES = (
    # The relay speaks of our account: no reader is concerned.
    Rule("421|454", r"maximum sending rate|throttl", Verdict.DEFERRED, Scope.RELAY, "Amazon SES: throttling"),
    Rule(
        "454|550|554",
        r"daily (message|sending) quota|quota exceeded for account|sending (limit|quota)",
        Verdict.DEFERRED,
        Scope.RELAY,
        "relays: quota of the account",
    ),
    Rule(
        "5",
        r"email address is not verified|sender (identity|address) (is )?not (verified|allowed|owned)",
        Verdict.DEFERRED,
        Scope.RELAY,
        "Amazon SES, SendGrid: unverified sender",
    ),
    Rule(
        "550|554",
        r"5\.4\.5\b|daily user sending",
        Verdict.DEFERRED,
        Scope.RELAY,
        "Google 5.4.5: daily limit of our account",
    ),
    Rule(
        "550",
        r"5\.1\.90\b",
        Verdict.DEFERRED,
        Scope.RELAY,
        "Exchange Online 5.1.90: daily limit of our account",
    ),
    Rule(
        "530|534|535|538|454",
        r"5\.7\.|4\.7\.|auth",
        Verdict.DEFERRED,
        Scope.RELAY,
        "RFC 4954 §6: authentication",
    ),
    Rule("421", r"", Verdict.DEFERRED, Scope.RELAY, "RFC 5321 §3.8: the relay closes the channel"),
    # The relay or a provider behind it speaks of our reputation, authentication or pace.
    Rule(
        "550",
        r"5\.2\.1\b.*(too (fast|quickly)|rate)",
        Verdict.DEFERRED,
        Scope.RECIPIENT,
        "Gmail 5.2.1: receiving too fast",
    ),
    Rule(
        "5",
        r"5\.7\.(13|17|18)\b",
        Verdict.REFUSED,
        Scope.RECIPIENT,
        "RFC 3463 registry: account disabled, owner changed",
        True,
    ),
    Rule(
        "5",
        r"5\.7\.\d+|block ?list|blacklist|spam|reputation|poor|policy|\bDMARC\b|\bSPF\b",
        Verdict.REFUSED,
        Scope.RELAY,
        "RFC 3463 5.7.x: about the sender, not the address",
    ),
    # The reader's address.
    Rule(
        "550|551|553|554",
        r"5\.1\.(1|2|3|6|10)\b",
        Verdict.REFUSED,
        Scope.RECIPIENT,
        "RFC 3463 §3.2: bad destination",
        True,
    ),
    Rule(
        "556|550",
        r"5\.1\.10\b|null mx",
        Verdict.REFUSED,
        Scope.RECIPIENT,
        "RFC 7505: the domain takes no mail",
        True,
    ),
    Rule("550|554", r"5\.2\.1\b", Verdict.REFUSED, Scope.RECIPIENT, "RFC 3463 §3.3: mailbox disabled", True),
    Rule(
        "55[0-4]",
        r"user (is )?unknown|no such (user|recipient|mailbox)|unknown (user|recipient)"
        r"|mailbox (not found|unavailable|does not exist)|doesn'?t have an? .*account",
        Verdict.REFUSED,
        Scope.RECIPIENT,
        "common wording of dead addresses",
        True,
    ),
    Rule(
        "552|452",
        r"[45]\.2\.2\b|mailbox (is )?full|over ?quota",
        Verdict.DEFERRED,
        Scope.RECIPIENT,
        "RFC 3463 §3.3: mailbox full",
    ),
    Rule(
        "552",
        r"5\.3\.4\b|size|too (big|large)",
        Verdict.REFUSED,
        Scope.MESSAGE,
        "RFC 1870 §6: message too large",
    ),
    Rule("552", r"", Verdict.DEFERRED, Scope.RECIPIENT, "RFC 5321 §4.5.3.1.10: 552 at RCPT means too many"),
    Rule("55[0-9]", r"5\.6\.\d+", Verdict.REFUSED, Scope.MESSAGE, "RFC 3463 §3.7: content"),
    Rule("50[0-4]", r"", Verdict.REFUSED, Scope.MESSAGE, "RFC 5321 §4.2.4: we said something wrong"),
    Rule("4", r"", Verdict.DEFERRED, Scope.RECIPIENT, "RFC 5321 §4.2.1: try again later"),
    Rule("5", r"", Verdict.REFUSED, Scope.RECIPIENT, "RFC 5321 §4.2.1: do not try again"),
)


def of(reply: Reply) -> Outcome:
    if reply.code == 0:
        return _without_reply(reply)
    if 200 <= reply.code < 300:
        return Outcome(Verdict.ACCEPTED, Scope.RECIPIENT, False, reply, "RFC 5321 §4.2.1")
    for rule in RULES:
        if rule.matches(str(reply.code), reply.text):
            return Outcome(rule.verdict, rule.scope, rule.is_permanent, reply, rule.source)
    return Outcome(Verdict.DEFERRED, Scope.RELAY, False, reply, "a reply outside RFC 5321 §4.2")


def of_recorded(text: str) -> Outcome:
    """The same verdict from a reply as the ledger keeps it: `550 5.1.1 no such user`."""
    found = re.match(r"(\d{3}) (.*)", text, re.DOTALL)
    code, words = (int(found.group(1)), found.group(2)) if found else (0, text)
    return of(Reply(Phase.RCPT, code, words))


def _without_reply(reply: Reply) -> Outcome:
    if reply.phase is Phase.DOT:
        return Outcome(Verdict.UNCERTAIN, Scope.RECIPIENT, False, reply, "RFC 1047: lost after the final dot")
    return Outcome(
        Verdict.DEFERRED, Scope.RELAY, False, reply, "no reply before the final dot: nothing was handed over"
    )
