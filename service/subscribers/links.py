"""What the links in a reader's messages carry: signed, opaque, one purpose each, never an address.

A confirmation link names the subscription's revision and the hour of its making; an unsubscribe link only the subscription,
so the same reader's link is the same in every message and works for as long as its key is in service. A preferences link is like it, but
for another purpose: mail programs and their providers handle the link to leave, and get no right to anything else with it.
"""

import struct
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from service.tokens import Keys

# In place of a token, in what goes to no reader: a test, a preview. Such links end nothing and show nobody.
NOBODYS = "test"
_CONFIRM = "confirm"
_UNSUBSCRIBE = "unsubscribe"
_CONFIRM_FORM = struct.Struct(">16sIQ")
_UID_OCTETS = 16


@dataclass(frozen=True)
class ConfirmClaim:
    subscription_uid: uuid.UUID
    revision: int
    issued_at: datetime


def confirm_token(keys: Keys, subscription_uid: uuid.UUID, revision: int, now: datetime) -> str:
    return keys.sign(_CONFIRM, _CONFIRM_FORM.pack(subscription_uid.bytes, revision, int(now.timestamp())))


def read_confirm(keys: Keys, token: str) -> ConfirmClaim | None:
    payload = keys.verify(_CONFIRM, token)
    if payload is None or len(payload) != _CONFIRM_FORM.size:
        return None
    uid, revision, issued = _CONFIRM_FORM.unpack(payload)
    return ConfirmClaim(uuid.UUID(bytes=uid), revision, datetime.fromtimestamp(issued, UTC))


def unsubscribe_token(keys: Keys, subscription_uid: uuid.UUID, *, fingerprint: str | None = None) -> str:
    """No time in it: a message that is tried again must carry the same bytes."""
    return keys.sign(_UNSUBSCRIBE, subscription_uid.bytes, fingerprint=fingerprint)


def read_unsubscribe(keys: Keys, token: str) -> uuid.UUID | None:
    payload = keys.verify(_UNSUBSCRIBE, token)
    return uuid.UUID(bytes=payload) if payload is not None and len(payload) == _UID_OCTETS else None


def both_of(keys: Keys, subscription: bytes, *, fingerprint: str | None = None) -> tuple[str, str]:
    """The unsubscribe token and the preferences token, from the 16 octets of the subscription's uid. Made once for every message."""
    return keys.sign_twice(_UNSUBSCRIBE, subscription, fingerprint=fingerprint)


def preferences_token(keys: Keys, subscription_uid: uuid.UUID) -> str:
    return both_of(keys, subscription_uid.bytes)[1]


def read_preferences(keys: Keys, token: str) -> uuid.UUID | None:
    payload = keys.verify_second(_UNSUBSCRIBE, token)
    return uuid.UUID(bytes=payload) if payload is not None and len(payload) == _UID_OCTETS else None
