"""A form of our own, for whatever no relay's form fits: JSON with an HMAC, described in docs/HOOKS.md. Pure.

Memo-Signature: t=1764201600,v1=HEX        HMAC-SHA-256 (RFC 2104) over `t`, a full stop, and the body as it is sent
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from service.bounces.findings import Kind, Original
from service.bounces.hooks import calls
from service.bounces.hooks.calls import Call, Event, Heard, NotBelieved, Proof, Told, Trouble
from service.bounces.hooks.weighing import Circumstances, Class, weighed

HEADER = "memo-signature"
FRESH_FOR = timedelta(minutes=5)  # who signs each try anew needs no more
_PART = re.compile(r"\s*(t|v1)=([0-9A-Fa-f]{1,128})\s*")
_SOURCE = "docs/HOOKS.md"
EVENTS = {
    "bounce": Class(Kind.STRIKE, "signed-bounce", f"{_SOURCE}: judged by its reply"),
    "permanent": Class(Kind.PERMANENT, "signed-permanent", _SOURCE, is_final=True),
    "strike": Class(Kind.STRIKE, "signed-strike", _SOURCE, is_final=True),
    "transient": Class(Kind.TRANSIENT, "signed-transient", _SOURCE, is_final=True),
    "sender": Class(Kind.SENDER, "signed-sender", _SOURCE, is_final=True),
    "complaint": Class(Kind.COMPLAINT, "signed-complaint", _SOURCE),
    "unsubscribe": Class(Kind.UNSUBSCRIBE, "signed-unsubscribe", _SOURCE),
}
NO_NEWS = frozenset({"delay", "delivered", "ping"})


def signature(key: str, at: int, body: bytes) -> str:
    """The header's value."""
    return f"t={at},v1={_digest(key, str(at), body)}"


def verify(call: Call, proof: Proof, now: datetime) -> None:
    parts = [_PART.fullmatch(part) for part in call.headers.get(HEADER, "").split(",")[:10]]
    found = [(part.group(1), part.group(2)) for part in parts if part]
    times = [value for name, value in found if name == "t"]
    given = [value.lower() for name, value in found if name == "v1"]
    if len(times) != 1 or not given:
        raise NotBelieved(Trouble.NO_SIGNATURE)
    if not proof.key:
        raise NotBelieved(Trouble.NO_KEY)
    expected = _digest(proof.key, times[0], call.body).encode()
    if not any(hmac.compare_digest(expected, one.encode()) for one in given):
        raise NotBelieved(Trouble.BAD_SIGNATURE)
    calls.check_age(calls.seconds(times[0]), now=now, most=FRESH_FOR, missing=Trouble.BAD_SIGNATURE)


def read(body: bytes) -> Heard:
    return calls.heard(calls.events_of(body), _told)


def _told(event: Event) -> Iterator[Told]:
    name = calls.text(event.get("event"), calls.NAME_CHARACTERS)
    if name in NO_NEWS:
        return
    key = event.get("id")
    if name not in EVENTS or not calls.text(key):
        raise calls.Odd
    found = Circumstances(
        recipient=calls.address(event.get("recipient")),
        status=calls.text(event.get("status")),
        code=calls.text(event.get("reply")),
        words=calls.text(event.get("text")),
        at=calls.moment(event.get("at")),
        original=Original(message_id=calls.message_id(event.get("message_id"))),
        feedback=calls.text(event.get("feedback")),
    )
    number = calls.text(event.get("queue_id"), 250)
    yield Told(calls.event_key(key), name, weighed(EVENTS[name], found), number=number)


def _digest(key: str, at: str, body: bytes) -> str:
    return hmac.new(key.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
