"""From the bytes of a mail that came back to findings. Pure, and never fails: what it cannot make out is a letter for a person.

Asked in this order: feedback (RFC 5965), delivery status (RFC 3464), a bounce in words, an automatic answer (RFC 3834), a wish to
leave (RFC 2369), a letter.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from service.bounces import addressing, delivery_status, feedback, judging, notes, notices, relay_mail
from service.bounces.findings import LETTER, TEXT_CHARACTERS, Finding, Form, Kind, Report
from service.bounces.opened import Opened, take_apart, words_of
from service.bounces.sayings import Saying

WEIGHT = (
    Kind.COMPLAINT,
    Kind.UNSUBSCRIBE,
    Kind.PERMANENT,
    Kind.STRIKE,
    Kind.SENDER,
    Kind.TRANSIENT,
    Kind.DELAY,
    Kind.AUTO_REPLY,
    Kind.NOT_A_REPORT,
)
_BOUNCES = re.compile(
    r"undeliver|could ?n[o']t be delivered|could not (?:yet )?be delivered"
    r"|delivery (?:status|failure|failed|has failed|error)|failure notice"
    r"|returned (?:to sender|mail)|(?:mail|message) (?:delivery )?(?:has )?(?:fail|system error)|unable to deliver"
    r"|failed delivery|not (?:yet )?been delivered"
    r"|did not reach|was(?:n't| not) delivered|error message below|warning: message|non ?remis|unzustellbar|loop alert"
    r"|not member",
    re.IGNORECASE,
)
_ANSWERS = re.compile(r"\s*(?:re|aw|sv|antw|odp|rif|rv|ref?|fwd?|wg|tr)\s*:", re.IGNORECASE)
_LETTER = (Kind.NOT_A_REPORT, LETTER, "Nothing in it says that it is a report: for a person to read")


def read(raw: bytes) -> Report:
    """What a mail says came of a message of ours, one finding for each recipient; always at least one.

    `raw` with any line ends, cut off anywhere. Nothing in it is proof: who it is about is for the signed return path to say.
    """
    opened = take_apart(raw)
    form, findings = _findings(opened, raw)
    at = _date(opened.fields.first("date"))
    original = addressing.original_of(opened, delivery_status.envelope_id_of(opened))
    fields = opened.fields
    sent_to = " ".join(fields.every("x-original-to", "delivered-to", "envelope-to", "to"))
    return Report(
        form,
        tuple(replace(finding, original=original, at=at) for finding in findings),
        fields.first("message-id").strip("<> ")[:500],
        tuple(addressing.every_in(sent_to)[:20]),
        addressing.first_in(fields.first("from")),
        words_of(fields.first("subject"))[:500],
        at,
    )


def weightiest(findings: Sequence[Finding]) -> Finding:
    """The one that most follows from."""
    return min(findings, key=lambda finding: WEIGHT.index(finding.kind))


def _findings(opened: Opened, raw: bytes) -> tuple[Form, list[Finding]]:
    """Of the mail itself; where it says nothing, of a report that it passes on, or of whom another parser finds named."""
    form, found = _of_this(opened)
    is_settled = found[0].rule != LETTER and not notes.is_from_a_mail_server(opened)
    if form is not Form.LETTER or is_settled or found[0].rule == notes.READ_RECEIPT:
        return form, found
    if (inner := _passed_on(opened)) and (passed := _of_this(inner))[0] is not Form.LETTER:
        return passed
    words = notices.words_of(opened)
    named = _named_by_others(raw) if _is_bounce(opened, words) else []
    return (Form.TEXT, [_finding(_saying_all(one, words)) for one in named]) if named else (form, found)


def _named_by_others(raw: bytes) -> list[str]:
    from service.bounces import last_resort

    return last_resort.addresses_in(raw)


def _of_this(opened: Opened) -> tuple[Form, list[Finding]]:
    if complaint := feedback.feedback_of(opened):
        return Form.ARF, _of_feedback(complaint)
    words = notices.words_of(opened)
    if receipt := notes.receipt_of(opened, words):
        return Form.LETTER, [_note(opened, words, receipt)]
    kind, told = relay_mail.sayings_of(words)
    if kind == "complaint" and told:
        named = tuple(one.recipient for one in told if one.recipient)
        return Form.ARF, _of_feedback(feedback.Feedback(*feedback.ABUSE, "abuse", named, ""))
    if said := _sayings(opened, words):
        form, sayings = said
        return form, [_finding(saying) for saying in sayings]
    judged = notes.of(opened, words) or _LETTER
    return Form.LETTER, [_note(opened, words, judged)]


def _note(opened: Opened, words: str, judged: notes.Judged) -> Finding:
    author = addressing.first_in(opened.fields.first("from")) or None
    return Finding(*judged, author, text=_shortened(words))


def _sayings(opened: Opened, words: str) -> tuple[Form, list[Saying]] | None:
    """None for what is no bounce."""
    kind, told = relay_mail.sayings_of(words)
    if told and kind in {"bounce", "delivery"}:
        return Form.TEXT, told
    if sayings := delivery_status.sayings_of(opened):
        return Form.DSN, _with_words(sayings, words)
    if not _is_bounce(opened, words):
        return None
    if sayings := notices.sayings_of(opened, words):
        return Form.TEXT, sayings
    if _passed_on(opened):
        return None
    if notes.answer_of(opened, words) is None and (name := addressing.original_of(opened).to):
        return Form.TEXT, [_saying_all(name, words)]
    return None


def _saying_all(recipient: str, words: str) -> Saying:
    return Saying(recipient, words, action="delayed" if notices.is_delay(words) else "", around=words)


def _is_bounce(opened: Opened, words: str) -> bool:
    """By who wrote it; else by its subject, or by how it begins, unless a person answers or a program answers for one."""
    if notes.is_from_a_mail_server(opened):
        return True
    subject = words_of(opened.fields.first("subject"))
    is_answer = _ANSWERS.match(subject) or notes.answer_of(opened, words)
    return not is_answer and bool(_BOUNCES.search(f"{subject}\n{words[:600]}"))


def _passed_on(opened: Opened) -> Opened | None:
    """A report inside: below the words, or as a part. Its own header says that it is one."""
    copies = [part.text for part in opened.parts if part.is_original]
    copies += [addressing.parted(part.text)[1] for part in opened.parts if not part.is_original]
    for copy in copies:
        inner = take_apart(copy.encode("utf-8", "replace"))
        if notes.is_from_a_mail_server(inner) or inner.kind == "multipart/report":
            return inner
    return None


def _with_words(sayings: list[Saying], words: str) -> list[Saying]:
    """The words for people tell at which command a reply came, and help out where a status group says nothing itself."""
    if len(sayings) == 1:
        return [sayings[0]._replace(text=sayings[0].text or words, around=words)]
    apart = notices.by_recipient(words)
    found = [(saying, apart.get((saying.recipient or "").casefold(), "")) for saying in sayings]
    return [saying._replace(text=saying.text or own, around=own) for saying, own in found]


def _of_feedback(told: feedback.Feedback) -> list[Finding]:
    one = Finding(told.kind, told.rule, told.source, None, text=_shortened(told.text), feedback=told.feedback)
    return [replace(one, recipient=recipient) for recipient in told.recipients] or [one]


def _finding(saying: Saying) -> Finding:
    judged = judging.judge(saying)
    return Finding(
        judged.kind,
        judged.rule,
        judged.source,
        saying.recipient,
        judged.status,
        judged.reply,
        _shortened(saying.text),
        needs_second=judged.needs_second,
        strikes=judged.strikes,
    )


def _shortened(text: str) -> str:
    return " ".join(text[: TEXT_CHARACTERS * 4].split())[:TEXT_CHARACTERS]


def _date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value[:100])
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
