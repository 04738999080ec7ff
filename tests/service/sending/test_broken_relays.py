"""NB-35: every way in which a relay can be broken is said in words, no reader is blamed, and cancelling works."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.delivery import relays, silence, standing_by, steering, transport
from service.delivery.limits import Timeouts
from service.delivery.relays import RelayState
from service.delivery.transport import RelayAddress
from service.dependencies import Resources
from service.editions.models import State
from tests.support import certificates, processes
from tests.support.outbox import office, open_outbox, relay_at, sending
from tests.support.relay import Relay
from tests.support.relay_session import Offer

READERS = [f"reader{number}@example.org" for number in range(5)]
Broken = Callable[[AsyncExitStack, Path], Awaitable[RelayAddress]]


def at(url: str, ca_file: Path | None = None) -> RelayAddress:
    return transport.read_address(url, ehlo_name="news.example.org", ca_file=ca_file)


async def no_such_host(_: AsyncExitStack, __: Path) -> RelayAddress:
    return at("smtp://relay.invalid:25?tls=none")


async def nobody_listens(_: AsyncExitStack, __: Path) -> RelayAddress:
    return at(f"smtp://127.0.0.1:{processes.free_port()}?tls=none")


async def packets_vanish(stack: AsyncExitStack, _: Path) -> RelayAddress:
    """A queue of connections that is full, and nobody accepts any: the kernel leaves further ones unanswered."""
    listening = stack.enter_context(socket.socket())
    listening.bind(("127.0.0.1", 0))
    listening.listen(0)
    for _number in range(3):
        waiting = stack.enter_context(socket.socket())
        waiting.setblocking(False)
        waiting.connect_ex(listening.getsockname())
    return at(f"smtp://127.0.0.1:{listening.getsockname()[1]}?tls=none")


async def never_greets(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    relay.when(phase="connect").stall()
    return at(relay.url)


async def password_is_wrong(stack: AsyncExitStack, folder: Path) -> RelayAddress:
    held = certificates.make(folder)
    offer = Offer(starttls=held.for_server(), login=("memo", "right"))
    relay = await stack.enter_async_context(Relay(offer=offer))
    return at(f"smtp://memo:wrong@127.0.0.1:{relay.port}", held.ca_file)


async def certificate_is_over(stack: AsyncExitStack, folder: Path) -> RelayAddress:
    held = certificates.make(folder, is_expired=True)
    relay = await stack.enter_async_context(Relay(offer=Offer(starttls=held.for_server())))
    return at(f"smtp://127.0.0.1:{relay.port}", held.ca_file)


async def offers_no_encryption(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    return at(f"smtp://127.0.0.1:{relay.port}")


@pytest.mark.parametrize(
    ("broken", "says", "short"),
    [
        (no_such_host, "MEMO_RELAY_URL", {}),
        (nobody_listens, "MEMO_RELAY_URL", {}),
        (packets_vanish, "in time", {"connect": 0.5}),
        (never_greets, "in time", {"greeting": 0.5}),
        (password_is_wrong, "user name or password", {}),
        (certificate_is_over, "certificate", {}),
        (offers_no_encryption, "STARTTLS", {}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_nb_35_a_broken_relay_is_named_and_the_edition_can_be_cancelled(
    resources: Resources, tmp_path: Path, broken: Broken, says: str, short: dict[str, float]
) -> None:
    outbox = await open_outbox(resources, READERS)
    async with AsyncExitStack() as stack:
        chosen = office(resources, await broken(stack, tmp_path))
        async with sending(replace(chosen, timeouts=replace(Timeouts.alike(20), **short))):
            state = await until_out_of_reach(resources)
            assert says in str(state.problem)
            assert state.since is not None
            found = await outbox.progress()
            assert (found.queued, found.audience) == (len(READERS), len(READERS))
            await resources.database.write(
                steering.cancel, outbox.edition.uid, now=resources.clock.now(), actor="test"
            )
            found = await outbox.until_ended()
    assert (found.cancelled, found.held) == (len(READERS), 0)
    assert await outbox.state() is State.CANCELLED


async def relay_is_called(relay: Relay, times: int) -> None:
    async with asyncio.timeout(20):
        while relay.connection_count < times:
            await asyncio.sleep(0.05)


async def until_out_of_reach(resources: Resources) -> RelayState:
    """Until a look finds it with its problem and waiting: a short wait may be over before somebody looks, and the next one is longer."""
    async with asyncio.timeout(15):
        while True:
            state = await resources.database.read(relays.state_of)
            if state is not None and state.problem and state.is_waiting:
                return state
            await asyncio.sleep(0.02)


async def test_nb_35_a_relay_that_is_silent_is_named_long_before_its_time_is_up(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may greet minutes later, and is waited for; then everybody gets theirs."""
    monkeypatch.setattr(silence, "SILENT_SECONDS", 0.5)
    relay.when(phase="connect").stall()
    outbox = await open_outbox(resources, READERS)
    chosen = office(resources, relay_at(relay.url))
    async with sending(replace(chosen, timeouts=Timeouts.alike(60))):
        state = await until_out_of_reach(resources)
        assert "has not answered a new connection" in str(state.problem)
        relay.forget_rules()
        assert (await outbox.until_ended()).accepted == len(READERS)
        after = await resources.database.read(relays.state_of)
    assert after is not None
    assert after.problem is None


