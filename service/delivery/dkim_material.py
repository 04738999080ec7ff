"""What a DKIM key is made of: made, read from a file, told to the world as a DNS record. Nothing here asks the database."""

import base64
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from service import addresses
from service.addresses import AddressInvalid
from service.errors import Invalid

BITS = 2048
BITS_MOST = (
    4096  # a verifier need not take more (RFC 8301 §3.2), and a record of more hardly fits into an answer
)
EXPONENT = 65537
STRING_OCTETS = 255  # RFC 1035 §3.3
SELECTOR_LONGEST = 63
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\Z")


class DomainUnusable(Invalid):
    """This is no domain. Give the part behind the @ of the address that the newsletter comes from."""


class SelectorUnusable(Invalid):
    """A selector is a name of small letters, digits and hyphens, 63 at most: memo1, or 2026-11."""


class PrivateKeyUnusable(Invalid):
    """This file holds no RSA private key in PEM form. `memo dkim create` makes one."""


class PrivateKeyEncrypted(Invalid):
    """This key is locked with a password. Unlock a copy first: openssl pkey -in FILE -out COPY; and delete the copy afterwards."""


def checked_domain(text: str) -> str:
    """As A-labels, as it stands in an address on the wire."""
    try:
        return addresses.parse(f"x@{text.strip()}").domain
    except AddressInvalid as error:
        raise DomainUnusable(field="domain") from error


def checked_selector(text: str) -> str:
    selector = text.strip().lower()
    if len(selector) > SELECTOR_LONGEST or not _SELECTOR.match(selector):
        raise SelectorUnusable(field="selector")
    return selector


def new_private_key() -> RSAPrivateKey:
    """Takes a tenth of a second or several."""
    return rsa.generate_private_key(EXPONENT, BITS)


def read_pem(data: bytes) -> RSAPrivateKey:
    try:
        found = serialization.load_pem_private_key(data, password=None)
    except TypeError as error:
        raise PrivateKeyEncrypted from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise PrivateKeyUnusable from error
    if not isinstance(found, RSAPrivateKey):
        raise PrivateKeyUnusable("This is no RSA key, and mailbox providers hardly read others in DKIM yet.")
    if not BITS <= found.key_size <= BITS_MOST or found.public_key().public_numbers().e != EXPONENT:
        raise PrivateKeyUnusable(
            f"This key has {found.key_size} bits; it needs {BITS} to {BITS_MOST}, and the exponent {EXPONENT}."
            " `memo dkim create` makes one."
        )
    return found


def to_bytes(private: RSAPrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def from_bytes(data: bytes) -> RSAPrivateKey:
    """What `to_bytes` gave. It was checked when it came in, and checking takes a tenth of a second."""
    found = serialization.load_der_private_key(data, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(found, RSAPrivateKey)
    return found


def public_text(private: RSAPrivateKey) -> str:
    """The public half as a record's `p=` has it: SubjectPublicKeyInfo in base64."""
    return base64.b64encode(
        private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    ).decode()


def record_name(domain: str, selector: str) -> str:
    return f"{selector}._domainkey.{domain}"


def record_text(public: str) -> str:
    """RFC 6376 §3.6.1."""
    return f"v=DKIM1; k=rsa; p={public}"


def zone_line(domain: str, selector: str, public: str) -> str:
    """The same as a line of a zone file: one TXT record of several strings, since a string holds no more than 255 octets."""
    text = record_text(public)
    parts = [text[start : start + STRING_OCTETS] for start in range(0, len(text), STRING_OCTETS)]
    strings = " ".join(f'"{part}"' for part in parts)
    return f"{record_name(domain, selector)}. IN TXT ( {strings} )"
