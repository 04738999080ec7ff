"""What somebody wrote into a sign-up form, checked; pure."""

import hashlib
import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from service import addresses, tokens
from service.addresses import Address, AddressInvalid
from service.errors import Invalid
from service.rendering import characters

FIRST_NAME_CHARACTERS = 80
PAGE_CHARACTERS = 1000
WORDING_CHARACTERS = 1000
VERSION_DIGITS = 12
IPV6_SITE_BITS = 64  # one household or office has a whole /64 to post from
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")


class FirstNameInvalid(Invalid):
    """This first name cannot be used."""


class AddressNeedsSmtputf8(AddressInvalid):
    """Many mail systems cannot deliver to an address with such letters before the @. Please enter another address of yours."""


@dataclass(frozen=True)
class SignUp:
    """`wording` is what the form said next to its button; `client` a mark of who sent it, not to be turned back."""

    address: Address
    first_name: str | None
    page: str
    wording: str
    client: str

    @property
    def wording_version(self) -> str:
        return version_of(self.wording)


def read_address(text: str) -> Address:
    """An address we can promise to write to: a local part beyond ASCII goes out only over SMTPUTF8 (RFC 6531 §3.2)."""
    parsed = addresses.parse(text)
    if parsed.needs_smtputf8:
        raise AddressNeedsSmtputf8(field="email")
    return parsed


def read_first_name(text: str) -> str | None:
    """Blank is none. Line breaks are refused, not mended: nobody types them into a field of one line."""
    name = unicodedata.normalize("NFC", _INVISIBLE.sub("", characters.without_direction_controls(text)))
    name = name.strip(" \t\u00a0")
    if characters.is_unusable(name):
        raise FirstNameInvalid(
            "A first name cannot hold a line break or a control character; please write it on one line.",
            field="first_name",
        )
    if len(name) > FIRST_NAME_CHARACTERS:
        raise FirstNameInvalid(
            "This first name is too long: at most 80 characters fit. A short form will do.",
            field="first_name",
        )
    return name or None


def read_page(text: str, *, otherwise: str) -> str:
    """The page that held the form, without its query: nothing there was meant for us."""
    try:
        parts = urlsplit(text.strip())
        host = parts.hostname
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return otherwise
    page = f"{parts.scheme}://{host}{port}{parts.path}"
    is_usable = parts.scheme in {"http", "https"} and host and not characters.is_unusable(page)
    return page if is_usable and len(page) <= PAGE_CHARACTERS else otherwise


def read_wording(text: str, *, otherwise: str) -> str:
    """The sentence of consent as that form showed it; a form that does not say is taken to show the newsletter's own."""
    return characters.single_line(text)[:WORDING_CHARACTERS] or otherwise


def version_of(wording: str) -> str:
    return hashlib.sha256(wording.encode()).hexdigest()[:VERSION_DIGITS]


def client_mark(client: str, pepper: str) -> str:
    """Enough to count by and to compare with, no address to be read from it."""
    return tokens.keyed_hash(pepper, f"client {_network(client)}")


def _network(client: str) -> str:
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, IPV6_SITE_BITS), strict=False))
