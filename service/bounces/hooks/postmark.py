"""Postmark's webhooks: not signed, so the secret in our address (and TLS) is the proof. Pure.

https://postmarkapp.com/developer/webhooks/bounce-webhook, https://postmarkapp.com/developer/webhooks/spam-complaint-webhook,
https://postmarkapp.com/developer/webhooks/subscription-change-webhook; bounce types: https://postmarkapp.com/developer/api/bounce-api.
Our Message-ID is replaced and not told, so an event is matched by its recipient. Not verified: whether `MessageID` is the number in
the 250.
"""

from collections.abc import Iterator

from service.bounces.findings import Kind
from service.bounces.hooks import calls
from service.bounces.hooks.calls import Event, Heard, Told
from service.bounces.hooks.weighing import Circumstances, Class, weighed

_SOURCE = "Postmark, bounce types"


def _word(kind: Kind, rule: str, *, is_final: bool = False) -> Class:
    return Class(kind, f"postmark-{rule}", _SOURCE, is_final)


TYPES = {
    "HardBounce": _word(Kind.PERMANENT, "hard"),
    "BadEmailAddress": _word(Kind.PERMANENT, "bad-address", is_final=True),
    "SoftBounce": _word(Kind.TRANSIENT, "soft"),
    "DnsError": _word(Kind.TRANSIENT, "dns"),
    "Transient": _word(Kind.DELAY, "transient"),
    "Blocked": _word(Kind.SENDER, "blocked"),
    "SpamNotification": _word(Kind.SENDER, "spam-notification", is_final=True),
    "VirusNotification": _word(Kind.SENDER, "virus", is_final=True),
    "DMARCPolicy": _word(Kind.SENDER, "dmarc", is_final=True),
    "SMTPApiError": _word(Kind.SENDER, "smtp-api", is_final=True),
    "TemplateRenderingFailed": _word(Kind.SENDER, "template", is_final=True),
    "SpamComplaint": _word(Kind.COMPLAINT, "complaint"),
    "Unsubscribe": _word(Kind.UNSUBSCRIBE, "unsubscribe"),
    "ManuallyDeactivated": _word(Kind.STRIKE, "deactivated", is_final=True),
    "AutoResponder": _word(Kind.AUTO_REPLY, "auto-responder"),
    "ChallengeVerification": _word(Kind.AUTO_REPLY, "challenge"),
    "AddressChange": _word(Kind.AUTO_REPLY, "address-change"),
    "Subscribe": _word(Kind.NOT_A_REPORT, "subscribe"),
    "OpenRelayTest": _word(Kind.NOT_A_REPORT, "relay-test"),
    "Unknown": _word(Kind.NOT_A_REPORT, "unknown"),
    "Unconfirmed": _word(Kind.NOT_A_REPORT, "unconfirmed"),
    "InboundError": _word(Kind.NOT_A_REPORT, "inbound"),
}  # fmt: skip
CHANGES = {
    "HardBounce": Class(Kind.STRIKE, "postmark-suppressed", "Postmark, subscription change", is_final=True),
    "SpamComplaint": Class(Kind.COMPLAINT, "postmark-suppressed-complaint", "Postmark, subscription change"),
}
LEFT = Class(Kind.UNSUBSCRIBE, "postmark-left", "Postmark, subscription change by the recipient")
NO_NEWS = frozenset({"Delivery", "Open", "Click"})


def read(body: bytes) -> Heard:
    return calls.heard(calls.events_of(body), _told)


def _told(event: Event) -> Iterator[Told]:
    record = calls.text(event.get("RecordType"), calls.NAME_CHARACTERS)
    if record in NO_NEWS:
        return
    if record in {"Bounce", "SpamComplaint"}:
        yield _bounce(event)
    elif record == "SubscriptionChange":
        yield from _change(event)
    else:
        raise calls.Odd


def _bounce(event: Event) -> Told:
    name = calls.text(event.get("Type"), calls.NAME_CHARACTERS)
    if name not in TYPES:
        raise calls.Odd
    found = Circumstances(
        recipient=calls.address(event.get("Email")),
        words=calls.text(event.get("Details")) or calls.text(event.get("Description")),
        at=calls.moment(event.get("BouncedAt")),
    )
    key = calls.event_key(
        "bounce", event.get("ServerID"), event.get("ID"), event.get("MessageID"), found.recipient
    )
    return Told(key, name, weighed(TYPES[name], found), number=calls.text(event.get("MessageID"), 250))


def _change(event: Event) -> Iterator[Told]:
    """Somebody was added to Postmark's own list. What a person did there by hand is theirs to know, and nobody is signed up again."""
    if event.get("SuppressSending") is not True:
        return
    reason = calls.text(event.get("SuppressionReason"), calls.NAME_CHARACTERS)
    word = CHANGES.get(reason) or (LEFT if event.get("Origin") == "Recipient" else None)
    if word is None:
        return
    found = Circumstances(
        recipient=calls.address(event.get("Recipient")), at=calls.moment(event.get("ChangedAt"))
    )
    key = calls.event_key("change", event.get("MessageID"), found.recipient, event.get("ChangedAt"), reason)
    yield Told(key, f"SubscriptionChange {reason}"[: calls.NAME_CHARACTERS], weighed(word, found))
