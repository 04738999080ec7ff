"""What a relay's reply means: pure, data in, verdict out. The table is in `decisions`; what follows from a verdict is here.

One predicate for each consequence. Only scope RECIPIENT may ever strike or suppress a reader; everything else is about us, the
relay or the message.
"""

import re
from functools import lru_cache

from service.delivery.decisions import RULES
from service.delivery.verdicts import BEFORE_A_READER_IS_NAMED, Rule
from service.delivery.verdicts import Outcome as Outcome
from service.delivery.verdicts import Phase as Phase
from service.delivery.verdicts import Reply as Reply
from service.delivery.verdicts import Scope as Scope
from service.delivery.verdicts import Verdict as Verdict

# RFC 2034 section 4 puts it first; qmail writes (#5.1.1), others put words before it. Not a part of an IP address.
_ENHANCED = re.compile(r"(?<![\d.])([245])\.([0-7]\.\d{1,3})(?!\.?\d)")
_ADDRESS = re.compile(r"\S+@\S+")
AGAIN = "Again: "
_ANSWERING = "In answer to "
_RECORDED = re.compile(
    rf"(?:{AGAIN})?(?:{_ANSWERING}(?P<phase>{'|'.join(phase.upper() for phase in Phase)}): )?(?P<code>\d{{3}})(?: (?P<words>.*))?$",
    re.DOTALL,
)
TEXT_CHARACTERS = 1_000
LEAVES_THE_ROW = frozenset({Scope.HOST, Scope.CONNECTION, Scope.ACCOUNT})
MOVES_THE_CLOCK = frozenset({Scope.HOST, Scope.ACCOUNT, Scope.PROVIDER, Scope.SENDER})
SHUT_OUT = frozenset({530, 534, 535, 538})  # RFC 4954 section 6; SES says 454 when it throttles
STOPS_THE_EDITION = frozenset({Scope.MESSAGE, Scope.OURS})


def of(reply: Reply) -> Outcome:
    """Judge it. A 2xx counts only after the dot: a 250 to DATA has accepted nothing."""
    kind = reply.code // 100
    if kind == 2 and reply.phase is Phase.DOT:
        return Outcome(Verdict.ACCEPTED, Scope.RECIPIENT, reply, "RFC 5321 section 4.2.1: accepted")
    if kind not in {4, 5}:
        return _without_sense(reply)
    found = _ENHANCED.search(reply.text[:TEXT_CHARACTERS])
    detail = found.group(2) if found else None
    # An address is no wording: spam@example.org may have moved, and policy@example.org may be full.
    text = _ADDRESS.sub("…", " ".join(reply.text[:TEXT_CHARACTERS].split()))
    rule = next(rule for rule in _asked(reply.phase, reply.code) if rule.matches(detail, text))
    if (
        rule.verdict is Verdict.REFUSED
        and rule.scope is Scope.RECIPIENT
        and (kind == 4 or _says_later(found))
    ):
        return Outcome(Verdict.DEFERRED, rule.scope, reply, rule.source)
    return Outcome(
        rule.verdict,
        rule.scope,
        reply,
        rule.source,
        rule.strikes,
        rule.is_permanent,
        rule.needs_second,
        rule.rest,
    )


def as_recorded(judged: Outcome) -> str:
    """The reply as the ledger keeps it. What was said before a reader was named says so: it must never be read as theirs."""
    reply = judged.reply
    if reply.code and reply.phase in BEFORE_A_READER_IS_NAMED:
        return f"{_ANSWERING}{reply.phase.upper()}: {reply}"
    return str(reply)


def of_recorded(text: str) -> Outcome:
    """The same verdict from a reply as the ledger keeps it: `550 5.1.1 no such user`."""
    found = _RECORDED.match(text)
    if found is None:
        return of(Reply(Phase.RCPT, 0, text))
    code = int(found["code"])
    phase = (
        Phase(found["phase"].lower()) if found["phase"] else Phase.DOT if 200 <= code < 300 else Phase.RCPT
    )
    return of(Reply(phase, code, found["words"] or ""))


def leaves_the_row(judged: Outcome) -> bool:
    """Nothing is recorded of the reader: the row is read again as it was."""
    return judged.verdict is Verdict.DEFERRED and judged.scope in LEAVES_THE_ROW


def moves_the_relays_clock(judged: Outcome) -> bool:
    """The relay is left alone for a while, and the desk sees why."""
    return judged.verdict is Verdict.DEFERRED and judged.scope in MOVES_THE_CLOCK


def is_out_of_reach(judged: Outcome) -> bool:
    """The relay as a whole does not take mail from us now, or will not let us in: what its fallback is for.

    Neither a quota nor a provider behind it is: another relay would only carry the trouble along.
    """
    is_shut_out = judged.scope is Scope.ACCOUNT and judged.reply.code in SHUT_OUT
    return judged.verdict is Verdict.DEFERRED and (judged.scope is Scope.HOST or is_shut_out)


def stops_the_edition(judged: Outcome) -> bool:
    """The bytes or the dialogue are wrong: the next readers would be told the same."""
    return judged.verdict is Verdict.REFUSED and judged.scope in STOPS_THE_EDITION


def strikes_the_reader(judged: Outcome) -> bool:
    """A failed edition that counts against the address, if the row ends with this reply."""
    return judged.scope is Scope.RECIPIENT and judged.strikes


def suppresses_the_reader(judged: Outcome) -> bool:
    """The address is dead. Provisional: whoever asks must also see that not too many are (`closing`)."""
    return strikes_the_reader(judged) and judged.is_permanent and judged.verdict is Verdict.REFUSED


def is_negative_for_good(judged: Outcome) -> bool:
    """A 5xx: nothing of the message was taken, and the same bytes would hear the same."""
    return judged.verdict is not Verdict.UNCERTAIN and judged.reply.code // 100 == 5


@lru_cache(maxsize=512)
def _asked(phase: Phase, code: int) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.is_asked(phase, code))


def _says_later(found: re.Match[str] | None) -> bool:
    """550 4.4.7: the enhanced code calls it transient (RFC 3463 section 2), and we believe the milder of the two."""
    return found is not None and found.group(1) == "4"


def _without_sense(reply: Reply) -> Outcome:
    """No reply, or one that is no answer at this point. After the dot the message may be there."""
    if reply.phase is Phase.DOT:
        return Outcome(
            Verdict.UNCERTAIN, Scope.RECIPIENT, reply, "RFC 1047: no clear answer after the final dot"
        )
    what = "no reply" if reply.code == 0 else "a reply out of turn"
    return Outcome(
        Verdict.DEFERRED,
        Scope.HOST,
        reply,
        f"RFC 5321 section 4.2: {what} before the final dot, nothing was handed over",
    )
