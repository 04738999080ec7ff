"""Which addresses may be connected to, decided on the address that is then connected to."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

import httpcore2
import httpx2

from service.fetching.allowed import WEB_PORTS, AllowEntry, IPAddress, Resolver, is_public
from service.fetching.failures import AddressNotAllowed, HostUnknown

MAX_ADDRESSES_TRIED: Final = 4


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
        assert isinstance(request.stream, httpx2.AsyncByteStream)  # an async client makes no other
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx2.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

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
