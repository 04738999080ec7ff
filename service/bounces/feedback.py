"""RFC 5965: complaints as providers pass them on, and RFC 6591: failures of authentication in the same form."""

import re
from typing import NamedTuple

from service.bounces import addressing
from service.bounces.findings import Kind
from service.bounces.opened import Fields, Opened, header_of, words_of

ABUSE = (Kind.COMPLAINT, "complaint", "RFC 5965 section 7.3: a reader calls it spam")
_TYPES = {
    "abuse": ABUSE,
    "fraud": (Kind.COMPLAINT, "complaint", "RFC 5965 section 7.3: called a fraud"),
    "opt-out": (Kind.UNSUBSCRIBE, "opt-out", "RFC 5965 section 3.1: a reader asks to leave through the provider"),
    "opt-out-list": (Kind.UNSUBSCRIBE, "opt-out", "RFC 5965 section 3.1: a reader asks to leave through the provider"),
    "not-spam": (Kind.NOT_A_REPORT, "not-spam", "RFC 6430 section 2: a reader calls it no spam"),
    "auth-failure": (Kind.SENDER, "authentication", "RFC 6591: our SPF, DKIM or DMARC failed there; no reader complains"),
    "dmarc": (Kind.SENDER, "authentication", "RFC 6591: our SPF, DKIM or DMARC failed there; no reader complains"),
    "virus": (Kind.SENDER, "virus", "RFC 5965 section 7.3: a virus is said to be in the message"),
}  # fmt: skip


_OUTLOOK = re.compile(r"\s*complaint about message from\b", re.IGNORECASE)
_REDACTED = re.compile(r"redacted|x+@|hidden@|removed@", re.IGNORECASE)


class Feedback(NamedTuple):
    kind: Kind
    rule: str
    source: str
    feedback: str
    recipients: tuple[str, ...]  # redacted ones left out
    text: str


def feedback_of(opened: Opened) -> Feedback | None:
    """None for what is no feedback report."""
    machine = next((part for part in opened.parts if part.kind == "message/feedback-report"), None)
    if machine is None:
        machine = next((part for part in opened.parts if _looks_like_one(part.text)), None)
        if machine is None:
            return _of_outlook(opened)
    fields = _all_fields(machine.text)
    stated = re.match(r"[\w-]+", fields.first("feedback-type").strip().lower())
    feedback = stated[0] if stated else "abuse"
    kind, rule, source = _TYPES.get(feedback, ABUSE)
    named = fields.every("original-rcpt-to", "removal-recipient")
    recipients = [
        address for value in named if (address := addressing.first_in(value)) and not _REDACTED.match(address)
    ]
    words = next((part.text for part in opened.parts if part.kind == "text/plain"), "")
    return Feedback(kind, rule, source, feedback, tuple(dict.fromkeys(recipients)), words)


def _of_outlook(opened: Opened) -> Feedback | None:
    """Outlook.com's programme for senders passes complaints on in a form of its own, with the reader in a field of the copy."""
    if not _OUTLOOK.match(words_of(opened.fields.first("subject"))):
        return None
    copies = [part.text for part in opened.parts if part.is_original]
    named = [
        header_of(copy.lstrip().encode("utf-8", "replace"))[0].first("x-hmxmroriginalrecipient")
        for copy in copies
    ]
    recipients = tuple(address for value in named if (address := addressing.first_in(value)))
    source = "Outlook.com, Junk Mail Reporting Program: a reader calls it spam"
    return Feedback(Kind.COMPLAINT, "complaint", source, "abuse", recipients, "")


def _looks_like_one(text: str) -> bool:
    """Its two obligatory fields (section 3.1), in a part that says it is something else."""
    return all(re.search(rf"(?mi)^{name}[ \t]*:", text[:4_000]) for name in ("feedback-type", "user-agent"))


def _all_fields(text: str) -> Fields:
    fields, rest = header_of(text.lstrip().encode("utf-8", "replace"))
    return Fields((*fields, *header_of(rest.lstrip())[0]))
