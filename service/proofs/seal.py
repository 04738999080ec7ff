"""The seal under a proof: Ed25519 (RFC 8032) over the SHA-256 of all that stands above it.

The keys are derived from the service's own by HKDF (RFC 5869), one for each: the first signs, all are published. So a proof
outlives a change of key just as links do, and there is no second secret to keep.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.errors import Invalid
from service.proofs.signature import ALGORITHM, Seal
from service.tokens import Keys

_PURPOSE = b"morning-memo proof ed25519 1"
_NAME_DIGITS = 16

PublicKeys = Mapping[str, Ed25519PublicKey]


class PublicKeyInvalid(Invalid):
    """This file holds no Ed25519 public key in PEM form. The one that made the proof is at /proof-keys of its service."""


def sign(keys: Keys, sha256: str) -> Seal:
    private = _private(keys.values[0])
    return Seal(
        key=name_of(private.public_key()),
        sha256=sha256,
        value=private.sign(statement(sha256)).hex(),
    )


def holds(seal: Seal, public: Ed25519PublicKey) -> bool:
    """Whether that key made it; there is exactly one spelling of a signature."""
    try:
        raw = bytes.fromhex(seal.value)
        public.verify(raw, statement(seal.sha256))
    except (ValueError, InvalidSignature):
        return False
    return raw.hex() == seal.value


def statement(sha256: str) -> bytes:
    """What is signed: short, so that neither side has to hold a large file in memory."""
    return f"Morning Memo proof 1\n{sha256}\n".encode()


def public_keys(keys: Keys) -> dict[str, Ed25519PublicKey]:
    """By name, the one that signs now first."""
    return _named(_private(value).public_key() for value in keys.values)


def name_of(public: Ed25519PublicKey) -> str:
    return hashlib.sha256(public.public_bytes_raw()).hexdigest()[:_NAME_DIGITS]


def pem(public: Ed25519PublicKey) -> str:
    """SubjectPublicKeyInfo (RFC 8410), as other programs read it."""
    return public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def read_pem(data: bytes) -> Ed25519PublicKey:
    try:
        found = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PublicKeyInvalid from error
    if not isinstance(found, Ed25519PublicKey):
        raise PublicKeyInvalid
    return found


def read_published(data: bytes) -> dict[str, Ed25519PublicKey]:
    """Public keys by name, from a PEM file or from what `/proof-keys` answers."""
    if not data.lstrip().startswith(b"{"):
        return _named([read_pem(data)])
    try:
        return _named([read_pem(one["pem"].encode()) for one in json.loads(data)["keys"]])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PublicKeyInvalid from error


def published(keys: Keys) -> dict[str, Any]:
    """What `/proof-keys` answers: the one that signs now first."""
    found = public_keys(keys)
    return {"algorithm": ALGORITHM, "keys": [{"key": name, "pem": pem(one)} for name, one in found.items()]}


def _named(found: Iterable[Ed25519PublicKey]) -> dict[str, Ed25519PublicKey]:
    return {name_of(public): public for public in found}


def _private(value: bytes) -> Ed25519PrivateKey:
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE).derive(value)
    return Ed25519PrivateKey.from_private_bytes(derived)
