"""How long we wait for a relay in each phase (RFC 5321 section 4.5.3.2), and how long a connection is kept. Nothing is stored here."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from service.delivery import pipelining, transport
from service.delivery.limits import Limits, Timeouts
from service.delivery.outcome import Phase, Reply
from service.delivery.transport import RelayDown, Transport
from tests.service.sending.test_broken_relays import packets_vanish
from tests.service.sending.test_transport import envelope, in_a_row
from tests.support import certificates
from tests.support.certificates import Certificate
from tests.support.relay import Relay
from tests.support.relay_session import Offer

SHORT = 0.2
LONG = 10.0
OTHERS = 2.5  # where another phase is the slow one, and would end by these times: more than a busy machine stands still
STALL = 3.0
READ_WITHIN = 1.5
LARGE = b"Subject: Large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 200_000

# The setting, where the relay falls silent, and how far the message came.
WAITS = [
    ("mail", "mail", Phase.MAIL),
    ("rcpt", "rcpt", Phase.RCPT),
    ("data", "data", Phase.DATA),
    ("block", "body", Phase.BODY),
    ("dot", "dot", Phase.DOT),
]
GREETING = ["connect", "ehlo", "starttls"]


def only(name: str, seconds: float, others: float) -> Timeouts:
    return replace(Timeouts.alike(others), **{name: seconds})


@asynccontextmanager
async def connected(
    url: str, timeouts: Timeouts, *, limits: Limits | None = None, ca_file: Path | None = None
) -> AsyncIterator[Transport]:
    address = transport.read_address(url, ehlo_name="news.example.org", ca_file=ca_file)
    made = Transport(address, timeouts, limits or Limits())
    await made.ready()
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize("is_pipelining", [True, False])
@pytest.mark.parametrize(("name", "phase", "came"), WAITS, ids=[name for name, _, _ in WAITS])
async def test_each_phase_ends_by_its_own_time(
    name: str, phase: str, came: Phase, is_pipelining: bool
) -> None:
    async with Relay(offer=Offer(pipelining=is_pipelining)) as relay:
        relay.when(phase=phase).stall()
        async with connected(relay.url, only(name, SHORT, LONG)) as made:
            began = time.monotonic()
            reply = await made.carry(envelope("a", LARGE))
            taken = time.monotonic() - began
        assert reply == Reply(came, 0, pipelining.NOT_READ if name == "block" else pipelining.NOT_IN_TIME)
        assert SHORT <= taken < LONG / 2
        assert relay.received == []


async def test_each_phase_has_as_long_as_its_own_time_allows() -> None:
    """Everything else is over sooner, and is not what counts here. All at once, for each takes its time."""
    codes = await asyncio.gather(*(code_after_a_stall(name, phase) for name, phase, _ in WAITS))
    assert dict(zip([name for name, _, _ in WAITS], codes, strict=True)) == {
        name: 250 for name, _, _ in WAITS
    }


async def code_after_a_stall(name: str, phase: str) -> int:
    sent = envelope("a", LARGE) if name in {"block", "dot"} else envelope("a")
    async with Relay() as relay:
        stalled = relay.when(phase=phase).stall(STALL)
        async with connected(relay.url, only(name, LONG, OTHERS)) as made:
            reply = await made.carry(sent)
        assert stalled.used == 1
    return reply.code


@pytest.mark.parametrize("phase", GREETING)
async def test_the_greeting_has_its_own_time(phase: str, tmp_path: Path) -> None:
    held = certificates.make(tmp_path)
    async with Relay(offer=Offer(starttls=held.for_server())) as relay:
        relay.when(phase=phase).times(1).stall()
        url = f"smtp://127.0.0.1:{relay.port}"
        began = time.monotonic()
        with pytest.raises(RelayDown, match="in time"):
            async with connected(url, only("greeting", SHORT, LONG), ca_file=held.ca_file):
                pass
        assert SHORT <= time.monotonic() - began < LONG / 2


async def test_the_greeting_has_as_long_as_its_own_time_allows(tmp_path: Path) -> None:
    held = certificates.make(tmp_path)
    codes = await asyncio.gather(*(code_after_a_late_greeting(phase, held) for phase in GREETING))
    assert dict(zip(GREETING, codes, strict=True)) == dict.fromkeys(GREETING, 250)


async def code_after_a_late_greeting(phase: str, held: Certificate) -> int:
    async with Relay(offer=Offer(starttls=held.for_server())) as relay:
        stalled = relay.when(phase=phase).times(1).stall(STALL)
        url = f"smtp://127.0.0.1:{relay.port}"
        async with connected(url, only("greeting", LONG, OTHERS), ca_file=held.ca_file) as made:
            reply = await made.carry(envelope("a"))
        assert stalled.used == 1
    return reply.code


async def test_a_machine_that_is_not_there_is_known_by_the_time_of_the_connection(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        made = Transport(await packets_vanish(stack, tmp_path), only("connect", SHORT, LONG), Limits())
        began = time.monotonic()
        with pytest.raises(RelayDown, match="in time"):
            await made.ready()
        assert SHORT <= time.monotonic() - began < LONG / 2


async def test_a_relay_that_reads_slowly_is_waited_for_and_the_dot_has_its_time_from_then() -> None:
    """It takes longer than any of the times as a whole, but never as long without reading."""
    async with (
        reading_slowly() as url,
        connected(url, replace(Timeouts.alike(LONG), block=READ_WITHIN, dot=READ_WITHIN)) as made,
    ):
        began = time.monotonic()
        assert (await made.carry(envelope("a", LARGE[:5_000_000]))).code == 250
        assert time.monotonic() - began > 2 * READ_WITHIN


async def test_a_reply_that_comes_by_drips_has_no_more_time_than_another() -> None:
    async with (
        reading_slowly(b"250 " + b"x" * 100, between=SHORT / 4) as url,
        connected(url, replace(Timeouts.alike(LONG), dot=SHORT)) as made,
    ):
        began = time.monotonic()
        assert await made.carry(envelope("a")) == Reply(Phase.DOT, 0, pipelining.NOT_IN_TIME)
        assert time.monotonic() - began < 10 * SHORT


async def test_behind_tls_a_message_that_is_not_read_ends_by_the_same_time(tmp_path: Path) -> None:
    """How far it came cannot be seen through the encryption, so nobody knows whether the reader has it."""
    held = certificates.make(tmp_path)
    async with Relay(offer=Offer(starttls=held.for_server())) as relay:
        relay.when(phase="body").stall()
        url = f"smtp://127.0.0.1:{relay.port}"
        timeouts = replace(Timeouts.alike(LONG), block=SHORT)
        async with connected(url, timeouts, ca_file=held.ca_file) as made:
            reply = await asyncio.wait_for(made.carry(envelope("a", LARGE)), LONG / 2)
        assert (reply.code, reply.text) == (0, pipelining.NOT_READ)
        assert reply.phase in {Phase.BODY, Phase.DOT}
        assert relay.received == []


@pytest.mark.parametrize("is_pipelining", [True, False])
async def test_a_connection_carries_so_many_messages(is_pipelining: bool) -> None:
    async with Relay(offer=Offer(pipelining=is_pipelining)) as relay:
        async with connected(relay.url, Timeouts.alike(LONG), limits=Limits(messages=2)) as made:
            replies = await in_a_row(made, [envelope(name) for name in "abcde"])
        assert [reply.code for reply in replies] == [250] * 5
        assert [one.connection for one in relay.received] == [1, 1, 2, 2, 3]
        assert relay.violations == []


@pytest.mark.parametrize("is_pipelining", [True, False])
async def test_a_connection_that_is_old_is_renewed_between_two_messages(is_pipelining: bool) -> None:
    async with Relay(offer=Offer(pipelining=is_pipelining)) as relay:
        late = relay.when(phase="dot", recipient="b@example.org").stall(0.5)
        async with connected(relay.url, Timeouts.alike(LONG), limits=Limits(age_seconds=0.4)) as made:
            replies = await in_a_row(made, [envelope(name) for name in "abcde"])
        assert late.used == 1
        assert [reply.code for reply in replies] == [250] * 5
        assert relay.received[0].connection == 1
        assert relay.received[-1].connection > 1
        assert relay.violations == []


async def test_a_connection_that_was_idle_is_not_used_again() -> None:
    async with Relay() as relay:
        async with connected(relay.url, Timeouts.alike(LONG), limits=Limits(idle_seconds=0.3)) as made:
            assert (await made.carry(envelope("a"))).code == 250
            await asyncio.sleep(0.4)
            await made.ready()
            assert (await made.carry(envelope("b"))).code == 250
        assert relay.connection_count == 2
        async with connected(relay.url, Timeouts.alike(LONG)) as made:
            assert (await made.carry(envelope("c"))).code == 250
            await asyncio.sleep(0.4)
            await made.ready()
            assert (await made.carry(envelope("d"))).code == 250
        assert relay.connection_count == 3


@asynccontextmanager
async def reading_slowly(answer: bytes = b"250 Taken\r\n", *, between: float = 0.0) -> AsyncIterator[str]:
    """A relay's address that takes some of a message, waits, and takes some more; so many seconds lie between two octets of its answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay.example.net\r\n")
        for reply in (b"250 relay.example.net\r\n", b"250 Ok\r\n", b"250 Ok\r\n", b"354 Go on\r\n"):
            await reader.readline()
            writer.write(reply)
        seen = b""
        while not seen.endswith(b"\r\n.\r\n"):
            seen = seen[-8:] + await reader.read(64 * 1024)
            await asyncio.sleep(0.04)
        with suppress(ConnectionError):
            for octet in answer:
                writer.write(bytes([octet]))
                await asyncio.sleep(between)
            await reader.readline()
        writer.close()

    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    server = await asyncio.start_server(serve, sock=listening, limit=64 * 1024)
    async with server:
        yield f"smtp://127.0.0.1:{listening.getsockname()[1]}?tls=none"
