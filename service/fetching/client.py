"""One request, followed to its end within every limit. Imported with the first address there is to read (`fetcher`)."""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpcore2
import httpx2

from service.fetching import checks
from service.fetching.allowed import AllowEntry, Resolver
from service.fetching.failures import RedirectLoop, TooBig, TooSlow
from service.fetching.fetcher import Answer, Fetched, FetchLimits, Kind, Seen
from service.fetching.guard import Guard, GuardedTransport, resolve_by_system

ACCEPT: Final[dict[Kind, str]] = {
    "page": "text/html, application/xhtml+xml;q=0.9",
    "certificate": "application/x-pem-file, application/x-x509-ca-cert, */*;q=0.1",
    "picture": "image/jpeg, image/png, image/gif;q=0.9, image/webp;q=0.8, image/*;q=0.1",
    "feed": "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1",
}

SEEN_CHARACTERS: Final = 20_000


@functools.cache
def _usual_tls() -> ssl.SSLContext:
    """Reading the authorities takes 30 ms; nobody changes what is read."""
    return httpx2.create_ssl_context(trust_env=False)


class Client:
    """Holds the connections."""

    def __init__(
        self,
        *,
        allow: Sequence[AllowEntry],
        limits: FetchLimits,
        agent: str,
        resolve: Resolver | None,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._limits = limits
        guard = Guard(allow, resolve or resolve_by_system)
        self._client = httpx2.AsyncClient(
            transport=GuardedTransport(guard, tls or _usual_tls()),
            trust_env=False,
            # No cookie of one site is kept for the next request.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"User-Agent": agent, "Accept-Encoding": "gzip, deflate"},
            timeout=httpx2.Timeout(self._limits.read_seconds, connect=self._limits.connect_seconds),
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def fetch(self, url: str, *, accept: Kind, etag: str | None, last_modified: str | None) -> Fetched:
        headers = {"Accept": ACCEPT[accept]}
        if etag:
            headers["If-None-Match"] = etag
        if last_modified:
            headers["If-Modified-Since"] = last_modified
        address = checks.checked_address(url)
        async with self._bounded(address.host):
            return await self._follow(address, headers, accept)

    async def ping(self, url: str) -> None:
        """Call an address for the sake of the call: a 2xx is well, what it answers is not read, and no redirect is followed."""
        address = checks.checked_address(url)
        async with self._bounded(address.host), self._client.stream("GET", address) as answer:
            checks.check_status(answer)

    async def look(self, url: str) -> Seen:
        address = checks.checked_address(url)
        async with self._bounded(address.host), self._client.stream("GET", address) as answer:
            text = ""
            async for part in answer.aiter_text():
                text += part
                if len(text) >= SEEN_CHARACTERS:
                    break
            return Seen(
                status=answer.status_code,
                redirect=answer.headers.get("Location", "") if answer.is_redirect else "",
                date=answer.headers.get("Date", ""),
                until=checks.verified_until(answer.extensions.get("network_stream")),
                text=text[:SEEN_CHARACTERS],
            )

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes, most_octets: int
    ) -> Answer:
        address = checks.checked_address(url)
        async with (
            self._bounded(address.host),
            self._client.stream(method, address, headers=dict(headers), content=body or None) as answer,
        ):
            return Answer(answer.status_code, await self._counted(answer, most_octets))

    @asynccontextmanager
    async def _bounded(self, host: str) -> AsyncIterator[None]:
        """Within the time that a request may take as a whole, and with failures in words."""
        try:
            async with asyncio.timeout(self._limits.whole_seconds):
                yield
        except (TimeoutError, httpcore2.TimeoutException) as error:
            raise TooSlow(f"{host} takes too long to answer. Try again later.") from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, httpx2.DecodingError) as error:
            raise checks.connection_failed(host, error) from error

    async def _follow(self, address: httpx2.URL, headers: dict[str, str], accept: Kind) -> Fetched:
        seen = {address}
        moved: str | None = None
        only_permanent = True
        while True:
            async with self._client.stream("GET", address, headers=headers) as answer:
                target = answer.headers.get("Location")
                if answer.status_code not in (301, 302, 303, 307, 308) or not target:
                    return await self._read(answer, accept, moved)
                address = checks.checked_address(str(checks.joined(address, target)))
                only_permanent = only_permanent and answer.status_code in (301, 308)
                moved = str(address) if only_permanent else moved
            if address in seen or len(seen) > self._limits.redirects:
                raise RedirectLoop
            seen.add(address)

    async def _read(self, answer: httpx2.Response, accept: Kind, moved: str | None) -> Fetched:
        checks.check_status(answer)
        content_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        body = (
            b"" if answer.status_code == 304 else await self._counted(answer, self._limits.bytes_of(accept))
        )
        if answer.status_code != 304:
            checks.check_kind(accept, content_type, body)
        return Fetched(
            url=str(answer.url),
            status=answer.status_code,
            content_type=content_type,
            charset=answer.charset_encoding,
            etag=answer.headers.get("ETag"),
            last_modified=answer.headers.get("Last-Modified"),
            retry_after=answer.headers.get("Retry-After"),
            moved_permanently_to=moved,
            body=body,
        )

    async def _counted(self, answer: httpx2.Response, limit: int) -> bytes:
        # Counted after unpacking: httpx2 unpacks in pieces of at most 1 MiB, so a gzip bomb stops here.
        parts: list[bytes] = []
        size = 0
        async for part in answer.aiter_bytes():
            size += len(part)
            if size > limit:
                raise TooBig(
                    f"{answer.url.host} answers with more than {limit // 1_000_000 or 1} MB. Check the address."
                )
            parts.append(part)
        return b"".join(parts)
