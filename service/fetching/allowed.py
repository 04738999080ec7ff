"""Which addresses may be connected to, judged by the address alone."""

import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from service.fetching.failures import BadAllowEntry

WEB_PORTS: Final = frozenset({80, 443})
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class AllowEntry:
    host: str | None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    ports: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port`, `network` or `network:port`; without a port the entry opens 80 and 443 only."""
        host, port = _split_port(text.strip().lower())
        ports = WEB_PORTS if port is None else frozenset({port})
        try:
            return cls(None, ipaddress.ip_network(host), ports)
        except ValueError as error:
            if "/" in host or ":" in host or not host or " " in host:
                raise BadAllowEntry(
                    f"MEMO_FETCH_ALLOW: {text!r} cannot be read: {error or 'it is blank'}. "
                    "Write host:port, a network such as 10.0.0.0/8, or network:port."
                ) from error
            return cls(host, None, ports)

    def covers(self, host: str, address: IPAddress, port: int) -> bool:
        if port not in self.ports:
            return False
        if self.network is not None:
            return address in self.network
        return host == self.host


def _split_port(text: str) -> tuple[str, int | None]:
    host, bracket, rest = text.removeprefix("[").partition("]")
    if not bracket:
        host, colon, rest = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
        rest = colon + rest
    if not rest:
        return host, None
    if not (rest.startswith(":") and rest[1:].isdecimal() and 0 < int(rest[1:]) < 65536):
        raise BadAllowEntry(
            f"MEMO_FETCH_ALLOW: {text!r} has no usable port; a port is a number from 1 to 65535."
        )
    return host, int(rest[1:])


def is_public(address: IPAddress) -> bool:
    """True if the address, and any IPv4 address wrapped in it, belongs to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(wrapped)
        if address.is_site_local or address.teredo is not None:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved)
