"""DKIM (RFC 6376): a message in, the same message with its signature on top out. Nothing here asks anybody for anything.

rsa-sha256 (RFC 8301 §3.1), relaxed/relaxed, without `l=`: the whole body is covered. The same message, key and time always give the same
bytes (RSASSA-PKCS1-v1_5 has no chance in it), so a message that goes out a second time is the same message.

What many messages share is worked out once: a field in its relaxed form, the order of the signed fields, and all of the signature's own
field up to the body's hash. Left for each message are two hashes and the RSA operation, during which other threads run.
"""

import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

FIELD = b"DKIM-Signature:"
LINE = 76

# What a reader or a mailbox provider goes by. Never Return-Path, Received or Bcc: hops add or take those (RFC 6376 §5.4).
SIGNED = (
    b"from",
    b"reply-to",
    b"subject",
    b"date",
    b"to",
    b"cc",
    b"message-id",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"list-help",
    b"list-archive",
    b"feedback-id",
    b"cfbl-address",
)
# Named once more than they occur, so that one added on the way breaks the signature (RFC 6376 §8.15).
OVERSIGNED = frozenset(
    {
        b"from",
        b"reply-to",
        b"subject",
        b"date",
        b"to",
        b"cc",
        b"message-id",
        b"content-type",
        b"list-unsubscribe",
        b"list-unsubscribe-post",
    }
)

_PADDING = padding.PKCS1v15()
_SHA256 = Prehashed(hashes.SHA256())  # to hash it ourselves is a few per cent quicker than to have it hashed


@dataclass(frozen=True)
class SigningKey:
    """`domain` as A-labels: it has to be that of the From field, or DMARC does not count the signature."""

    domain: str
    selector: str
    private: RSAPrivateKey


class Unsigned(NamedTuple):
    """A message with all of its signature's field but the signature, and the digest (SHA-256) that is to be signed."""

    opening: bytes
    body_hash: bytes
    digest: bytes
    message: bytes

    def signed(self, signature: bytes) -> bytes:
        return b"".join(
            [self.opening, self.body_hash, b";\r\n b=", _folded(signature), b"\r\n", self.message]
        )


def sign(message: bytes, key: SigningKey, *, at: datetime, body_is_relaxed: bool = False) -> bytes:
    """The message, signed: `prepared` and `signature` in one."""
    unsigned = prepared(message, key, at=at, body_is_relaxed=body_is_relaxed)
    return unsigned.signed(signature(key, unsigned.digest))


def signature(key: SigningKey, digest: bytes) -> bytes:
    return key.private.sign(digest, _PADDING, _SHA256)


def prepared(message: bytes, key: SigningKey, *, at: datetime, body_is_relaxed: bool = False) -> Unsigned:
    """To be signed at that time (to the second). The message must have CRLF line ends and be 7-bit clean (RFC 6376 §5.3).

    `body_is_relaxed` promises that `relaxed_body` would change nothing, and saves looking. Raises ValueError without a blank line.
    """
    end = message.index(b"\r\n\r\n")
    names, fields = _fields(message[:end])
    layout = _layout(names)
    opening, relaxed_opening = _opening(key.domain, key.selector, int(at.timestamp()), layout.named)
    body = memoryview(message)[end + 4 :] if body_is_relaxed else relaxed_body(message[end + 4 :])
    body_hash = binascii.b2a_base64(hashlib.sha256(body).digest(), newline=False)
    covered = b"".join([*[fields[place] for place in layout.places], relaxed_opening, body_hash, b"; b="])
    return Unsigned(opening, body_hash, hashlib.sha256(covered).digest(), message)


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4: runs of blanks become one, none stands at the end of a line, no empty line at the end of the body."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \r\n", b"\r\n").removesuffix(b" ")
    while body.endswith(b"\r\n\r\n"):
        body = body[:-2]
    if body in (b"", b"\r\n"):
        return b""
    return body if body.endswith(b"\r\n") else body + b"\r\n"


def has_relaxed_body(message: bytes) -> bool:
    body = message.partition(b"\r\n\r\n")[2]
    return relaxed_body(body) == body


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376 §3.4.2: the name in lower case, the value unfolded with single blanks. With its CRLF."""
    return _named(field.replace(b"\r\n", b""))[1]


def _named(unfolded: bytes) -> tuple[bytes, bytes]:
    """A field's name in lower case, and the field in relaxed form."""
    name, _, value = unfolded.replace(b"\t", b" ").partition(b":")
    while b"  " in value:
        value = value.replace(b"  ", b" ")
    name = name.rstrip(b" ").lower()
    return name, name + b":" + value.strip(b" ") + b"\r\n"


def _fields(head: bytes) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The names of a header's fields, from top to bottom, and the fields in relaxed form."""
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b"\t")
    names, fields = zip(*map(_known, unfolded.split(b"\r\n")), strict=True)
    return names, fields


# Most fields are those of the message before; a few are the reader's own, and soon forgotten.
_known = lru_cache(maxsize=512)(_named)


@dataclass(frozen=True)
class _Layout:
    """`places`: which fields are covered, in the order of `named`, which is what `h=` says."""

    places: tuple[int, ...]
    named: tuple[bytes, ...]


@lru_cache(maxsize=64)
def _layout(names: tuple[bytes, ...]) -> _Layout:
    places: list[int] = []
    named: list[bytes] = []
    for wanted in SIGNED:
        # Of several with one name, the lowest first (RFC 6376 §5.4.2).
        found = [place for place in range(len(names) - 1, -1, -1) if names[place] == wanted]
        places += found
        named += [wanted] * (len(found) + (wanted in OVERSIGNED))
    return _Layout(tuple(places), tuple(named))


@lru_cache(maxsize=256)  # all messages of a span share it
def _opening(domain: str, selector: str, seconds: int, named: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """The signature's own field up to the body's hash: as it is written, and relaxed as it is signed."""
    written = b"%b v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n d=%b; s=%b; t=%d;\r\n %b;\r\n bh=" % (
        FIELD,
        domain.encode("ascii"),
        selector.encode("ascii"),
        seconds,
        _list(named),
    )
    return written, relaxed_field(written).removesuffix(b"\r\n")


def _list(named: tuple[bytes, ...]) -> bytes:
    lines = [b"h=" + named[0]]
    for name in named[1:]:
        if len(lines[-1]) + len(name) + 2 >= LINE:
            lines[-1] += b":"
            lines.append(b" " + name)
        else:
            lines[-1] += b":" + name
    return b"\r\n".join(lines)


def _folded(signature: bytes) -> bytes:
    encoded = binascii.b2a_base64(signature, newline=False)
    width = LINE - len(" b=")
    return b"\r\n ".join([encoded[start : start + width] for start in range(0, len(encoded), width)])
