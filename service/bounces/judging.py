"""From what a report says of one recipient to what it comes to. Pure.

Status class and detail decide, and the other server's reply before the report's own summary of it; never Action alone, for a
throttle that ran out of time is "failed" as well. The reply is judged by the table that judges replies to us, and a report is
second hand: what that table would believe at once is only counted where it was no answer to RCPT and no code says it plainly.
"""

import re
from typing import NamedTuple

from service.bounces import wordings
from service.bounces.findings import Kind
from service.bounces.sayings import Saying
from service.delivery import outcome
from service.delivery.outcome import Outcome, Phase, Reply, Scope, Verdict


class Judgement(NamedTuple):
    kind: Kind
    rule: str
    source: str
    needs_second: bool = False
    strikes: bool = False
    status: str = ""
    reply: str = ""


class _Heard(NamedTuple):
    """The other server's reply, as far as the report has it."""

    code: int  # 0 without one
    said: str
    status: str  # the reply's own enhanced code, else that of the report
    has_own: bool  # an enhanced code of its own
    phase: Phase | None


MOST_CHARACTERS = 4_000
_NOT_FAILED = {"delivered", "relayed", "expanded"}
_ENHANCED = re.compile(r"(?<![\d.])([245]\.[0-7]\.\d{1,3})(?!\.?\d)")
_CODE = r"([45]\d\d)(?=[ \-:,;#]|$)"
_REPLY = re.compile(
    rf"(?:^|said:|<<<|reason:|with:|failure:|\]:|\):|error:|code ?[:=]?|response(?: was)?:|returned(?: was)?:|smtp;"
    rf"|#)\s{{0,20}}[<\"'(]?{_CODE}",
    re.IGNORECASE | re.MULTILINE,
)
_ANYWHERE = re.compile(rf"(?<![\w.\-@:/]){_CODE}(?=[ \-](?:[245]\.\d|\D))")
_SUCCESS = re.compile(r"^\W*(2\d\d)(?=[ \-])", re.MULTILINE)
_PHASES = (
    (
        Phase.MAIL,
        r"in reply to (?:end of )?mail\b|after mail from|\[mail_?from\]|but (?:the )?sender was rejected|our mail from"
        r"|mail command"
        r"|>>> mail from[^\n]*\n(?:[^\n]*\n)?\s*<<< [45]",
    ),
    (
        Phase.CONNECT,
        r"in reply to (?:end of )?(?:helo|ehlo)|initial connection|after (?:helo|ehlo|connect)|my name was rejected|greeting"
        r"|while connected|>>> (?:helo|ehlo)[^\n]*\n\s*<<< [45]",
    ),
    (
        Phase.DOT,
        r"in reply to end of data|end of data|failed after i sent|final data|text command|after sending (?:the )?message"
        r"|\(state 18\)",
    ),
    (
        Phase.RCPT,
        r"in reply to rcpt|(?:after|our) rcpt|\[rcpt_?to\]|does not like recipient|rcpt command|rcpt to response|smtp:rcpt"
        r"|\(state 1[34]\)"
        r"|>>> rcpt to[^\n]*\n[ \t]*(?:received )?<<< [45]|rcpt to:? ?<[^>\n]*>\n[^\n\d]{0,40}[45]\d\d ",
    ),
    (
        Phase.DATA,
        r"in reply to data|after data\b|\(state 17\)|>>> data[^\n]*\n\s*<<< [45]|smtp command\s+data\b",
    ),
)
_AFTER_THE_MESSAGE = {Phase.DATA, Phase.BODY, Phase.DOT}
# Codes that say by themselves that there is no such mailbox; the last two are Microsoft's.
_EXISTENCE = {"5.1.1", "5.1.3", "5.1.6", "5.1.10", "5.1.351"}
_ECHO = re.compile(r"(?:[245]\.\d+\.\d+ )?<[^<>\s]+@[^<>\s]+>: ")  # so Postfix answers RCPT, and only that
_TRUSTED = re.compile(
    r"doesn't have an? \S+ account|(?:OFR|LPN)\w*_416|destinataire invalide"  # Yahoo; Orange and La Poste
    r"|mailbox unavailable \(-?\d+:\d+:-?\d+\)|^#5\.1\.0 address rejected",  # Outlook.com; Cisco
    re.IGNORECASE,
)
_CLOSED = re.compile(
    r"disabl|suspend|inactiv|deactivat|frozen|terminated|\bblock|not active|on hold|locked|closed|full",
    re.IGNORECASE,
)
_FULL = re.compile(r"full\b|quota|storage|X\.2\.2", re.IGNORECASE)
_SYSTEM_OR_ROUTE = re.compile(r"5\.(?:3\.[15]|4\.\d+)$")
_EXIT = re.compile(r"\d{2}$")
_SCOPES = {
    Scope.ACCOUNT: (Kind.SENDER, "relay-account"),
    Scope.SENDER: (Kind.SENDER, "sender-refused"),
    Scope.PROVIDER: (Kind.SENDER, "provider-refuses"),
    Scope.MESSAGE: (Kind.SENDER, "message-refused"),
    Scope.OURS: (Kind.SENDER, "protocol"),
    Scope.HOST: (Kind.TRANSIENT, "host-busy"),
    Scope.CONNECTION: (Kind.TRANSIENT, "host-busy"),
}
_UNKNOWN = "A report of failure without a code or a known word: counted, not believed"


