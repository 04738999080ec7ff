"""Mail addresses: how one is read, compared, shown and put on the wire.

Three forms of one address: `wire` (local part as typed, domain as A-label: RFC 5890, RFC 5321 §2.4), `shown` (domain in its own
script) and `key` (what makes two spellings one person: trimmed, invisible characters removed, NFC, case folded).
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna
from email_validator import EmailNotValidError, validate_email

from service.errors import Invalid

LOCAL_PART_OCTETS = 64  # RFC 5321 §4.5.3.1.1
PATH_OCTETS = 254  # RFC 5321 §4.5.3.1.3: 256 with the angle brackets
_INVISIBLE = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\u00ad]")
_DECORATION = re.compile(r"^(?:mailto:)?\s*<?\s*(?:mailto:)?(.*?)\s*>?\s*$", re.IGNORECASE | re.DOTALL)


_DOT_ATOM = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z"
)  # RFC 5322 §3.2.3


class AddressInvalid(Invalid):
    """This does not look like a mail address. Please check it for typing errors: it has the form name@example.org."""


@dataclass(frozen=True)
class Address:
    wire: str
    shown: str
    key: str

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a relay that offers SMTPUTF8 can take it (RFC 6531 §3.2)."""
        return not self.wire.isascii()

    @property
    def domain(self) -> str:
        return self.wire.rpartition("@")[2]


def parse(text: str) -> Address:
    """Read an address as a person typed or pasted it; decoration around it is cleaned away.

    Raises AddressInvalid with a reason for the person.
    """
    if (
        len(text) > 4 * PATH_OCTETS
    ):  # before anything else looks at it: cleaning costs the square of the length
        raise AddressInvalid("This mail address is too long: at most 254 characters fit.", field="email")
    cleaned = _cleaned(text)
    if not cleaned:
        raise AddressInvalid("Please enter a mail address, for example name@example.org.", field="email")
    try:
        checked = validate_email(cleaned, check_deliverability=False)
    except EmailNotValidError as error:
        raise AddressInvalid(f"This is not a usable mail address: {error}", field="email") from error
    wire = f"{checked.local_part}@{_a_label(checked.domain)}"
    if len(checked.local_part.encode()) > LOCAL_PART_OCTETS or len(wire.encode()) > PATH_OCTETS:
        raise AddressInvalid(
            "This mail address is too long: 64 characters fit before the @, 254 in all.", field="email"
        )
    return Address(wire=wire, shown=f"{checked.local_part}@{checked.domain}", key=wire.casefold())


def wire_of(text: str) -> str:
    """The `wire` that `parse` gives, or its AddressInvalid; a hundred times quicker for plain addresses at domains met before."""
    local, _, domain = text.rpartition("@")
    if len(local) <= LOCAL_PART_OCTETS and len(text) <= PATH_OCTETS and _DOT_ATOM.match(local):
        wire = f"{local}@{_wire_domain(domain)}"
        if len(wire) <= PATH_OCTETS:
            return wire
    return parse(text).wire


@lru_cache(maxsize=8_192)
def _wire_domain(domain: str) -> str:
    return parse(f"x@{domain}").domain


def masked(address: str) -> str:
    """For logs: enough to recognise one's own test, too little to learn an address."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}***@{domain}"


def without_tag(key: str) -> str:
    """The mailbox behind `name+tag@…`: another address, but the same person to protect from a flood."""
    local, _, domain = key.rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"


def _cleaned(text: str) -> str:
    without_invisible = _INVISIBLE.sub("", text).strip()
    match = _DECORATION.match(without_invisible)
    inner = match.group(1) if match else without_invisible
    return unicodedata.normalize("NFC", inner).removesuffix(".")


def _a_label(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode().lower()
    except idna.IDNAError as error:
        raise AddressInvalid(
            "The part of this mail address behind the @ is no valid domain.", field="email"
        ) from error
