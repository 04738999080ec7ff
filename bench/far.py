"""A relay far away: TLS, and 40 ms there and back, in front of the same sink.

What the round trips allow, for one connection that pipelines: the body of message n and MAIL, RCPT, DATA of n+1 leave together;
one round trip later come the reply to n and the 354 for n+1, and the body of n+1 can leave. So one message for each round trip
and connection: 20 connections over 40 ms make 20 / 0.040 s = 500 messages a second, 60 make 1,500. A sender that waits for each
reply (MAIL, RCPT, DATA, the dot) gets a quarter of that.

The delay is in the program: data is handed on 20 ms after it came, in either direction and in its order, and the way is as wide as
loopback is. The handshake of TLS is not delayed: it is once for each connection.
"""

import asyncio
import smtplib
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import cast

import uvloop

from bench import processes
from tests.support import certificates
from tests.support.certificates import Certificate
from tests.support.processes import Process, environment

ROUND_TRIP = 0.040
TIMER_SLACK = 0.0005  # a timer that rings this much early is not worth a second one
NOOPS = 9


def allowed(connections: int) -> float:
    """Messages a second: one for each connection and round trip."""
    return connections / ROUND_TRIP


@asynccontextmanager
async def relay(folder: Path, sink_port: int) -> AsyncIterator[tuple[str, Path]]:
    """Its URL, and the certificate to trust."""
    certificate = certificates.make(folder)
    command = processes.module(
        "bench.far", str(certificate.ca_file), str(certificate.key_file), str(sink_port)
    )
    async with Process.started(command, folder=folder, env=environment(), name="far") as process:
        port = (await process.wait_for_line(r"^listening on (\d+)$")).group(1)
        yield f"smtps://127.0.0.1:{port}", certificate.ca_file


def round_trip_ms(relay_url: str, ca_file: Path) -> float:
    """As it really is through the proxy, with nothing else under way; an answer to NOOP takes one."""
    context = Certificate(ca_file, ca_file).for_client()
    host, _, port = relay_url.removeprefix("smtps://").partition(":")
    with smtplib.SMTP_SSL(host, int(port), context=context) as client:
        return median(_noop(client) for _ in range(NOOPS)) * 1000


def _noop(client: smtplib.SMTP) -> float:
    began = time.perf_counter()
    client.noop()
    return time.perf_counter() - began


class Later:
    """Hands on what it is given, half a round trip later and in order."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, bytes | None]] = deque()
        self._to: asyncio.Transport | None = None
        self._is_waiting = False

    def reach(self, transport: asyncio.Transport) -> None:
        self._to = transport

    def give(self, data: bytes | None) -> None:
        """None: the end of the data."""
        self._waiting.append((self._loop.time() + ROUND_TRIP / 2, data))
        self._wait()

    def _wait(self) -> None:
        if self._waiting and not self._is_waiting:
            self._is_waiting = True
            self._loop.call_at(self._waiting[0][0], self._hand_on)

    def _hand_on(self) -> None:
        self._is_waiting = False
        due = self._loop.time() + TIMER_SLACK
        while self._waiting and self._waiting[0][0] <= due:
            _, data = self._waiting.popleft()
            if self._to is None or self._to.is_closing():
                continue
            if data is None:
                self._to.close()
            else:
                self._to.write(data)
        self._wait()


class End(asyncio.Protocol):
    """One end of a connection: what it gets goes to the other one, later."""

    def __init__(self, outward: Later, inward: Later) -> None:
        self._outward = outward
        self._inward = inward

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._inward.reach(cast(asyncio.Transport, transport))

    def data_received(self, data: bytes) -> None:
        self._outward.give(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._outward.give(None)


class Front(End):
    """The sender's end; it opens the way to the sink."""

    def __init__(self, sink_port: int) -> None:
        super().__init__(Later(), Later())
        self._sink_port = sink_port
        self._opening: asyncio.Task[object] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        # Connected long before the first half of a round trip is over.
        self._opening = loop.create_task(
            loop.create_connection(lambda: End(self._inward, self._outward), "127.0.0.1", self._sink_port)
        )


async def _serve(certificate: Certificate, sink_port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Front(sink_port), "127.0.0.1", 0, ssl=certificate.for_server())
    print(f"listening on {server.sockets[0].getsockname()[1]}", flush=True)
    # Whoever started us holds the other end of our input: when they are gone, so are we.
    await loop.run_in_executor(None, sys.stdin.read)


def main(ca_file: str, key_file: str, sink_port: str) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(Certificate(Path(ca_file), Path(key_file)), int(sink_port)))


if __name__ == "__main__":
    main(*sys.argv[1:])
