"""From a relay's word to a finding: pure.

A relay's own class ("hard", "Permanent") says that it has given up, not that the address is dead: a block by policy is called so, too.
Where an event carries the other server's reply, the decision table has the word on whose matter it is, and the relay's class
counts only where the table does not know the wording.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from service.bounces.findings import NOTHING_SHOWN, TEXT_CHARACTERS, Finding, Kind, Original
from service.delivery import outcome
from service.delivery.decisions import LEFT_OVER
from service.delivery.outcome import Outcome, Phase, Reply, Scope, Verdict

_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?!\.?\d)")
_REPLY = re.compile(r"(?:^|[\s;:<(])([45]\d\d)(?=[\s-]|$)")
_LEFT_OVER = frozenset(rule.source for rule in LEFT_OVER)
_ABOUT_US = frozenset({Scope.SENDER, Scope.PROVIDER, Scope.ACCOUNT, Scope.MESSAGE, Scope.OURS})
_BOUNCED = frozenset({Kind.PERMANENT, Kind.STRIKE, Kind.TRANSIENT, Kind.SENDER})


@dataclass(frozen=True)
class Class:
    """What one of a relay's own words comes to. `is_final`: the word is about the address and nothing else, whatever the reply says."""

    kind: Kind
    rule: str
    source: str
    is_final: bool = False


@dataclass(frozen=True)
class Circumstances:
    """The rest of what an event shows."""

    recipient: str = ""
    status: str = ""
    code: str = ""
    words: str = ""
    at: datetime | None = None
    original: Original = NOTHING_SHOWN
    feedback: str = ""


def weighed(word: Class, found: Circumstances) -> Finding:
    """The finding of one event."""
    status, code = _status(found), _code(found)
    kind, rule, source, needs_second = word.kind, word.rule, word.source, False
    is_full = "mailbox-full" in word.rule
    if kind in _BOUNCED and not word.is_final and (status or code):
        judged = _judged(code or f"{status[0]}50", f"{status} {found.words}"[:TEXT_CHARACTERS])
        kind, needs_second = _of_both(word.kind, judged)
        is_full = kind is Kind.TRANSIENT and judged.scope is Scope.RECIPIENT and judged.strikes
        if kind is not word.kind or needs_second:
            source = f"{judged.rule} ({word.source})"
            rule = f"{word.rule}-by-its-reply"
    return Finding(
        kind=kind,
        rule=rule,
        source=source,
        recipient=found.recipient or None,
        status=status,
        reply=code,
        text=found.words[:TEXT_CHARACTERS],
        feedback=found.feedback,
        needs_second=needs_second,
        strikes=is_full or kind in {Kind.STRIKE, Kind.PERMANENT},
        original=found.original,
        at=found.at,
    )


@lru_cache(maxsize=1024)
def _judged(code: str, words: str) -> Outcome:
    return outcome.of(Reply(Phase.RCPT, int(code), words))


def _of_both(said: Kind, judged: Outcome) -> tuple[Kind, bool]:
    """The relay's class and the table's verdict, as one kind; and whether it is only believed when it is said again."""
    if judged.scope in _ABOUT_US:
        return Kind.SENDER, False
    if judged.rule in _LEFT_OVER:
        return said, False
    if judged.scope is not Scope.RECIPIENT or judged.verdict is Verdict.DEFERRED:
        return Kind.TRANSIENT, False
    if judged.is_permanent or judged.needs_second:
        gave_up = said in {Kind.PERMANENT, Kind.STRIKE}
        return (Kind.PERMANENT, judged.needs_second) if gave_up else (Kind.STRIKE, False)
    return (Kind.STRIKE if judged.strikes else Kind.TRANSIENT), False


def _status(found: Circumstances) -> str:
    """An enhanced code: the event's own, unless it only says "5.0.0" and the words say more."""
    own = _STATUS.search(found.status)
    in_words = _STATUS.search(found.words)
    if own and (not in_words or own.group(1)[2:] not in {"0.0"}):
        return own.group(1)
    return in_words.group(1) if in_words else ""


def _code(found: Circumstances) -> str:
    own = re.fullmatch(r"[45]\d\d", found.code)
    in_words = _REPLY.search(found.words[:TEXT_CHARACTERS])
    return own.group() if own else in_words.group(1) if in_words else ""
