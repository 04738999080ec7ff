"""Mailgun's webhooks. Pure.

https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads and, for the signature,
https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks. The signature stands in the body and covers only
a time and a token, not the event: so a token is good for one body, and the body must be read before it is believed.
"""

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from service.bounces.findings import Kind, Original
from service.bounces.hooks import calls
from service.bounces.hooks.calls import Call, Event, Heard, NotBelieved, Proof, Told, Trouble
from service.bounces.hooks.weighing import Circumstances, Class, weighed

_SOURCE = "Mailgun, webhook payloads"
TEMPORARY = Class(Kind.DELAY, "mailgun-temporary", f"{_SOURCE}: it tries again")
FAILED = {
    "suppress-bounce": Class(Kind.STRIKE, "mailgun-suppressed", f"{_SOURCE}: suppress-bounce", is_final=True),
    "suppress-complaint": Class(
        Kind.COMPLAINT, "mailgun-suppressed-complaint", f"{_SOURCE}: suppress-complaint"
    ),
    "suppress-unsubscribe": Class(
        Kind.UNSUBSCRIBE, "mailgun-suppressed-left", f"{_SOURCE}: suppress-unsubscribe"
    ),
    "old": Class(Kind.TRANSIENT, "mailgun-old", f"{_SOURCE}: tried too long", is_final=True),
    "greylisted": Class(Kind.TRANSIENT, "mailgun-greylisted", f"{_SOURCE}: greylisted", is_final=True),
    "espblock": Class(Kind.SENDER, "mailgun-espblock", f"{_SOURCE}: espblock"),
}
HARD = Class(Kind.PERMANENT, "mailgun-hard", f"{_SOURCE}: failed, permanent, bounce-type hard")
SOFT = Class(Kind.TRANSIENT, "mailgun-soft", f"{_SOURCE}: failed, permanent, bounce-type soft")
FAILED_OTHERWISE = Class(Kind.STRIKE, "mailgun-failed", f"{_SOURCE}: failed, permanent")
EVENTS = {
    "complained": Class(Kind.COMPLAINT, "mailgun-complained", _SOURCE),
    "unsubscribed": Class(Kind.UNSUBSCRIBE, "mailgun-unsubscribed", _SOURCE),
    "rejected": Class(Kind.SENDER, "mailgun-rejected", f"{_SOURCE}: Mailgun did not take it", is_final=True),
}
NO_NEWS = frozenset({"accepted", "delivered", "opened", "clicked", "stored", "list_member_uploaded"})


def verify(call: Call, proof: Proof, now: datetime) -> None:
    found = calls.loads(call.body)
    said = calls.inner(found, "signature") if isinstance(found, dict) else {}
    timestamp, token, signature = (
        calls.text(said.get(name), 200) for name in ("timestamp", "token", "signature")
    )
    if not timestamp or not token or not signature:
        raise NotBelieved(Trouble.NO_SIGNATURE)
    if not proof.key:
        raise NotBelieved(Trouble.NO_KEY)
    expected = hmac.new(proof.key.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
        raise NotBelieved(Trouble.BAD_SIGNATURE)
    calls.check_age(calls.seconds(timestamp), now=now, missing=Trouble.BAD_SIGNATURE)


def read(body: bytes) -> Heard:
    found = calls.loads(body)
    call = found if isinstance(found, dict) else {}
    heard = calls.heard([calls.inner(call, "event-data")], _told)
    key = calls.event_key(calls.inner(call, "signature").get("token"))
    once = hashlib.sha256(body).hexdigest()
    return replace(heard, told=tuple(replace(one, key=key, once=once) for one in heard.told))


def _told(event: Event) -> Iterator[Told]:
    name = calls.text(event.get("event"), calls.NAME_CHARACTERS)
    if name in NO_NEWS:
        return
    status = calls.inner(event, "delivery-status")
    word = _class(name, event, calls.text(status.get("bounce-type")))
    code = calls.text(status.get("code"))
    found = Circumstances(
        recipient=calls.address(event.get("recipient")),
        status=calls.text(status.get("enhanced-code")),
        code=code,
        words=calls.text(status.get("message")) or calls.text(status.get("description")),
        at=calls.seconds(event.get("timestamp")),
        original=Original(
            message_id=calls.message_id(calls.inner(event, "message", "headers").get("message-id"))
        ),
    )
    shown = " ".join(filter(None, (name, calls.text(event.get("severity")), calls.text(event.get("reason")))))
    yield Told(key="", name=shown[: calls.NAME_CHARACTERS], finding=weighed(word, found))


def _class(name: str, event: Event, bounce_type: str) -> Class:
    if name in EVENTS:
        return EVENTS[name]
    if name != "failed":
        raise calls.Odd
    if event.get("severity") == "temporary":
        return TEMPORARY
    known = FAILED.get(calls.text(event.get("reason")))
    if known is not None:
        return known
    return {"hard": HARD, "soft": SOFT}.get(bounce_type, FAILED_OTHERWISE)
