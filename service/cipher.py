"""The vault's cipher: AES-256-GCM, under a key derived by HKDF (RFC 5869). Loaded with the first secret there is to lock or read."""

import functools

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"morning-memo vault aes-256-gcm 1"
_KEY_OCTETS = 32


def encrypted(value: bytes, nonce: bytes, secret: bytes, bound: bytes) -> bytes:
    """With its tag behind it; `bound` is authenticated and not contained."""
    return _cipher(value).encrypt(nonce, secret, bound)


def decrypted(value: bytes, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
    """Raises ValueError where the tag does not fit, or nothing is there that could have one."""
    try:
        return _cipher(value).decrypt(nonce, sealed, bound)
    except InvalidTag as error:
        raise ValueError("it was altered, or belongs elsewhere") from error


@functools.lru_cache(maxsize=64)
def _cipher(value: bytes) -> AESGCM:
    derived = HKDF(algorithm=hashes.SHA256(), length=_KEY_OCTETS, salt=None, info=_PURPOSE).derive(value)
    return AESGCM(derived)
