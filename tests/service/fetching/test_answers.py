"""What a site may answer, and how long and how much of it we take."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator
from time import monotonic

import pytest

from service.fetching import (
    BadAddress,
    ConnectionFailed,
    Fetched,
    Fetcher,
    FetchLimits,
    NotNow,
    RedirectLoop,
    Refused,
    TooBig,
    TooSlow,
    WrongKind,
)
from tests.service.fetching.conftest import Script, Site, answer, bomb, page
from tests.support.lag import Lag

STALL_SECONDS = 30  # not for ever: without limits a fetch has to fail its test, not to hang in it
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"


def fetcher_for(site: Site, limits: FetchLimits | None = None) -> Fetcher:
    """As patient as usual, so that a slow machine is not taken for a slow site, unless a test is about patience."""
    return Fetcher(allow=[f"127.0.0.1:{site.port}"], limits=limits)


@pytest.fixture
async def fetcher(site: Site) -> AsyncIterator[Fetcher]:
    async with fetcher_for(site) as opened:
        yield opened


async def silence(_writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(STALL_SECONDS)


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(HEADERS)
    for _ in range(STALL_SECONDS * 10):
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.1)


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(HEADERS)
    for _ in range(2000):
        writer.write(b"a" * 100_000)
        await writer.drain()


async def breaks_off(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\nshort")
    await writer.drain()


async def nonsense(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 this is a mail server\r\n")
    await writer.drain()


async def test_a_page_comes_with_what_the_next_steps_need(site: Site, fetcher: Fetcher) -> None:
    site.answers["/a"] = page(
        b"<p>caf\xe9</p>",
        Content_Type="text/HTML; Charset=ISO-8859-1",
        ETag='W/"one"',
        Last_Modified="Wed, 25 Nov 2026 06:00:00 GMT",
    )
    fetched = await fetcher.fetch(site.url("/a#part"), accept="page")
    assert fetched == Fetched(
        url=site.url("/a"),
        status=200,
        content_type="text/html",
        charset="iso-8859-1",
        etag='W/"one"',
        last_modified="Wed, 25 Nov 2026 06:00:00 GMT",
        retry_after=None,
        moved_permanently_to=None,
        body=b"<p>caf\xe9</p>",
    )


@pytest.mark.parametrize("stall", [silence, drip], ids=["silence", "one byte at a time"])
async def test_nb_25_a_stalling_site_is_left_within_the_whole_time(site: Site, stall: Script) -> None:
    site.answers["/slow"] = stall
    async with fetcher_for(site, FetchLimits(read_seconds=0.3, whole_seconds=0.7)) as impatient:
        await impatient._opened()  # the client is loaded once for a process, and that takes its time
        async with Lag().measured() as lag:
            started = monotonic()
            with pytest.raises(TooSlow, match=r"127\.0\.0\.1 takes too long"):
                await impatient.fetch(site.url("/slow"), accept="page")
            taken = monotonic() - started
    assert taken - lag.seconds < 1.5


@pytest.mark.parametrize("stall", [silence, drip], ids=["silence", "one byte at a time"])
async def test_nb_25_a_stalling_site_keeps_nobody_else_waiting(
    site: Site, fetcher: Fetcher, stall: Script
) -> None:
    site.answers["/slow"] = stall
    site.answers["/healthy"] = page()
    slow = asyncio.create_task(fetcher.fetch(site.url("/slow"), accept="page"))
    async with asyncio.timeout(20):
        while not site.requests:
            await asyncio.sleep(0.01)
    healthy = await fetcher.fetch(site.url("/healthy"), accept="page")
    assert healthy.status == 200
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


async def test_nb_25_an_endless_answer_stops_at_the_cap(site: Site, fetcher: Fetcher) -> None:
    site.answers["/"] = endless
    with pytest.raises(TooBig, match="more than 2 MB"):
        await fetcher.fetch(site.url(), accept="page")


@pytest.mark.parametrize("times", [1, 2])
async def test_nb_25_a_gzip_bomb_stops_at_the_cap_and_memory_stays_flat(
    site: Site, fetcher: Fetcher, times: int
) -> None:
    packed = bomb(200_000_000)
    for _ in range(times - 1):
        packed = gzip.compress(packed)
    site.answers["/"] = page(packed, Content_Encoding=", ".join(["gzip"] * times))
    tracemalloc.start()
    try:
        with pytest.raises(TooBig):
            await fetcher.fetch(site.url(), accept="page")
        assert tracemalloc.get_traced_memory()[1] < 12_000_000
    finally:
        tracemalloc.stop()


async def test_a_packed_page_is_unpacked(site: Site, fetcher: Fetcher) -> None:
    site.answers["/"] = page(gzip.compress(b"<p>packed</p>"), Content_Encoding="gzip")
    assert (await fetcher.fetch(site.url(), accept="page")).body == b"<p>packed</p>"


async def test_a_feed_may_be_bigger_than_a_page(site: Site, fetcher: Fetcher) -> None:
    body = b"<rss>" + b" " * 3_000_000
    site.answers["/"] = answer("200 OK", body, Content_Type="application/rss+xml")
    assert len((await fetcher.fetch(site.url(), accept="feed")).body) == len(body)


@pytest.mark.parametrize("broken", [breaks_off, nonsense])
async def test_a_broken_answer_is_a_failed_connection(site: Site, fetcher: Fetcher, broken: Script) -> None:
    site.answers["/"] = broken
    with pytest.raises(ConnectionFailed):
        await fetcher.fetch(site.url(), accept="page")


async def test_damaged_packing_is_a_failed_connection(site: Site, fetcher: Fetcher) -> None:
    site.answers["/"] = page(b"not gzip at all", Content_Encoding="gzip")
    with pytest.raises(ConnectionFailed):
        await fetcher.fetch(site.url(), accept="page")


async def test_nb_25_a_redirect_loop_ends(site: Site, fetcher: Fetcher) -> None:
    site.answers["/a"] = answer("302 Found", Location="/b")
    site.answers["/b"] = answer("302 Found", Location="/a")
    with pytest.raises(RedirectLoop):
        await fetcher.fetch(site.url("/a"), accept="page")
    assert len(site.requests) == 2


async def test_more_than_five_redirects_are_too_many(site: Site, fetcher: Fetcher) -> None:
    for step in range(9):
        site.answers[f"/{step}"] = answer("302 Found", Location=f"/{step + 1}")
    site.answers["/5"] = page()
    assert (await fetcher.fetch(site.url("/0"), accept="page")).url == site.url("/5")
    site.answers["/5"] = answer("302 Found", Location="/6")
    with pytest.raises(RedirectLoop):
        await fetcher.fetch(site.url("/0"), accept="page")


async def test_nb_25_a_permanent_move_is_told_and_a_temporary_one_is_not(
    site: Site, fetcher: Fetcher
) -> None:
    site.answers["/old"] = answer("301 Moved Permanently", Location="/newer")
    site.answers["/newer"] = answer("308 Permanent Redirect", Location="/new")
    site.answers["/new"] = answer("307 Temporary Redirect", Location="/today")
    site.answers["/today"] = page()
    fetched = await fetcher.fetch(site.url("/old"), accept="page")
    assert (fetched.url, fetched.moved_permanently_to) == (site.url("/today"), site.url("/new"))
    assert (await fetcher.fetch(site.url("/new"), accept="page")).moved_permanently_to is None


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://[::1", "gopher://example.org/"])
async def test_a_redirect_to_no_web_address_is_refused(site: Site, fetcher: Fetcher, target: str) -> None:
    site.answers["/"] = answer("302 Found", Location=target)
    with pytest.raises(BadAddress):
        await fetcher.fetch(site.url(), accept="page")


async def test_nb_25_not_modified_is_no_change_and_sends_back_what_was_stored(
    site: Site, fetcher: Fetcher
) -> None:
    site.answers["/feed"] = b'HTTP/1.1 304 Not Modified\r\nETag: "two"\r\n\r\n'
    stored = "Wed, 25 Nov 2026 06:00:00 +0000"
    fetched = await fetcher.fetch(site.url("/feed"), accept="feed", etag='W/"one"', last_modified=stored)
    assert fetched.not_modified
    assert (fetched.body, fetched.etag) == (b"", '"two"')
    assert 'If-None-Match: W/"one"' in site.requests[0]
    assert f"If-Modified-Since: {stored}" in site.requests[0]


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_nb_25_try_later_keeps_retry_after(site: Site, fetcher: Fetcher, status: str) -> None:
    site.answers["/"] = answer(status, Retry_After="3600")
    with pytest.raises(NotNow) as caught:
        await fetcher.fetch(site.url(), accept="feed")
    assert (caught.value.status, caught.value.retry_after) == (int(status[:3]), "3600")


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("404 Not Found", "nothing here"),
        ("410 Gone", "for good"),
        ("401 Unauthorized", "sign-in"),
        ("418 Teapot", "refuses"),
    ],
)
async def test_a_refusal_says_what_the_site_said(
    site: Site, fetcher: Fetcher, status: str, word: str
) -> None:
    site.answers["/"] = answer(status)
    with pytest.raises(Refused, match=word) as caught:
        await fetcher.fetch(site.url(), accept="page")
    assert caught.value.status == int(status[:3])


@pytest.mark.parametrize("kind", ["application/pdf", "image/png", "application/json", "text/plain"])
async def test_what_is_no_page_is_refused_by_its_kind(site: Site, fetcher: Fetcher, kind: str) -> None:
    site.answers["/"] = answer("200 OK", b"%PDF", Content_Type=kind)
    with pytest.raises(WrongKind, match=kind):
        await fetcher.fetch(site.url(), accept="page")


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/octet-stream", ""])
async def test_nb_25_a_feed_url_that_answers_with_a_web_page_says_so(
    site: Site, fetcher: Fetcher, kind: str
) -> None:
    site.answers["/login"] = answer("200 OK", b"<!doctype html><p>Sign in</p>", Content_Type=kind)
    site.answers["/feed"] = answer("200 OK", b"\xef\xbb\xbf\n<?xml version='1.0'?><rss/>", Content_Type=kind)
    with pytest.raises(WrongKind, match="no RSS or Atom feed"):
        await fetcher.fetch(site.url("/login"), accept="feed")
    assert (await fetcher.fetch(site.url("/feed"), accept="feed")).status == 200


async def test_no_cookie_is_carried_to_the_next_request(site: Site, fetcher: Fetcher) -> None:
    site.answers["/"] = page(Set_Cookie="who=me; Path=/")
    await fetcher.fetch(site.url(), accept="page")
    await fetcher.fetch(site.url(), accept="page")
    assert "ookie" not in site.requests[1]


async def test_a_ping_asks_once_and_reads_nothing(site: Site, fetcher: Fetcher) -> None:
    site.answers["/ping"] = answer(
        "200 OK", bomb(50_000_000), Content_Encoding="gzip", Content_Type="image/png"
    )
    await fetcher.ping(site.url("/ping"))
    assert [request.split("\r\n")[0] for request in site.requests] == ["GET /ping HTTP/1.1"]


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer("301 Moved Permanently", Location="/elsewhere"), Refused),
        (answer("404 Not Found"), Refused),
        (answer("429 Too Many Requests"), NotNow),
        (answer("503 Service Unavailable"), NotNow),
        (b"", ConnectionFailed),
    ],
)
async def test_a_ping_that_is_not_well_says_so(
    site: Site, fetcher: Fetcher, said: bytes, kind: type[Exception]
) -> None:
    site.answers["/ping"] = said
    with pytest.raises(kind):
        await fetcher.ping(site.url("/ping"))
    assert len(site.requests) == 1


async def test_a_ping_that_hears_nothing_says_so(site: Site) -> None:
    site.answers["/ping"] = silence
    async with fetcher_for(site, FetchLimits(read_seconds=0.3)) as impatient:
        with pytest.raises(TooSlow):
            await impatient.ping(site.url("/ping"))
    assert len(site.requests) == 1
