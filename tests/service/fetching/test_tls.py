"""Names stay names under TLS: the guard connects to an address, the certificate is checked against the name."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.fetching import ConnectionFailed, Fetcher
from tests.service.fetching.conftest import Site, page
from tests.support import certificates

NAME = "paper.example.org"


async def resolve_to_loopback(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@asynccontextmanager
async def secure_site(certificate: certificates.Certificate, asked: list[str | None]) -> AsyncIterator[Site]:
    context = certificate.for_server()
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    site = Site(scheme="https", answers={"/": page()})
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=context)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()


def fetcher_for(site: Site, tls: ssl.SSLContext | None) -> Fetcher:
    return Fetcher(allow=[f"127.0.0.1:{site.port}"], resolve=resolve_to_loopback, tls=tls)


async def test_the_certificate_and_sni_are_those_of_the_name(tmp_path: Path) -> None:
    certificate = certificates.make(tmp_path, name=NAME)
    asked: list[str | None] = []
    async with (
        secure_site(certificate, asked) as site,
        fetcher_for(site, certificate.for_client()) as fetcher,
    ):
        assert (await fetcher.fetch(site.url(host=NAME), accept="page")).status == 200
    assert asked == [NAME]


async def test_a_certificate_for_another_name_is_told(tmp_path: Path) -> None:
    certificate = certificates.make(tmp_path, name="other.example.org")
    async with secure_site(certificate, []) as site, fetcher_for(site, certificate.for_client()) as fetcher:
        with pytest.raises(ConnectionFailed, match="certificate"):
            await fetcher.fetch(site.url(host=NAME), accept="page")


async def test_a_certificate_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    certificate = certificates.make(tmp_path, name=NAME)
    async with secure_site(certificate, []) as site, fetcher_for(site, None) as fetcher:
        with pytest.raises(ConnectionFailed, match="certificate"):
            await fetcher.fetch(site.url(host=NAME), accept="page")
