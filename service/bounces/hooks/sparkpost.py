"""SparkPost's webhooks (Bird): batches, not signed, so the secret in our address (and TLS) is the proof. Pure.

https://support.sparkpost.com/docs/tech-resources/webhook-data-streams (batches, retries for 8 hours),
https://developers.sparkpost.com/api/webhooks/ (events), bounce classes:
https://support.sparkpost.com/docs/deliverability/bounce-classification-codes. Our Message-ID is not told, so an event is matched by
its recipient.
"""

from collections.abc import Iterator
from typing import Any

from service.bounces.findings import Kind
from service.bounces.hooks import calls
from service.bounces.hooks.calls import Event, Heard, Told
from service.bounces.hooks.weighing import Circumstances, Class, weighed

_SOURCE = "SparkPost, bounce classification codes"


def _word(kind: Kind, rule: str, *, is_final: bool = False) -> Class:
    return Class(kind, f"sparkpost-{rule}", _SOURCE, is_final)


CLASSES = {
    "1": _word(Kind.STRIKE, "undetermined"),
    "10": _word(Kind.PERMANENT, "invalid-recipient"),
    "20": _word(Kind.TRANSIENT, "soft"),
    "21": _word(Kind.TRANSIENT, "dns"),
    "22": _word(Kind.TRANSIENT, "mailbox-full"),
    "23": _word(Kind.SENDER, "too-large"),
    "24": _word(Kind.TRANSIENT, "timeout"),
    "25": _word(Kind.SENDER, "admin-failure", is_final=True),
    "26": _word(Kind.STRIKE, "smart-send", is_final=True),
    "30": _word(Kind.PERMANENT, "no-rcpt"),
    "40": _word(Kind.TRANSIENT, "generic"),
    "50": _word(Kind.SENDER, "mail-block"),
    "51": _word(Kind.SENDER, "spam-block"),
    "52": _word(Kind.SENDER, "spam-content"),
    "53": _word(Kind.SENDER, "attachment"),
    "54": _word(Kind.SENDER, "relaying-denied"),
    "60": _word(Kind.AUTO_REPLY, "auto-reply"),
    "70": _word(Kind.TRANSIENT, "transient"),
    "80": _word(Kind.NOT_A_REPORT, "subscribe"),
    "90": _word(Kind.UNSUBSCRIBE, "unsubscribe"),
    "100": _word(Kind.AUTO_REPLY, "challenge"),
}
SUPPRESSED = _word(Kind.STRIKE, "suppressed", is_final=True)
BOUNCES = frozenset({"bounce", "out_of_band", "policy_rejection"})
EVENTS = {
    "spam_complaint": Class(Kind.COMPLAINT, "sparkpost-complaint", "SparkPost, spam_complaint"),
    "list_unsubscribe": Class(Kind.UNSUBSCRIBE, "sparkpost-unsubscribe", "SparkPost, list_unsubscribe"),
    "link_unsubscribe": Class(Kind.UNSUBSCRIBE, "sparkpost-unsubscribe", "SparkPost, link_unsubscribe"),
    "generation_failure": Class(Kind.SENDER, "sparkpost-generation", "SparkPost, generation_failure"),
    "generation_rejection": Class(Kind.SENDER, "sparkpost-generation", "SparkPost, generation_rejection"),
}
NO_NEWS = frozenset({
    "injection", "delivery", "delay", "sms_status", "open", "initial_open", "click", "amp_open", "amp_initial_open", "amp_click",
})  # fmt: skip


def read(body: bytes) -> Heard:
    return calls.heard(calls.events_of(body), _told)


def _told(wrapped: Event) -> Iterator[Told]:
    if "msys" not in wrapped:
        raise calls.Odd
    for event in calls.inner(wrapped, "msys").values():  # an empty one is a ping
        name = calls.text(calls.inner({"event": event}, "event").get("type"), calls.NAME_CHARACTERS)
        if name not in NO_NEWS:
            yield _one(name, event)


def _one(name: str, event: Any) -> Told:
    if not isinstance(event, dict):
        raise calls.Odd
    words = calls.text(event.get("raw_reason")) or calls.text(event.get("reason"))
    number = calls.text(event.get("bounce_class"), 4)
    found = Circumstances(
        recipient=calls.address(event.get("raw_rcpt_to")) or calls.address(event.get("rcpt_to")),
        code=calls.text(event.get("error_code")),
        words=words,
        at=calls.seconds(event.get("timestamp")) or calls.moment(event.get("timestamp")),
        feedback=calls.text(event.get("fbtype")),
    )
    key = event.get("event_id")
    return Told(
        key=calls.event_key(key) if key else calls.event_key(name, event.get("message_id"), found.recipient),
        name=f"{name} {number}".strip()[: calls.NAME_CHARACTERS],
        finding=weighed(_class(name, number, found), found),
        number=calls.text(event.get("message_id"), 250),
    )


def _class(name: str, number: str, found: Circumstances) -> Class:
    if name in EVENTS:
        return _NOT_SPAM if found.feedback == "not-spam" else EVENTS[name]
    if name not in BOUNCES:
        raise calls.Odd
    if number == "25" and "suppress" in found.words.lower():
        return SUPPRESSED
    return CLASSES.get(number, CLASSES["25"] if name == "policy_rejection" else CLASSES["1"])


_NOT_SPAM = Class(Kind.NOT_A_REPORT, "sparkpost-not-spam", "RFC 6430 section 3")
