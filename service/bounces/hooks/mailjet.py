"""Mailjet's Event API, grouped or not: not signed, so the secret in our address (and TLS) is the proof. Pure.

https://dev.mailjet.com/email/guides/webhooks/ (events, and the table of errors). There is no id of an event: message, recipient, event
and time make one. Our Message-ID is not told, so an event is matched by its recipient.
"""

from collections.abc import Iterator

from service.bounces.findings import Kind
from service.bounces.hooks import calls
from service.bounces.hooks.calls import Event, Heard, Told
from service.bounces.hooks.weighing import Circumstances, Class, weighed

_SOURCE = "Mailjet, table of errors"


def _word(kind: Kind, rule: str, *, is_final: bool = False) -> Class:
    return Class(kind, f"mailjet-{rule}", _SOURCE, is_final)


ERRORS = {
    "user unknown": _word(Kind.PERMANENT, "user-unknown"),
    "mailbox inactive": _word(Kind.STRIKE, "inactive"),
    "quota exceeded": _word(Kind.TRANSIENT, "mailbox-full", is_final=True),
    "blacklisted": _word(Kind.STRIKE, "on-their-list", is_final=True),
    "spam reporter": _word(Kind.COMPLAINT, "spam-reporter"),
    "invalid domain": _word(Kind.STRIKE, "invalid-domain"),
    "no mail host": _word(Kind.STRIKE, "no-mail-host"),
    "relay/access denied": _word(Kind.STRIKE, "access-denied"),
    "greylisted": _word(Kind.TRANSIENT, "greylisted", is_final=True),
    "typofix": _word(Kind.PERMANENT, "typo", is_final=True),
    "bad or empty template": _word(Kind.SENDER, "template", is_final=True),
    "error in template language": _word(Kind.SENDER, "template", is_final=True),
    "sender blocked": _word(Kind.SENDER, "sender-blocked"),
    "content blocked": _word(Kind.SENDER, "content-blocked"),
    "policy issue": _word(Kind.SENDER, "policy"),
    "system issue": _word(Kind.TRANSIENT, "system"),
    "protocol issue": _word(Kind.TRANSIENT, "protocol"),
    "connection issue": _word(Kind.TRANSIENT, "connection"),
    "preblocked": _word(Kind.STRIKE, "preblocked", is_final=True),
    "duplicate in campaign": _word(Kind.SENDER, "duplicate", is_final=True),
}  # fmt: skip
HARD = _word(Kind.STRIKE, "hard")
SOFT = _word(Kind.TRANSIENT, "soft")
EVENTS = {
    "spam": Class(Kind.COMPLAINT, "mailjet-spam", "Mailjet, spam event"),
    "unsub": Class(Kind.UNSUBSCRIBE, "mailjet-unsub", "Mailjet, unsub event"),
}
NO_NEWS = frozenset({"sent", "open", "click"})


def read(body: bytes) -> Heard:
    return calls.heard(calls.events_of(body), _told)


def _told(event: Event) -> Iterator[Told]:
    name = calls.text(event.get("event"), calls.NAME_CHARACTERS)
    if name in NO_NEWS:
        return
    error = calls.text(event.get("error"), calls.NAME_CHARACTERS)
    found = Circumstances(
        recipient=calls.address(event.get("email")),
        words=calls.text(event.get("comment")),
        at=calls.seconds(event.get("time")),
    )
    number = calls.text(event.get("MessageID"), 250)
    yield Told(
        key=calls.event_key(name, number, found.recipient, event.get("time"), error),
        name=f"{name} {error}".strip()[: calls.NAME_CHARACTERS],
        finding=weighed(_class(name, error, event), found),
        number=number,
    )


def _class(name: str, error: str, event: Event) -> Class:
    if name in EVENTS:
        return EVENTS[name]
    if name not in {"bounce", "blocked"}:
        raise calls.Odd
    return ERRORS.get(error.lower(), HARD if event.get("hard_bounce") is True else SOFT)
