"""Brevo's transactional webhooks: not signed, so the secret in our address (and TLS) is the proof. Pure.

https://developers.brevo.com/docs/transactional-webhooks. There is no id of an event: message, recipient, event and time make one.
Not verified: whether `message-id` is ours or the relay's; the recipient decides where it is not ours.
"""

from collections.abc import Iterator

from service.bounces.findings import Kind, Original
from service.bounces.hooks import calls
from service.bounces.hooks.calls import Event, Heard, Told
from service.bounces.hooks.weighing import Circumstances, Class, weighed

_SOURCE = "Brevo, transactional webhooks"
LEFT = Class(Kind.UNSUBSCRIBE, "brevo-unsubscribed", _SOURCE)
COMPLAINED = Class(Kind.COMPLAINT, "brevo-spam", _SOURCE)
EVENTS = {
    "hard_bounce": Class(Kind.PERMANENT, "brevo-hard", _SOURCE),
    "soft_bounce": Class(Kind.TRANSIENT, "brevo-soft", _SOURCE),
    "invalid_email": Class(Kind.PERMANENT, "brevo-invalid", _SOURCE, is_final=True),
    "blocked": Class(Kind.STRIKE, "brevo-blocked", f"{_SOURCE}: on Brevo's own list", is_final=True),
    "error": Class(Kind.SENDER, "brevo-error", _SOURCE),
    "spam": COMPLAINED,
    "complaint": COMPLAINED,
    "unsubscribed": LEFT,
    "unsubscribe": LEFT,
}
NO_NEWS = frozenset({
    "request", "sent", "delivered", "deferred", "opened", "open", "unique_opened", "uniqueOpened", "click", "proxy_open",
    "unique_proxy_open", "list_addition",
})  # fmt: skip


def read(body: bytes) -> Heard:
    return calls.heard(calls.events_of(body), _told)


def _told(event: Event) -> Iterator[Told]:
    name = calls.text(event.get("event"), calls.NAME_CHARACTERS)
    if name in NO_NEWS:
        return
    if name not in EVENTS:
        raise calls.Odd
    found = Circumstances(
        recipient=calls.address(event.get("email")),
        words=calls.text(event.get("reason")),
        at=calls.milliseconds(event.get("ts_epoch")) or calls.seconds(event.get("ts_event")),
        original=Original(message_id=calls.message_id(event.get("message-id"))),
    )
    key = calls.event_key(
        name, event.get("message-id"), found.recipient, event.get("ts_event") or event.get("ts_epoch")
    )
    yield Told(key, name, weighed(EVENTS[name], found))
