"""A small web server on loopback for pages and feeds, good ones and awkward ones."""

import asyncio
import contextlib
import mimetypes
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

TEXT_WITH_ADDRESSES = {".html", ".xml", ".css", ".json", ".txt"}


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)


@dataclass(frozen=True)
class Page:
    """What a path answers; `pieces`, if given, are sent as they come instead of `body`, with no length told."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: Callable[[], AsyncIterator[bytes]] | None = None


class Newsroom:
    """One answer per connection. Paths that nobody serves answer 404."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.bytes_sent = 0
        self._pages: dict[str, Page] = {}
        self._folders: list[tuple[Path, Mapping[str, str]]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.requests)

    def last(self, path: str) -> Request:
        return [request for request in self.requests if request.path == path][-1]

    def serve(
        self,
        path: str,
        body: bytes | str = b"",
        *,
        status: int = 200,
        content_type: str = "text/html; charset=utf-8",
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Answer this path so from now on, and return its address."""
        raw = body.encode() if isinstance(body, str) else body
        return self._add(path, Page(status, {"Content-Type": content_type, **(headers or {})}, raw))

    def redirect(self, path: str, to: str, *, status: int = 302) -> str:
        """`to` may be this path itself, which makes a loop."""
        return self._add(path, Page(status, {"Location": to}))

    def slow(self, path: str, body: bytes, *, piece: int = 16, pause: float = 0.05) -> str:
        """The body a few bytes at a time."""

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(body), piece):
                yield body[start : start + piece]
                await asyncio.sleep(pause)

        return self._add(path, Page(headers={"Content-Type": "text/html; charset=utf-8"}, pieces=pieces))

    def endless(self, path: str, *, piece: bytes = b"<p>and on</p>" * 500) -> str:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield piece

        return self._add(path, Page(headers={"Content-Type": "text/html; charset=utf-8"}, pieces=pieces))

    def stall(self, path: str, *, after: bytes | None = b"<html>") -> str:
        """Silence after these first bytes; with None before the status line already."""

        async def pieces() -> AsyncIterator[bytes]:
            if after:
                yield after
            await asyncio.Event().wait()

        status = 0 if after is None else 200
        return self._add(path, Page(status, {"Content-Type": "text/html"}, pieces=pieces))

    def drop(self, path: str) -> str:
        """Close before answering."""
        return self._add(path, Page(status=0))

    def cut_short(self, path: str, body: bytes, *, promised: int) -> str:
        """Promise more bytes than come."""
        return self._add(path, Page(headers={"Content-Length": str(promised)}, body=body))

    def gzip_bomb(self, path: str, *, size: int = 50_000_000) -> str:
        """A few kilobytes that unpack to this many."""
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        block = b"\0" * 1_000_000
        packed = b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()
        return self._add(
            path, Page(headers={"Content-Type": "text/html", "Content-Encoding": "gzip"}, body=packed)
        )

    def serve_folder(self, folder: Path, replacements: Mapping[str, str] | None = None) -> None:
        """Serve a folder's files; in their text each key becomes its value."""
        self._folders.append((folder.resolve(), dict(replacements or {})))

    def _add(self, path: str, page: Page) -> str:
        self._pages[path] = page
        return self.url + path

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _read(reader)
        self.requests.append(request)
        page = (
            self._pages.get(request.target) or self._pages.get(request.path) or self._find_file(request.path)
        )
        if page.status:
            await self._send(writer, _head(page))
        if request.method == "HEAD":
            return
        if page.pieces is None:
            await self._send(writer, page.body if page.status else b"")
            return
        # Told apart from sending, so that a client that leaves ends the silence of a stalled page.
        sending = asyncio.create_task(self._send_pieces(writer, page.pieces))
        leaving = asyncio.create_task(reader.read())
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def _send_pieces(
        self, writer: asyncio.StreamWriter, pieces: Callable[[], AsyncIterator[bytes]]
    ) -> None:
        async for piece in pieces():
            await self._send(writer, piece)

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        self.bytes_sent += len(data)
        await writer.drain()

    def _find_file(self, path: str) -> Page:
        for folder, replacements in self._folders:
            wanted = (folder / path.lstrip("/")).resolve()
            if wanted.is_dir():
                wanted /= "index.html"
            if wanted.is_file() and wanted.is_relative_to(folder):
                return _file(wanted, replacements)
        return Page(404, {"Content-Type": "text/plain; charset=utf-8"}, b"No such page.\n")


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)


def _head(page: Page) -> bytes:
    headers = {"Connection": "close", **page.headers}
    if page.pieces is None:
        headers.setdefault("Content-Length", str(len(page.body)))
    lines = [f"HTTP/1.1 {page.status} {HTTPStatus(page.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def _file(path: Path, replacements: Mapping[str, str]) -> Page:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    body = path.read_bytes()
    if path.suffix in TEXT_WITH_ADDRESSES:
        kind += "; charset=utf-8"
        for old, new in replacements.items():
            body = body.replace(old.encode(), new.encode())
    return Page(headers={"Content-Type": kind}, body=body)
