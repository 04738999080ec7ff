"""What is asked of the web, and what comes back. The client that asks is loaded with the first address to read: many processes
read none, and would hold its memory for ever."""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from service.fetching.allowed import AllowEntry, Resolver

if TYPE_CHECKING:
    from service.fetching.client import Client

Kind = Literal["page", "feed", "certificate", "picture"]


@dataclass(frozen=True)
class FetchLimits:
    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    whole_seconds: float = 30.0
    page_bytes: int = 2_000_000
    feed_bytes: int = 5_000_000
    certificate_bytes: int = 20_000
    picture_bytes: int = 10_000_000
    redirects: int = 5

    def bytes_of(self, kind: Kind) -> int:
        most: int = getattr(self, f"{kind}_bytes")
        return most


@dataclass(frozen=True)
class Fetched:
    """An answer of 2xx, or 304: then `not_modified` is true and there is no body."""

    url: str
    status: int
    content_type: str
    charset: str | None
    etag: str | None
    last_modified: str | None
    retry_after: str | None
    moved_permanently_to: str | None
    body: bytes

    @property
    def not_modified(self) -> bool:
        return self.status == 304


@dataclass(frozen=True)
class Seen:
    """What an address of ours shows to whoever comes from outside. `redirect`: where it sends on to. `date`: the header. `until`: the end
    of the certificate that was verified; None without TLS.
    """

    status: int
    redirect: str
    date: str
    until: datetime | None
    text: str


@dataclass(frozen=True)
class Answer:
    """What a service of ours answers, whatever the status."""

    status: int
    body: bytes


class Fetcher:
    """One for the whole process, closed at its end."""

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        limits: FetchLimits | None = None,
        agent: str = "MorningMemo",
        resolve: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Without `resolve`, host names are looked up by the system."""
        self._allow = [AllowEntry.parse(text) for text in allow]
        self._limits = limits or FetchLimits()
        self._agent = agent
        self._resolve = resolve
        self._tls = tls
        self._client: Client | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def fetch(
        self, url: str, *, accept: Kind, etag: str | None = None, last_modified: str | None = None
    ) -> Fetched:
        client = await self._opened()
        return await client.fetch(url, accept=accept, etag=etag, last_modified=last_modified)

    async def ping(self, url: str) -> None:
        """Call an address for the sake of the call: a 2xx is well, what it answers is not read, and no redirect is followed."""
        client = await self._opened()
        await client.ping(url)

    async def look(self, url: str) -> Seen:
        """What is there, whatever the status; no redirect is followed, and of a long text only the beginning is read."""
        client = await self._opened()
        return await client.look(url)

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes, most_octets: int
    ) -> Answer:
        """One request to a service that the settings name; no redirect is followed. Raises TooBig beyond `most_octets`."""
        client = await self._opened()
        return await client.ask(method, url, headers=headers, body=body, most_octets=most_octets)

    async def _opened(self) -> "Client":
        async with self._opening:
            if self._client is None:
                self._client = await asyncio.to_thread(self._made)
        return self._client

    def _made(self) -> "Client":
        """Takes 0.1 s, so not on the loop."""
        from service.fetching.client import Client

        return Client(
            allow=self._allow, limits=self._limits, agent=self._agent, resolve=self._resolve, tls=self._tls
        )