async def test_a_relay_that_greets_as_many_as_it_has_room_for_is_busy_and_not_silent(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = 1.5  # the first two are greeted by then, however busy the machine is
    monkeypatch.setattr(silence, "SILENT_SECONDS", silent)
    relay.delay = 0.02
    kept_waiting = relay.when(phase="connect").after(2).stall()
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(100)])
    seen, loop = set[str | None](), asyncio.get_running_loop()
    async with sending(replace(office(resources, relay_at(relay.url)), timeouts=Timeouts.alike(60))):
        await kept_waiting.met()
        until = loop.time() + silent + 0.5
        while loop.time() < until:
            state = await resources.database.read(relays.state_of)
            seen.add(state.problem if state else None)
            await asyncio.sleep(0.05)
        assert relay.received
        relay.forget_rules()
        await outbox.until_ended()
    assert seen == {None}


@pytest.mark.parametrize("late", [False, True])
async def test_who_is_not_greeted_keeps_no_reader_waiting(
    resources: Resources, relay: Relay, late: bool
) -> None:
    """A Postfix with few processes takes every connection and greets two of four: the others had a reader each, for five minutes, and
    the rest of his group waited with him.
    """
    greeted = relay.when(phase="connect").times(2)
    if late:  # for nobody is known to have been greeted when the others are first looked at
        greeted.stall()
    relay.when(phase="connect").stall()
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(60)])
    async with sending(office(resources, relay_at(relay.url))):
        await relay_is_called(relay, 4)
        await asyncio.sleep(2.5 if late else 0)
        greeted.release()
        found = await outbox.until_ended(within=45)
    assert found.accepted == 60
    assert len(relay.received) == 60


async def test_a_relay_that_falls_silent_in_the_midst_of_an_edition_is_named_too(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load balancer goes on taking connections when there is nobody behind it any more."""
    monkeypatch.setattr(silence, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(transport, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(standing_by, "LIFE_SECONDS", 1.0)
    relay.delay = 0.02
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(300)])
    chosen = replace(office(resources, relay_at(relay.url)), timeouts=Timeouts.alike(60))
    async with sending(replace(chosen, uncertain_wait=timedelta(seconds=0.5))):
        await relay.until(40)
        relay.when(phase="connect").stall()
        relay.cut()
        async with asyncio.timeout(10):
            while "answer" not in str(getattr(await resources.database.read(relays.state_of), "problem", "")):
                await asyncio.sleep(0.02)
        relay.forget_rules()
        ended = await outbox.until_ended(within=30)
    assert ended.accepted == 300
