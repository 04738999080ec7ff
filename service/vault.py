"""The vault: secrets that the service must be able to read again (passwords of relays, DKIM keys), encrypted for the database.

    1.NAME.BASE64URL      NAME: the fingerprint of the key; inside: a nonce of 96 bits, then AES-256-GCM of the secret with its tag

The keys are derived from the service's own by HKDF (RFC 5869), one for each: the first locks, all unlock. What a box is for and which
row it belongs to is authenticated with it, so that whoever can write to the database cannot put one row's box into another.
A random nonce is safe for 2^32 boxes under one key (NIST SP 800-38D §8.3), and we make one for each secret that a person enters.
"""

import base64
import binascii
import os

from service.errors import Conflict
from service.tokens import Keys

_FORM = "1"
_NONCE_OCTETS = 12


class KeyMissing(Conflict):
    """A secret in the database is locked with a key that MEMO_SECRET_KEY does not hold any more. Put the old key back, behind the first."""


class BoxDamaged(Conflict):
    """A secret in the database was altered, or belongs to another row. Enter it again."""


def lock(keys: Keys, secret: bytes, *, purpose: str, row: str) -> str:
    """A box for a text column: four octets for every three of the secret, and 60 more. `row` must be known before the row is written and
    never change (a uid, a name), and neither `purpose` nor `row` may hold a NUL."""
    from service import cipher

    nonce = os.urandom(_NONCE_OCTETS)
    sealed = cipher.encrypted(keys.values[0], nonce, secret, _bound(purpose, row))
    return f"{_FORM}.{keys.fingerprint()}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unlock(keys: Keys, box: str, *, purpose: str, row: str) -> bytes:
    """The secret. Raises KeyMissing or BoxDamaged."""
    from service import cipher

    form, _, rest = box.partition(".")
    name, _, encoded = rest.partition(".")
    if form != _FORM:
        raise BoxDamaged
    value = next((one for one in keys.values if Keys((one,)).fingerprint() == name), None)
    if value is None:
        raise KeyMissing
    bound = _bound(purpose, row)
    try:
        raw = base64.b64decode(encoded, altchars=b"-_", validate=True)
        if base64.urlsafe_b64encode(raw).decode() != encoded:  # one spelling for each box
            raise BoxDamaged
        return cipher.decrypted(value, raw[:_NONCE_OCTETS], raw[_NONCE_OCTETS:], bound)
    except (binascii.Error, ValueError) as error:
        raise BoxDamaged from error


def is_current(keys: Keys, box: str) -> bool:
    """Whether the first key locked it. If not, unlock it and lock it again: then the old key can go."""
    return box.startswith(f"{_FORM}.{keys.fingerprint()}.")


def _bound(purpose: str, row: str) -> bytes:
    if "\0" in purpose + row:
        raise ValueError("a box cannot be bound to a name with a NUL in it")
    return f"{purpose}\0{row}".encode()
