"""The loopback newsroom, asked over plain sockets."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.newsroom import Newsroom


@pytest.fixture
async def newsroom() -> AsyncIterator[Newsroom]:
    async with Newsroom() as newsroom:
        yield newsroom


async def ask(newsroom: Newsroom, path: str, *, method: str = "GET", limit: int = -1) -> tuple[bytes, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", newsroom.port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: Tests\r\n\r\n".encode())
    async with asyncio.timeout(5):
        answer = await reader.readexactly(limit) if limit > 0 else await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


async def test_serves_what_it_is_given_and_counts(newsroom: Newsroom) -> None:
    url = newsroom.serve("/a", "<p>é</p>", headers={"ETag": '"1"'})
    assert url == f"{newsroom.url}/a"
    head, body = await ask(newsroom, "/a?from=feed")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b'ETag: "1"' in head
    assert body == "<p>é</p>".encode()
    assert newsroom.count("/a") == 1
    assert newsroom.last("/a").headers["user-agent"] == "Tests"


async def test_head_sends_no_body_and_unknown_paths_are_404(newsroom: Newsroom) -> None:
    newsroom.serve("/a", "text")
    assert (await ask(newsroom, "/a", method="HEAD"))[1] == b""
    assert (await ask(newsroom, "/b"))[0].startswith(b"HTTP/1.1 404")


async def test_redirects_may_loop(newsroom: Newsroom) -> None:
    newsroom.redirect("/loop", "/loop", status=301)
    head, _ = await ask(newsroom, "/loop")
    assert b"301" in head
    assert b"Location: /loop" in head


async def test_awkward_bodies(newsroom: Newsroom) -> None:
    newsroom.slow("/slow", b"x" * 40, piece=20, pause=0.01)
    newsroom.cut_short("/short", b"half", promised=8)
    newsroom.gzip_bomb("/bomb", size=2_000_000)
    newsroom.drop("/drop")
    assert (await ask(newsroom, "/slow"))[1] == b"x" * 40
    assert (await ask(newsroom, "/short"))[1] == b"half"
    assert await ask(newsroom, "/drop") == (b"", b"")
    head, body = await ask(newsroom, "/bomb")
    assert b"Content-Encoding: gzip" in head
    assert len(body) < 20_000
    assert len(gzip.decompress(body)) == 2_000_000


async def test_an_endless_page_ends_when_its_reader_leaves(newsroom: Newsroom) -> None:
    newsroom.endless("/endless")
    await ask(newsroom, "/endless", limit=500_000)
    async with asyncio.timeout(5):
        while newsroom._tasks:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("after", [None, b"<html>"])
async def test_a_stalled_page_is_silent(newsroom: Newsroom, after: bytes | None) -> None:
    newsroom.stall("/stall", after=after)
    reader, writer = await asyncio.open_connection("127.0.0.1", newsroom.port)
    writer.write(b"GET /stall HTTP/1.1\r\n\r\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.read(), 0.1)
    writer.close()


async def test_serves_a_folder_with_its_own_address(newsroom: Newsroom, tmp_path: Path) -> None:
    folder = tmp_path / "site"
    (folder / "section").mkdir(parents=True)
    (folder / "index.html").write_text('<a href="http://newsroom.example.org/x">', "utf-8")
    (folder / "section" / "feed.xml").write_text("<link>http://newsroom.example.org/y</link>", "utf-8")
    (folder / "picture.jpg").write_bytes(b"http://newsroom.example.org")
    (tmp_path / "secret.html").write_text("no", "utf-8")
    newsroom.serve_folder(folder, {"http://newsroom.example.org": newsroom.url})
    assert newsroom.url.encode() in (await ask(newsroom, "/"))[1]
    assert newsroom.url.encode() in (await ask(newsroom, "/section/feed.xml"))[1]
    assert (await ask(newsroom, "/picture.jpg"))[1] == b"http://newsroom.example.org"
    assert b" 404 " in (await ask(newsroom, "/../secret.html"))[0]
    assert b" 404 " in (await ask(newsroom, "/section"))[0]
