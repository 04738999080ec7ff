"""Which addresses may be connected to, decided on the address that is then connected to."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import httpcore2
import httpx2

from service.fetching.failures import AddressNotAllowed, BadAllowEntry, HostUnknown

WEB_PORTS: Final = frozenset({80, 443})
MAX_ADDRESSES_TRIED: Final = 4
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


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Guard(httpcore2.AsyncNetworkBackend):
    """Connects only to addresses it has checked itself; TLS and Host still see the name, as httpcore2 keeps it."""

    def __init__(self, allow: Sequence[AllowEntry], resolve: Resolver) -> None:
        self._allow = allow
        self._resolve = resolve
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failure: Exception = HostUnknown(
            f"The host name {host} cannot be found. Check its spelling, or try later."
        )
        for address in await self._checked(host, port, timeout):
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def _checked(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:  # TimeoutError is an OSError too
            raise HostUnknown(
                f"The host name {host} cannot be found. Check its spelling, or try later."
            ) from error
        addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in dict.fromkeys(found)]
        for address in addresses:
            if not self._permits(host, address, port):
                reason = (
                    f"port {port} is closed to us" if is_public(address) else "it is not on the public web"
                )
                raise AddressNotAllowed(
                    f"{host}:{port} may not be read: {reason}. To read it all the same, "
                    f"add {host}:{port} to MEMO_FETCH_ALLOW."
                )
        return [str(address) for address in addresses[:MAX_ADDRESSES_TRIED]]

    def _permits(self, host: str, address: IPAddress, port: int) -> bool:
        if port in WEB_PORTS and is_public(address):
            return True
        return any(entry.covers(host.lower(), address, port) for entry in self._allow)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """httpx2 over a guarded httpcore2 pool, by public names alone. Errors stay httpcore2's; `fetch` translates them."""

    def __init__(self, guard: Guard, tls: ssl.SSLContext) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            network_backend=guard,
            max_connections=100,
            max_keepalive_connections=10,
            keepalive_expiry=5.0,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        url = request.url
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer))

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
