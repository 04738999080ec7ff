"""Lines and blocks over one connection, with a buffer that the relay can look into.

asyncio's streams hide what has already arrived; a scripted relay must see it, to tell a client that pipelines
without having been offered it, or that speaks on across STARTTLS (RFC 3207 section 6).
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from typing import Protocol, cast

# Past this the transport stops reading, so that a stalled relay pushes back as a real one does.
BUFFER_LIMIT = 256 * 1024


class LineTooLong(Exception):
    """A line went past what SMTP allows."""


class Gone(Exception):
    """The peer has closed the connection."""


class Handler(Protocol):
    async def __call__(self, wire: "Wire") -> None: ...


class Wire(asyncio.Protocol):
    def __init__(self, handler: Handler, tasks: set[asyncio.Task[None]]) -> None:
        self._handler = handler
        self._tasks = tasks
        self._buffer = bytearray()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._closed = asyncio.Event()
        self._ended = False
        self._paused = False
        self._started = False
        self.transport: asyncio.Transport

    @property
    def waiting(self) -> bytes:
        """What the peer has sent and nobody has read."""
        return bytes(self._buffer)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._started:
            return
        self._started = True
        task = asyncio.get_running_loop().create_task(self._handler(self))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._arrived.set()
        if len(self._buffer) > BUFFER_LIMIT and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def eof_received(self) -> bool:
        self._ended = True
        self._arrived.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        for event in (self._arrived, self._writable, self._closed):
            event.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def line(self, limit: int) -> bytes:
        """The next line without its line end."""
        seen = 0
        while (end := self._buffer.find(b"\n", seen)) < 0:
            seen = len(self._buffer)
            if seen > limit:
                raise LineTooLong
            await self._more()
        line = bytes(self._buffer[:end])
        self._take(end + 1)
        return line.removesuffix(b"\r")

    async def something(self) -> None:
        """Return once a byte waits to be read."""
        while not self._buffer:
            await self._more()

    async def through_dot(self) -> bytes:
        """Message data up to, and without, the line that is a single dot; CRLF at its end, dots still stuffed."""
        parts = bytearray(b"\r\n")
        seen = 0
        while True:
            if self._buffer:
                parts += self._buffer
                self._take(len(self._buffer))
            end = parts.find(b"\r\n.\r\n", max(0, seen - 4))
            if end >= 0:
                self._buffer[:0] = parts[end + 5 :]
                if self._buffer:
                    self._arrived.set()
                return bytes(parts[2 : end + 2]) if end else b""
            seen = len(parts)
            await self._more()

    async def write(self, data: bytes) -> None:
        if self._ended and self.transport.is_closing():
            raise Gone
        self.transport.write(data)
        await self._writable.wait()

    async def upgrade(self, context: ssl.SSLContext, *, within: float = 10.0) -> None:
        """Speak TLS from here on; what the peer sent before is thrown away (RFC 3207 section 4.2)."""
        self._take(len(self._buffer))
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(
            self.transport, self, context, server_side=True, ssl_handshake_timeout=within
        )
        if transport is None:
            raise Gone
        self.transport = transport

    def close(self) -> None:
        """Send what is written, then close."""
        self.transport.close()

    def reset(self) -> None:
        """Cut the connection at once; what is still in the buffers is lost."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None and not self.transport.is_closing():
            # Without lingering the kernel sends RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    async def closed(self, *, within: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._closed.wait()

    async def peer_left(self) -> None:
        """Return once the peer has closed its side."""
        while not self._ended:
            self._arrived.clear()
            await self._arrived.wait()

    async def _more(self) -> None:
        if self._ended:
            raise Gone
        self._arrived.clear()
        await self._arrived.wait()

    def _take(self, count: int) -> None:
        del self._buffer[:count]
        if self._paused and not self._ended and len(self._buffer) <= BUFFER_LIMIT // 2:
            self._paused = False
            self.transport.resume_reading()
