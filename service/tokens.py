"""Signed tokens: what a link in a message may ask for, without a table of secrets.

A token is `base64url(payload + tag)`; the tag is HMAC-SHA-256, cut to 128 bits, over the purpose and the payload, so a token
made for one purpose is worth nothing for another. The first key signs, all keys verify: links outlive a change of key.
"""

import base64
import binascii
import contextlib
import functools
import hashlib
import hmac
import os
import re
import secrets
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from uuid_utils.compat import uuid7

TAG_OCTETS = 16
_SPLIT = re.compile(r"[\s,]+")


@dataclass(frozen=True)
class Keys:
    """Signing keys, newest first."""

    values: tuple[bytes, ...]

    def fingerprint(self) -> str:
        """Names the key that signs now, so that a retry can sign with the same one."""
        return _fingerprint(self.values[0])

    def named(self, fingerprint: str) -> bytes:
        """The key of that name, or the newest if it has been taken out of service."""
        return self._by_name.get(fingerprint, self.values[0])

    @functools.cached_property
    def _by_name(self) -> dict[str, bytes]:
        return {_fingerprint(key): key for key in reversed(self.values)}

    def sign(self, purpose: str, payload: bytes, *, fingerprint: str | None = None) -> str:
        key = self.values[0] if fingerprint is None else self.named(fingerprint)
        return _encoded(payload + _digest(key, purpose, payload)[:TAG_OCTETS])

    def sign_twice(self, purpose: str, payload: bytes, *, fingerprint: str | None = None) -> tuple[str, str]:
        """What `sign` gives, and a second token for another purpose at the cost of one: their tags are the two halves of one HMAC,
        and who knows one half knows nothing of the other.
        """
        key = self.values[0] if fingerprint is None else self.named(fingerprint)
        digest = _digest(key, purpose, payload)
        return _encoded(payload + digest[:TAG_OCTETS]), _encoded(payload + digest[-TAG_OCTETS:])

    def verify(self, purpose: str, token: str) -> bytes | None:
        """The payload, or None for anything that was not signed for this purpose by one of the keys."""
        return self._verified(purpose, token, slice(None, TAG_OCTETS))

    def verify_second(self, purpose: str, token: str) -> bytes | None:
        """The same for the second of the two tokens of `sign_twice`."""
        return self._verified(purpose, token, slice(-TAG_OCTETS, None))

    def _verified(self, purpose: str, token: str, half: slice) -> bytes | None:
        raw = _decoded(token)
        if raw is None or len(raw) <= TAG_OCTETS:
            return None
        payload, tag = raw[:-TAG_OCTETS], raw[-TAG_OCTETS:]
        matches = [hmac.compare_digest(tag, _digest(key, purpose, payload)[half]) for key in self.values]
        return payload if any(matches) else None


def keys_from(text: str) -> Keys:
    """Keys from a setting: one or several, divided by commas or white space, newest first."""
    return Keys(tuple(hashlib.sha256(part.encode()).digest() for part in _SPLIT.split(text.strip()) if part))


def kept_secret(path: Path) -> str:
    """The secret kept in that file; made with mode 0600 at the first call. Two processes at once get the same one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        handle, name = tempfile.mkstemp(dir=path.parent)  # mode 0600
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(name, path)  # whoever links first has chosen
        Path(name).unlink()
    return path.read_text().strip()


def keyed_hash(key: str, text: str) -> str:
    """A keyed SHA-256 in hex: comparable, not reversible without the key."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def hashed(secret: str) -> str:
    """How a random secret (API key, session id) is stored: SHA-256 in hex. Only for secrets of ≥ 128 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(prefix: str = "") -> str:
    return prefix + secrets.token_urlsafe(32)


def new_uid() -> uuid.UUID:
    """A UUIDv7: public, ordered by time of making, no secret."""
    return uuid7()


def _fingerprint(key: bytes) -> str:
    return hashlib.sha256(b"fingerprint" + key).hexdigest()[:12]


def _digest(key: bytes, purpose: str, payload: bytes) -> bytes:
    return hmac.digest(key, purpose.encode() + b"\0" + payload, "sha256")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decoded(token: str) -> bytes | None:
    """Strict: exactly one spelling per token, so an altered one is an unknown one."""
    if len(token) > 200 or not re.fullmatch(r"[A-Za-z0-9_-]+", token):
        return None
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    return raw if _encoded(raw) == token else None