def judge(saying: Saying) -> Judgement:
    """What it comes to for this recipient."""
    heard = _heard(saying)
    if saying.around and _says_nothing(heard):
        heard = _heard(saying._replace(text=saying.around))  # what is said of it may stand above its name
    judged = _judged(heard)
    if saying.action in _NOT_FAILED:
        judged = Judgement(Kind.NOT_A_REPORT, "arrived", f"RFC 3464 section 2.3.3: {saying.action}")
    elif saying.action == "delayed":  # whosever fault it is, it may still arrive
        judged = Judgement(Kind.DELAY, "delay", "RFC 3464 section 2.3.3: still trying")
    return judged._replace(status=heard.status, reply=str(heard.code) if heard.code else "")


def _says_nothing(heard: _Heard) -> bool:
    is_coded = heard.code or (heard.status and not heard.status.endswith(".0.0")) or _EXIT.match(heard.said)
    return (
        not is_coded and wordings.anyhow(heard.said) is None and wordings.without_a_code(heard.said) is None
    )


def _judged(heard: _Heard) -> Judgement:
    row = wordings.anyhow(heard.said)
    if row is None and not (heard.code or heard.has_own):
        row = wordings.without_a_code(heard.said)
    if row is not None:
        return _own(row, heard.status)
    code = heard.code or {"4": 450, "5": 550, "2": 250}.get(heard.status[:1], 0)
    if code // 100 == 2:
        return Judgement(Kind.NOT_A_REPORT, "arrived", "RFC 3463 section 2: class 2, success")
    if not heard.code and _EXIT.match(heard.said):
        return Judgement(Kind.TRANSIENT, "system", "X-Unix: the exit code of a program that takes mail in")
    if code:
        return _by_table(heard, code)
    as_if = outcome.of(Reply(Phase.RCPT, 550, heard.said))
    if as_if.scope is not Scope.RECIPIENT and not _is_left_over(as_if):
        return _of(as_if, heard)  # no code, and still the words of a reply about us
    return Judgement(Kind.STRIKE, "failed", _UNKNOWN, strikes=True)


def _by_table(heard: _Heard, code: int) -> Judgement:
    phase = heard.phase or Phase.RCPT
    judged = outcome.of(Reply(phase, code, heard.said))
    if not heard.has_own and heard.status and not heard.status.endswith(".0.0") and _is_left_over(judged):
        judged = outcome.of(Reply(phase, code, f"{heard.status} {heard.said}"))  # the report's own guess
    return _second_hand(_of(judged, heard), heard, judged)


def _is_left_over(judged: Outcome) -> bool:
    """No wording was known: the code alone decided."""
    return judged.rule.startswith(("RFC 5321 section 4.", "No enhanced code"))


def _of(judged: Outcome, heard: _Heard) -> Judgement:
    if judged.scope is Scope.RECIPIENT:
        return _of_a_reader(judged, heard)
    if judged.scope is Scope.HOST and judged.reply.code == 521:
        return Judgement(Kind.PERMANENT, "no-such-domain", judged.rule, needs_second=True, strikes=True)
    if judged.scope is Scope.HOST and judged.reply.code // 100 == 5:
        return Judgement(Kind.SENDER, "relay-refused", judged.rule)
    if judged.scope is Scope.MESSAGE and heard.status.endswith(".2.3"):
        source = "RFC 3463 section 3.3, X.2.3: longer than this mailbox takes"
        return Judgement(Kind.TRANSIENT, "too-long-there", source)
    return Judgement(*_SCOPES[judged.scope], judged.rule)


