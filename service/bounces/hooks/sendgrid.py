"""Twilio SendGrid's Event Webhook, signed with ECDSA over P-256. Pure.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (events and their fields),
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features (the signature).
`smtp-id` is our own Message-ID; `sg_message_id` begins with the number in the 250. Not verified: whether a second try carries a fresh
time, and that `smtp-id` is ours for mail handed over by SMTP.
"""

from collections.abc import Iterator
from datetime import datetime

from service.bounces.findings import Kind, Original
from service.bounces.hooks import calls
from service.bounces.hooks.calls import Call, Event, Heard, NotBelieved, Proof, Told, Trouble
from service.bounces.hooks.weighing import Circumstances, Class, weighed

SIGNATURE = "x-twilio-email-event-webhook-signature"
TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_SOURCE = "SendGrid, event reference"
BLOCKED = Class(Kind.SENDER, "sendgrid-blocked", f"{_SOURCE}: bounce of type blocked")
BOUNCED = Class(Kind.STRIKE, "sendgrid-bounce", f"{_SOURCE}: bounce")
CLASSES = {
    "Invalid Address": Class(Kind.PERMANENT, "sendgrid-invalid-address", f"{_SOURCE}: bounce classification"),
    "Mailbox Unavailable": Class(Kind.STRIKE, "sendgrid-unavailable", f"{_SOURCE}: bounce classification"),
    "Technical": Class(Kind.TRANSIENT, "sendgrid-technical", f"{_SOURCE}: bounce classification"),
    "Content": Class(Kind.SENDER, "sendgrid-content", f"{_SOURCE}: bounce classification"),
    "Reputation": Class(Kind.SENDER, "sendgrid-reputation", f"{_SOURCE}: bounce classification"),
    "Frequency or Volume Too High": Class(
        Kind.SENDER, "sendgrid-volume", f"{_SOURCE}: bounce classification"
    ),
}
DROPPED = {
    "bounced address": Class(Kind.STRIKE, "sendgrid-dropped-bounced", f"{_SOURCE}: dropped", is_final=True),
    "invalid": Class(Kind.STRIKE, "sendgrid-dropped-invalid", f"{_SOURCE}: dropped", is_final=True),
    "unsubscribed address": Class(Kind.UNSUBSCRIBE, "sendgrid-dropped-unsubscribed", f"{_SOURCE}: dropped"),
    "spam reporting address": Class(Kind.COMPLAINT, "sendgrid-dropped-complained", f"{_SOURCE}: dropped"),
}
DROPPED_OTHERWISE = Class(
    Kind.SENDER, "sendgrid-dropped", f"{_SOURCE}: dropped for our account or the message"
)
EVENTS = {
    "spamreport": Class(Kind.COMPLAINT, "sendgrid-spamreport", _SOURCE),
    "unsubscribe": Class(Kind.UNSUBSCRIBE, "sendgrid-unsubscribe", _SOURCE),
    "group_unsubscribe": Class(Kind.UNSUBSCRIBE, "sendgrid-unsubscribe", _SOURCE),
}
NO_NEWS = frozenset({
    "processed", "delivered", "deferred", "open", "click", "group_resubscribe", "account_status_change",
})  # fmt: skip


def check_key(key: str) -> None:
    from service.bounces.hooks import signatures

    signatures.public_key(key)


def verify(call: Call, proof: Proof, now: datetime) -> None:
    from service.bounces.hooks import signatures

    signature, timestamp = call.headers.get(SIGNATURE), call.headers.get(TIMESTAMP)
    if not signature or not timestamp:
        raise NotBelieved(Trouble.NO_SIGNATURE)
    if not proof.key:
        raise NotBelieved(Trouble.NO_KEY)
    signatures.check_ecdsa(proof.key, signature, timestamp.encode() + call.body)
    calls.check_age(calls.seconds(timestamp), now=now, missing=Trouble.BAD_SIGNATURE)


def read(body: bytes) -> Heard:
    return calls.heard(calls.events_of(body), _told)


def _told(event: Event) -> Iterator[Told]:
    name = calls.text(event.get("event"), calls.NAME_CHARACTERS)
    if name in NO_NEWS:
        return
    word, shown = _class(name, event)
    found = Circumstances(
        recipient=calls.address(event.get("email")),
        status=calls.text(event.get("status")),
        words=calls.text(event.get("reason") or event.get("response")),
        at=calls.seconds(event.get("timestamp")),
        original=Original(message_id=calls.message_id(event.get("smtp-id"))),
    )
    number = calls.text(event.get("sg_message_id"), 250)
    key = event.get("sg_event_id")
    yield Told(
        key=calls.event_key(key)
        if key
        else calls.event_key(name, number, found.recipient, event.get("timestamp")),
        name=shown[: calls.NAME_CHARACTERS],
        finding=weighed(word, found),
        number=number.partition(".")[0],
    )


def _class(name: str, event: Event) -> tuple[Class, str]:
    if name == "bounce":
        kind, said = calls.text(event.get("type")), calls.text(event.get("bounce_classification"))
        word = CLASSES.get(said, BLOCKED if kind == "blocked" else BOUNCED)
        return word, f"{kind if kind == 'blocked' else name} {said}".strip()
    if name == "dropped":
        reason = calls.text(event.get("reason"))
        return DROPPED.get(reason.lower(), DROPPED_OTHERWISE), f"{name} {reason}".strip()
    if name in EVENTS:
        return EVENTS[name], name
    raise calls.Odd
