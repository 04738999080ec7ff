"""Amazon SES: bounces, complaints and the like, as notifications or published events, inside SNS's envelope. Pure.

https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html,
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html. The `messageId` of `mail` is the number in the 250;
our own Message-ID stands in `commonHeaders`, if headers are included.
"""

from collections.abc import Iterator
from typing import Any

from service.bounces.findings import Kind, Original
from service.bounces.hooks import calls, sns
from service.bounces.hooks.calls import Event, Heard, Told, Unreadable
from service.bounces.hooks.weighing import Circumstances, Class, weighed

_SOURCE = "Amazon SES, bounce types"
BOUNCES = {
    ("Permanent", "NoEmail"): Class(Kind.PERMANENT, "ses-no-email", _SOURCE),
    ("Permanent", "General"): Class(Kind.STRIKE, "ses-permanent", _SOURCE),
    ("Permanent", "Suppressed"): Class(Kind.STRIKE, "ses-suppressed", _SOURCE, is_final=True),
    ("Permanent", "OnAccountSuppressionList"): Class(Kind.STRIKE, "ses-suppressed", _SOURCE, is_final=True),
    ("Permanent", "UnsubscribedRecipient"): Class(Kind.UNSUBSCRIBE, "ses-unsubscribed", _SOURCE),
    ("Transient", "General"): Class(Kind.TRANSIENT, "ses-transient", _SOURCE),
    ("Transient", "MailboxFull"): Class(Kind.TRANSIENT, "ses-mailbox-full", _SOURCE),
    ("Transient", "MessageTooLarge"): Class(Kind.SENDER, "ses-too-large", _SOURCE),
    ("Transient", "ContentRejected"): Class(Kind.SENDER, "ses-content", _SOURCE),
    ("Transient", "AttachmentRejected"): Class(Kind.SENDER, "ses-content", _SOURCE),
}
OTHERS = {
    "Permanent": Class(Kind.STRIKE, "ses-permanent", _SOURCE),
    "Transient": Class(Kind.TRANSIENT, "ses-transient", _SOURCE),
    "Undetermined": Class(Kind.TRANSIENT, "ses-undetermined", _SOURCE),
}
COMPLAINTS = {
    "not-spam": Class(Kind.NOT_A_REPORT, "ses-not-spam", "RFC 6430 section 3"),
    "auth-failure": Class(Kind.SENDER, "ses-auth-failure", "RFC 6591"),
}
COMPLAINT = Class(Kind.COMPLAINT, "ses-complaint", "Amazon SES, complaint object")
REJECTED = Class(Kind.SENDER, "ses-rejected", "Amazon SES, reject object: a virus was found")
UNSUBSCRIBED = Class(
    Kind.UNSUBSCRIBE, "ses-subscription", "Amazon SES, subscription object: left every topic"
)
NO_NEWS = frozenset({
    "Send", "Delivery", "Open", "Click", "Rendering Failure", "DeliveryDelay", "AmazonSnsSubscriptionSucceeded",
})  # fmt: skip
_GREETING = "Successfully validated SNS topic"


def read(body: bytes) -> Heard:
    """What a verified body says. An invitation and a farewell say nothing of readers."""
    said = sns.envelope(body)
    message = said.get("Message")
    if said.get("Type") != sns.NOTIFICATION or not isinstance(message, str) or message.startswith(_GREETING):
        return Heard()
    try:
        found = calls.loads(message.encode("utf-8", "surrogatepass"))
    except Unreadable:
        return Heard(odd=1)
    return calls.heard([found if isinstance(found, dict) else {}], _told)


def _told(event: Event) -> Iterator[Told]:
    name = calls.text(event.get("eventType") or event.get("notificationType"), calls.NAME_CHARACTERS)
    if name in NO_NEWS:
        return
    if name == "Bounce":
        yield from _bounces(event)
    elif name == "Complaint":
        yield from _complaints(event)
    elif name == "Reject":
        yield from _of_all(event, name, REJECTED)
    elif name == "Subscription":
        if calls.inner(event, "subscription", "newTopicPreferences").get("unsubscribeAll") is True:
            yield from _of_all(event, name, UNSUBSCRIBED)
    else:
        raise calls.Odd


def _bounces(event: Event) -> Iterator[Told]:
    bounce = calls.inner(event, "bounce")
    kind, detail = calls.text(bounce.get("bounceType")), calls.text(bounce.get("bounceSubType"))
    word = BOUNCES.get((kind, detail)) or OTHERS.get(kind)
    if word is None:
        raise calls.Odd
    for one in _objects(bounce.get("bouncedRecipients")):
        found = Circumstances(
            recipient=calls.address(one.get("emailAddress")),
            status=calls.text(one.get("status")),
            words=calls.text(one.get("diagnosticCode")),
            at=calls.moment(bounce.get("timestamp")),
            original=_original(event),
        )
        yield _one(event, bounce.get("feedbackId"), f"{kind} {detail}".strip(), word, found)


def _complaints(event: Event) -> Iterator[Told]:
    complaint = calls.inner(event, "complaint")
    feedback = calls.text(complaint.get("complaintFeedbackType"))
    for one in _objects(complaint.get("complainedRecipients")):
        found = Circumstances(
            recipient=calls.address(one.get("emailAddress")),
            at=calls.moment(complaint.get("timestamp")),
            original=_original(event),
            feedback=feedback,
        )
        word = COMPLAINTS.get(feedback, COMPLAINT)
        yield _one(event, complaint.get("feedbackId"), f"Complaint {feedback}".strip(), word, found)


def _of_all(event: Event, name: str, word: Class) -> Iterator[Told]:
    mail = calls.inner(event, "mail")
    recipients = mail.get("destination")
    for one in recipients[: calls.MOST_EVENTS] if isinstance(recipients, list) else []:
        found = Circumstances(
            recipient=calls.address(one), at=calls.moment(mail.get("timestamp")), original=_original(event)
        )
        yield _one(event, f"{name} {calls.text(mail.get('messageId'))}", name, word, found)


def _one(event: Event, key: Any, name: str, word: Class, found: Circumstances) -> Told:
    return Told(
        key=calls.event_key(key, found.recipient.lower()),
        name=name[: calls.NAME_CHARACTERS],
        finding=weighed(word, found),
        number=calls.text(calls.inner(event, "mail").get("messageId"), 250),
    )


def _original(event: Event) -> Original:
    mail = calls.inner(event, "mail")
    fields = {
        calls.text(one.get("name")).lower(): one.get("value")
        for one in _objects(mail.get("headers"), most=200)
    }
    common = calls.inner(mail, "commonHeaders").get("messageId")
    return Original(
        message_id=calls.message_id(common or fields.get("message-id")),
        list_unsubscribe=calls.text(fields.get("list-unsubscribe"), 1_000),
        feedback_id=calls.text(fields.get("feedback-id")),
    )


def _objects(value: Any, most: int = calls.MOST_EVENTS) -> list[Event]:
    return [one for one in value[:most] if isinstance(one, dict)] if isinstance(value, list) else []
