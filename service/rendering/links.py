"""Addresses of pages and pictures, as they may stand in a message: absolute, ASCII, http(s)."""

import re
from urllib.parse import quote, urlsplit

import idna

_ALLOWED = re.compile(
    r"https?://[^\s/<>\"\\\x00-\x1f\x7f-\x9f][^\s<>\"\\\x00-\x1f\x7f-\x9f]*\Z", re.IGNORECASE
)
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+\Z")
# What may stand unescaped in an address, with "%" (already escaped there) and the braces and bar of a personal field.
_LEFT_ALONE = "%:/?#[]@!$&'()*+,;=~-._{}|"


def is_web(address: str) -> bool:
    return _ALLOWED.match(address) is not None


def is_mail(address: str) -> bool:
    """Whether it is a bare mail address, which a link opens as a new message."""
    return _MAILBOX.match(address) is not None


def as_link(address: str) -> str:
    """What stands in `href` for a web or a mail address."""
    return f"mailto:{quote(address, safe='@+')}" if is_mail(address) else address


def is_secure(address: str) -> bool:
    return is_web(address) and address[:6].lower() == "https:"


def as_uri(address: str) -> str:
    """Spell an address in ASCII: the host as A-label, the rest percent-encoded; what is ASCII already stays byte for byte."""
    if address.isascii():
        return address
    parts = urlsplit(address)
    host = parts.netloc
    if not host.isascii():
        try:
            name, colon, port = host.partition(":")
            host = idna.encode(name, uts46=True).decode("ascii") + colon + port
        except idna.IDNAError:
            host = quote(host, safe=_LEFT_ALONE)
    rest = address.partition("://")[2].partition(parts.netloc)[2]
    return f"{parts.scheme}://{host}{quote(rest, safe=_LEFT_ALONE)}"


def host_of(address: str) -> str:
    """The name a reader knows a site by."""
    return (urlsplit(address).hostname or "").removeprefix("www.")
