"""Mails that are no bounces: what programs answer by themselves, and people who ask to leave. RFC 3834, RFC 8098, RFC 2369."""

import re

from service.bounces import addressing
from service.bounces.findings import Kind
from service.bounces.opened import Opened, words_of

Judged = tuple[Kind, str, str]
READ_RECEIPT = "read-receipt"
_ANSWERED = (
    (
        re.compile(r"auto-(replied|notified)", re.IGNORECASE),
        "auto-submitted",
        "auto-reply",
        "RFC 3834 section 5: Auto-Submitted",
    ),
    (
        re.compile(r".", re.DOTALL),
        "x-autoreply",
        "auto-reply",
        "X-Autoreply, as cPanel, Roundcube and others set it",
    ),
    (re.compile(r".", re.DOTALL), "x-autorespond", "auto-reply", "X-Autorespond, as Plesk and others set it"),
    (re.compile(r".", re.DOTALL), "x-autoresponder", "auto-reply", "X-Autoresponder"),
    (
        re.compile(r"auto", re.IGNORECASE),
        "x-auto-response-suppress",
        "auto-reply",
        "X-Auto-Response-Suppress on an answer, as Exchange sets it",
    ),
    (
        re.compile(r"auto_?reply|autoresponder|vacation", re.IGNORECASE),
        "precedence",
        "auto-reply",
        "Precedence: auto_reply",
    ),
    (re.compile(r"auto_?reply", re.IGNORECASE), "x-precedence", "auto-reply", "X-Precedence: auto_reply"),
    (re.compile(r".", re.DOTALL), "x-vacation", "auto-reply", "X-Vacation"),
)
_SUBJECT = re.compile(
    r"^\W*(?:(?:re|aw|sv|fwd?)\s*:\s*)*(?:auto(?:mat\w*)?[\s:._-]{0,3}(?:reply|response|respon\w*|answer|antwort|svar)"
    r"|(?:i am |i'm )?(?:currently )?out of (?:the )?office|ooo\b|on (?:vacation|holiday|leave)\b"
    r"|vacation (?:reply|notice|response)"
    r"|away (?:until|from|message)\b|abwesen|automatische antwort|abwesenheits|r[ée]ponse automatique"
    r"|absence du bureau|absent\w* du"
    r"|respuesta autom[áa]tica|fuera de (?:la )?oficina|risposta automatica|fuori sede|automatisch antwoord|afwezig"
    r"|autosvar"
    r"|resposta autom[áa]tica|automatick[áa] odpov|odpowied[źz] automatyczna|автоответ|自動返信|自動応答|不在|automaattinen vastaus)",
    re.IGNORECASE,
)
_GENERATED = re.compile(r"\s*auto-generated\b", re.IGNORECASE)
_REJECTED = re.compile(r"was automatically (?:rejected|refused)", re.IGNORECASE)
_RECEIPT = re.compile(r"^\W*(?:read|not read|gelesen|lu|le[íi]do|letto)\s*:\s", re.IGNORECASE)
_CHALLENGE = re.compile(
    r"(?:confirm|verify) (?:that )?(?:you are|your(?:self| e?mail| message)?)[^.\n]{0,60}(?:human|person|sender|deliver)"
    r"|(?:challenge[- ]response|anti-?spam challenge|sender verification|please (?:confirm|verify) your (?:message|e-?mail to)"
    r"|message is (?:being held|awaiting) .{0,40}(?:confirm|approv))|(?:boxbe|spamarrest|sendio|tmda)\b",
    re.IGNORECASE,
)
_RE = r"^\W*(?:(?:re|aw|fwd?)\s*:\s*)*"
_LEAVE = re.compile(
    _RE
    + r"(?:(?:please\s+)?(?:list-)?(?:unsubscribe|opt-?out|abmelden|abbestellen|d[ée]sabonner|d[ée]sinscri\w*|afmelden"
    r"|disiscri\w*)"
    r"(?:[\s:]+[\w.@=+/-]{1,200}){0,3}|stop|remove(?: me)?|sign ?off|cancelar|baja)[\s.!]*$",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"^\s*(?:please\s+)?(?:unsubscribe|remove me|take me off|opt me out|stop sending|abmelden|abbestellen)\b[^\n]{0,60}$",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    r"^\W*(?:mailer-daemon|post_?master|mail-?daemon|mdaemon)\b|mail delivery (?:sub)?system", re.IGNORECASE
)


def is_from_a_mail_server(opened: Opened) -> bool:
    """By its From or an empty return path. An answer of a person's program may have the latter too (RFC 3834 section 3.3)."""
    author = words_of(opened.fields.first("from"))
    local = addressing.first_in(author).partition("@")[0]
    return bool(_PROGRAM.search(author) or _PROGRAM.search(local))


def of(opened: Opened, words: str) -> Judged | None:
    """What a mail that is no report comes to; None for a letter by a person."""
    judged = answer_of(opened, words) or request_of(opened, words)
    if judged is None and _GENERATED.match(opened.fields.first("auto-submitted")):
        return Kind.AUTO_REPLY, "auto-reply", "RFC 3834 section 5: Auto-Submitted, so no person wrote it"
    return judged


def receipt_of(opened: Opened, words: str) -> Judged | None:
    """RFC 8098, which has a recipient's fields as a bounce has: asked before that. Dovecot says "full" and "rejected" in this form too."""
    if _REJECTED.search(words[:1_000]):
        return None
    kinds = [opened.fields.first("content-type").lower(), *(part.kind for part in opened.parts)]
    if any("disposition-notification" in kind for kind in kinds):
        return Kind.AUTO_REPLY, READ_RECEIPT, "RFC 8098: disposition notification"
    return None


def answer_of(opened: Opened, words: str) -> Judged | None:
    """A note by a program in the name of a person; None for anything else. Ask only about what is no report."""
    for form, name, rule, source in _ANSWERED:
        if any(form.search(value) for value in opened.fields.every(name)):
            return Kind.AUTO_REPLY, rule, source
    subject = words_of(opened.fields.first("subject"))
    if _SUBJECT.search(subject):
        return Kind.AUTO_REPLY, "auto-reply", "Subjects that mail programs give their automatic answers"
    if _RECEIPT.search(subject):
        return Kind.AUTO_REPLY, READ_RECEIPT, "Subjects of read receipts"
    if _CHALLENGE.search(f"{subject}\n{words[:2_000]}"):
        return (
            Kind.AUTO_REPLY,
            "challenge",
            "Challenge and response: a program asks the sender to prove something",
        )
    return None


def request_of(opened: Opened, words: str) -> Judged | None:
    """A reader's wish to leave, by the mailto of RFC 2369 section 3.2 or in words of their own."""
    subject = words_of(opened.fields.first("subject"))
    first = next((line for line in words.split("\n") if line.strip()), "")
    if _LEAVE.match(subject) or (len(subject) < 60 and _ASKS.match(first)):
        return Kind.UNSUBSCRIBE, "mailto", "RFC 2369 section 3.2: a mail that asks to leave"
    return None
