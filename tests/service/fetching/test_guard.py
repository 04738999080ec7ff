"""What may be connected to: decided on the address itself, however the host is written."""

import ipaddress
from collections.abc import Sequence

import pytest

from service.errors import Invalid, Unavailable
from service.fetching import (
    AddressNotAllowed,
    BadAddress,
    BadAllowEntry,
    ConnectionFailed,
    Fetcher,
    FetchLimits,
    HostUnknown,
)
from service.fetching.allowed import AllowEntry, is_public
from tests.service.fetching.conftest import Site, answer, page


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "100.64.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "[fe80::1]",
        "[fd00::1]",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
async def test_no_way_of_writing_an_inside_address_gets_through(host: str) -> None:
    async with Fetcher() as fetcher:
        with pytest.raises(AddressNotAllowed, match="MEMO_FETCH_ALLOW"):
            await fetcher.fetch(f"http://{host}/", accept="page")


async def test_a_port_other_than_the_webs_is_closed_even_on_a_public_address() -> None:
    async with Fetcher() as fetcher:
        with pytest.raises(AddressNotAllowed, match="port 22 is closed"):
            await fetcher.fetch("http://8.8.8.8:22/", accept="page")


async def test_a_name_is_refused_if_any_of_its_addresses_is_inside(site: Site) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["93.184.215.14", "10.1.2.3"]

    async with Fetcher(resolve=resolve) as fetcher:
        with pytest.raises(AddressNotAllowed, match=r"example\.org"):
            await fetcher.fetch("http://example.org/", accept="page")


async def test_an_allowed_site_cannot_send_us_inside(site: Site) -> None:
    site.answers["/"] = answer("302 Found", Location="http://169.254.169.254/latest/meta-data")
    site.answers["/port"] = answer("302 Found", Location="http://127.0.0.1:1/")
    async with Fetcher(allow=[f"127.0.0.1:{site.port}"]) as fetcher:
        for path in ("/", "/port"):
            with pytest.raises(AddressNotAllowed):
                await fetcher.fetch(site.url(path), accept="page")


@pytest.mark.parametrize("entry", ["localhost:{}", "LOCALHOST:{}", "127.0.0.0/8:{}", "127.0.0.1:{}"])
async def test_an_allowed_place_is_read(site: Site, entry: str) -> None:
    site.answers["/"] = page(b"<p>inside</p>")

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async with Fetcher(allow=[entry.format(site.port)], resolve=resolve) as fetcher:
        fetched = await fetcher.fetch(site.url(host="localhost"), accept="page")
    assert fetched.body == b"<p>inside</p>"


async def test_the_host_header_keeps_the_name_though_the_checked_address_is_connected(site: Site) -> None:
    async def resolve(host: str, _port: int) -> Sequence[str]:
        assert host == "paper.example.org"
        return ["127.0.0.1"]

    site.answers["/"] = page()
    async with Fetcher(allow=[f"paper.example.org:{site.port}"], resolve=resolve) as fetcher:
        await fetcher.fetch(site.url(host="paper.example.org"), accept="page")
    assert f"Host: paper.example.org:{site.port}" in site.requests[0]


async def test_an_address_that_is_down_gives_way_to_the_next(site: Site) -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    site.answers["/"] = page()
    async with Fetcher(allow=[f"127.0.0.0/8:{site.port}"], resolve=resolve) as fetcher:
        assert (await fetcher.fetch(site.url(host="two.example.org"), accept="page")).status == 200


async def test_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    site.answers["/"] = page()
    async with Fetcher(allow=[f"127.0.0.1:{site.port}"]) as fetcher:
        assert (await fetcher.fetch(site.url(), accept="page")).status == 200


async def test_a_name_that_does_not_resolve_says_so() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such name")

    async def resolve_to_nothing(_host: str, _port: int) -> Sequence[str]:
        return []

    for resolver in (resolve, resolve_to_nothing):
        async with Fetcher(resolve=resolver) as fetcher:
            with pytest.raises(HostUnknown, match=r"nowhere\.example\.org.*spelling"):
                await fetcher.fetch("https://nowhere.example.org/", accept="page")


async def test_nobody_listening_is_a_failed_connection(unused_tcp_port: int) -> None:
    limits = FetchLimits(connect_seconds=1)
    async with Fetcher(allow=[f"127.0.0.1:{unused_tcp_port}"], limits=limits) as fetcher:
        with pytest.raises(ConnectionFailed) as caught:
            await fetcher.fetch(f"http://127.0.0.1:{unused_tcp_port}/", accept="page")
    assert isinstance(caught.value, Unavailable)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "   ",
        "paper.example.org/a",
        "ftp://example.org/a",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "https:///a",
        "http://example.org:99999/",
        "http://exa mple.org/",
        "http://[::1/",
        "http://name:secret@example.org/",
        "https://example.org/" + "a" * 3000,
        "http://example.org/\r\nHost: evil",
        "http://0177.0.0.1/",
    ],
)
async def test_what_is_no_web_address_says_so_before_anything_is_asked(url: str) -> None:
    async with Fetcher() as fetcher:
        with pytest.raises(BadAddress) as caught:
            await fetcher.fetch(url, accept="page")
    assert isinstance(caught.value, Invalid)
    assert "web address" in caught.value.message


@pytest.mark.parametrize(
    "text", ["", "host:", "host:0", "host:70000", "host:http", "10.0.0.0/99", "::g", "a b:80"]
)
def test_an_unreadable_allow_entry_is_named(text: str) -> None:
    with pytest.raises(BadAllowEntry, match="MEMO_FETCH_ALLOW"):
        AllowEntry.parse(text)


@pytest.mark.parametrize(
    ("text", "host", "network", "ports"),
    [
        ("Intranet.example.org:8080", "intranet.example.org", None, {8080}),
        ("10.0.0.0/8", None, "10.0.0.0/8", {80, 443}),
        ("10.0.0.0/8:8000", None, "10.0.0.0/8", {8000}),
        ("[::1]:8000", None, "::1/128", {8000}),
        ("[fd00::/8]:8000", None, "fd00::/8", {8000}),
        ("fd00::/8", None, "fd00::/8", {80, 443}),
    ],
)
def test_allow_entries_are_read(text: str, host: str | None, network: str | None, ports: set[int]) -> None:
    entry = AllowEntry.parse(text)
    assert entry.host == host
    assert (str(entry.network) if entry.network else None) == network
    assert entry.ports == ports


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))
