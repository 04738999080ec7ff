"""What an independent verifier (dkimpy) says of a signature, with a zone of our own in place of the DNS."""

import base64
import logging
from collections.abc import Mapping

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from service.delivery.dkim import SigningKey

Zone = Mapping[str, str]
_QUIET = logging.getLogger("dkim-check")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False


def new_key(domain: str, selector: str) -> SigningKey:
    return SigningKey(domain, selector, rsa.generate_private_key(65537, 2048))


def zone_of(*keys: SigningKey) -> dict[str, str]:
    """What the domains' owners would publish."""
    return {f"{key.selector}._domainkey.{key.domain}": _record(key) for key in keys}


def verifies(message: bytes, zone: Zone) -> bool:
    """Whether the topmost signature holds."""

    def answer(name: bytes, timeout: int = 5) -> bytes | None:
        found = zone.get(name.decode().rstrip("."))
        return found.encode() if found else None

    try:
        return bool(dkim.DKIM(message, logger=_QUIET).verify(dnsfunc=answer))
    except (
        dkim.ValidationError
    ):  # a body that is not the signed one; a malformed signature is an error of another kind
        return False


def signed_fields(message: bytes) -> list[str]:
    """What its `h=` names, in order; one that is oversigned stands once more than it occurs."""
    return [name.strip() for name in tags_of(message)["h"].split(":")]


def tags_of(message: bytes) -> dict[str, str]:
    """The tags of the signature on top."""
    assert message.startswith(b"DKIM-Signature:")
    lines = message.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    end = next(place for place, line in enumerate(lines) if place and not line.startswith((" ", "\t")))
    value = "".join(lines[:end]).partition(":")[2]
    pairs = (tag.partition("=") for tag in value.split(";"))
    return {name.strip(): text.strip() for name, _, text in pairs}


def _record(key: SigningKey) -> str:
    public = key.private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