def _of_a_reader(judged: Outcome, heard: _Heard) -> Judgement:
    if judged.needs_second:
        return Judgement(Kind.PERMANENT, "no-such-domain", judged.rule, needs_second=True, strikes=True)
    if judged.verdict is Verdict.REFUSED and judged.is_permanent:
        return Judgement(Kind.PERMANENT, "no-such-mailbox", judged.rule, strikes=True)
    if _FULL.search(judged.rule):
        return Judgement(Kind.TRANSIENT, "mailbox-full", judged.rule, strikes=True)
    if judged.verdict is Verdict.REFUSED and heard.status.endswith(".4.1"):
        source = "Exchange Online 5.4.1: not in its directory, or a domain set up wrongly"
        return Judgement(Kind.PERMANENT, "no-such-mailbox", source, needs_second=True, strikes=True)
    if judged.strikes:
        return Judgement(Kind.STRIKE, "refused", judged.rule, strikes=True)
    return Judgement(Kind.TRANSIENT, "try-later", judged.rule)


def _second_hand(judged: Judgement, heard: _Heard, by_table: Outcome) -> Judgement:
    """What is different because a report tells it, and of another server's reader."""
    is_left_over = _is_left_over(by_table)
    if is_left_over and by_table.reply.code >= 500 and heard.phase in _AFTER_THE_MESSAGE:
        return Judgement(
            Kind.SENDER,
            "message-refused",
            "A refusal after DATA in words unknown: of the message, not of the address",
        )
    if judged.kind is Kind.TRANSIENT and is_left_over and heard.status[2:].startswith("7."):
        return Judgement(
            Kind.SENDER, "sender-refused", "RFC 3463 section 3.8, X.7.x: about us, not the address"
        )
    if is_left_over and judged.kind is Kind.STRIKE and _SYSTEM_OR_ROUTE.match(heard.status):
        return Judgement(
            Kind.TRANSIENT, "system", "RFC 3463 sections 3.4 and 3.5: a mail system or a route, not a mailbox"
        )
    if judged.kind is not Kind.PERMANENT or judged.needs_second:
        return judged
    if _CLOSED.search(heard.said) and heard.status not in _EXISTENCE:
        return Judgement(
            Kind.STRIKE,
            "mailbox-closed",
            f"{by_table.rule}: may be opened again, so it is counted",
            strikes=True,
        )
    is_answer = heard.phase is Phase.RCPT or (heard.phase is None and _ECHO.match(heard.said))
    if is_answer or heard.status in _EXISTENCE or _TRUSTED.search(heard.said):
        return judged
    return Judgement(
        Kind.STRIKE,
        judged.rule,
        f"{by_table.rule}: counted, for the report does not show that it answered RCPT",
        strikes=True,
    )


def _own(row: wordings.Wording, status: str) -> Judgement:
    """Of what is said in words and in a code the milder is believed."""
    if row.rule == "no-such-mailbox" and row.kind is Kind.STRIKE and status in _EXISTENCE:
        return Judgement(Kind.PERMANENT, row.rule, f"{row.source}; and RFC 3463 says so", strikes=True)
    if row.kind is Kind.PERMANENT and status.startswith("4"):
        kind = Kind.TRANSIENT if row.rule == "no-such-domain" else Kind.STRIKE
        return Judgement(kind, row.rule, row.source, strikes=True)
    return Judgement(row.kind, row.rule, row.source, row.needs_second, row.strikes)


def _heard(saying: Saying) -> _Heard:
    text = saying.text[:MOST_CHARACTERS]
    found = _REPLY.search(text) or _ANYWHERE.search(text) or _SUCCESS.search(text)
    code, said = (int(found[1]), text[found.end(1) :].lstrip(" -:,;.\n")) if found else (0, text)
    own = [status for status in _ENHANCED.findall(said) if not status.endswith(".0.0")]
    phase = _phase(text) or _phase(saying.around)
    return _Heard(code, said, own[0] if own else saying.status, bool(own), phase)


def _phase(text: str) -> Phase | None:
    """At which command the reply came; None where the report does not tell."""
    return next((phase for phase, words in _PHASES if re.search(words, text, re.IGNORECASE)), None)
