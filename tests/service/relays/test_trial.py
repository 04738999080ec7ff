"""A relay is tried out against servers that are wrong in one way each: the step that fails, what it says, and what to do."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from service.clock import SystemClock
from service.delivery import profiles, relay_trial, transport
from service.delivery.limits import Timeouts
from service.delivery.relay_trial import Letter, StepState, Trial
from service.delivery.transport import RelayAddress
from service.settings import shipped
from tests.support import certificates, processes
from tests.support.message_check import assert_good
from tests.support.relay import Relay
from tests.support.relay_session import Offer

LETTER = Letter(
    from_address="memo@news.example.org",
    to_address="Ops@example.org",
    desk_url="https://news.example.org/desk/relays",
    public_url="https://news.example.org",
)
SECRET = "a password nobody may see"
PATIENCE = Timeouts.alike(60)


def at(url: str, ca_file: Path | None = None) -> RelayAddress:
    return transport.read_address(url, ehlo_name="news.example.org", ca_file=ca_file)


async def tried(
    address: RelayAddress,
    *,
    with_letter: bool = True,
    profile: str = "generic",
    timeouts: Timeouts = PATIENCE,
) -> Trial:
    clock = SystemClock()
    envelope = relay_trial.made(LETTER, "the-relay", shipped("templates"), clock.now())
    return await relay_trial.run(
        address,
        profiles.BY_KEY[profile],
        clock,
        envelope if with_letter else None,
        timeouts=timeouts,
    )


def states(trial: Trial) -> dict[str, StepState]:
    return {step.name: step.state for step in trial.steps}


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def secured(stack: AsyncExitStack, folder: Path) -> RelayAddress:
    held = certificates.make(folder)
    offer = Offer(starttls=held.for_server(), login=("memo", SECRET), auth_in_clear=False)
    relay = await stack.enter_async_context(Relay(offer=offer))
    return at(f"smtp://memo:{SECRET.replace(' ', '%20')}@127.0.0.1:{relay.port}", held.ca_file)


async def test_all_goes_well(stack: AsyncExitStack, tmp_path: Path) -> None:
    held = certificates.make(tmp_path)
    offer = Offer(starttls=held.for_server(), login=("memo", SECRET), auth_in_clear=False)
    relay = await stack.enter_async_context(Relay(offer=offer))
    relay.when(phase="dot").keep().reply("250 2.0.0 Ok: queued as 4W3qZs6Yl0z9sWk")
    address = at(f"smtp://memo:{SECRET.replace(' ', '%20')}@127.0.0.1:{relay.port}", held.ca_file)

    trial = await tried(address)

    assert trial.works
    assert trial.has_sent
    assert trial.queue_id == "4W3qZs6Yl0z9sWk"
    assert list(states(trial)) == [
        "host", "connection", "greeting", "ehlo", "tls", "sign_in", "sender", "recipient", "message",
    ]  # fmt: skip
    by_name = {step.name: step for step in trial.steps}
    assert "STARTTLS" in by_name["ehlo"].said
    assert "for 127.0.0.1, by itself" in by_name["tls"].said
    assert by_name["tls"].state is StepState.WARNED  # it runs out in two days
    (received,) = relay.received
    assert received.recipient == "Ops@example.org"
    assert b"Subject: A test of the relay the-relay" in received.data
    assert_good(
        received.data,
        kind="notice",
        mail_from=received.mail_from,
        rcpt_to=received.recipient,
        public_url="https://news.example.org",
        now=SystemClock().now(),
    )
    assert SECRET not in repr(trial) + repr(address)


async def test_without_a_letter_nothing_is_sent(stack: AsyncExitStack, tmp_path: Path) -> None:
    trial = await tried(await secured(stack, tmp_path), with_letter=False)
    assert trial.works
    assert not trial.has_sent
    assert "message" not in states(trial)


Broken = Callable[[AsyncExitStack, Path], Awaitable[RelayAddress]]


async def no_such_host(_: AsyncExitStack, __: Path) -> RelayAddress:
    return at("smtp://relay.invalid:25?tls=none")


async def nobody_listens(_: AsyncExitStack, __: Path) -> RelayAddress:
    return at(f"smtp://127.0.0.1:{processes.free_port()}?tls=none")


async def port_is_blocked(stack: AsyncExitStack, _: Path) -> RelayAddress:
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


async def hangs_up(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    relay.when(phase="connect").drop()
    return at(relay.url)


async def is_full(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    relay.when(phase="connect").reply("554 5.7.1 Your address is on our list")
    return at(relay.url)


async def has_no_starttls(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    return at(f"smtp://127.0.0.1:{relay.port}")


async def is_not_trusted(stack: AsyncExitStack, folder: Path) -> RelayAddress:
    offer = Offer(starttls=certificates.make(folder).for_server())
    relay = await stack.enter_async_context(Relay(offer=offer))
    return at(f"smtp://127.0.0.1:{relay.port}")


async def has_expired(stack: AsyncExitStack, folder: Path) -> RelayAddress:
    held = certificates.make(folder, is_expired=True)
    relay = await stack.enter_async_context(Relay(offer=Offer(starttls=held.for_server())))
    return at(f"smtp://127.0.0.1:{relay.port}", held.ca_file)


async def is_another_host(stack: AsyncExitStack, folder: Path) -> RelayAddress:
    held = certificates.make(folder, name="mail.example.net")
    relay = await stack.enter_async_context(Relay(tls=held.for_server()))
    return at(f"smtps://127.0.0.1:{relay.port}", held.ca_file)


async def has_no_tls_there(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    return at(f"smtps://127.0.0.1:{relay.port}")


async def password_is_wrong(stack: AsyncExitStack, folder: Path) -> RelayAddress:
    address = await secured(stack, folder)
    return at(f"smtp://memo:wrong@127.0.0.1:{address.port}", address.ca_file)


async def offers_no_auth(stack: AsyncExitStack, folder: Path) -> RelayAddress:
    held = certificates.make(folder)
    relay = await stack.enter_async_context(Relay(offer=Offer(starttls=held.for_server())))
    return at(f"smtp://memo:wrong@127.0.0.1:{relay.port}", held.ca_file)


async def wants_auth(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    relay.when(phase="mail").reply("530 5.7.0 Authentication required")
    return at(relay.url)


async def does_not_know_the_sender(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    relay.when(phase="dot").reply(
        "554 Message rejected: Email address is not verified. The following identities failed the check in region "
        "EU-CENTRAL-1: memo@news.example.org"
    )
    return at(relay.url)


async def does_not_relay(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    relay.when(phase="rcpt").reply("554 5.7.1 <ops@example.org>: Relay access denied")
    return at(relay.url)


async def has_no_such_reader(stack: AsyncExitStack, _: Path) -> RelayAddress:
    relay = await stack.enter_async_context(Relay())
    relay.when(phase="rcpt").reply("550 5.1.1 No such user here")
    return at(relay.url)


async def has_no_credits(stack: AsyncExitStack, folder: Path) -> RelayAddress:
    held = certificates.make(folder)
    offer = Offer(starttls=held.for_server(), login=("memo", SECRET))
    relay = await stack.enter_async_context(Relay(offer=offer))
    relay.when(phase="auth").reply("451 Authentication failed: Maximum credits exceeded")
    return at(f"smtp://memo:x@127.0.0.1:{relay.port}", held.ca_file)


# Of these alone a time-out is asked for; a trial waits as long for the greeting as for the connection.
SILENT = {port_is_blocked, never_greets}
IMPATIENCE = replace(PATIENCE, connect=1)


@pytest.mark.parametrize(
    ("broken", "step", "said", "advice"),
    [
        (no_such_host, "host", "relay.invalid", "spelling"),
        (nobody_listens, "connection", "refused", "Check the port"),
        (port_is_blocked, "connection", "No answer in time", "firewall"),
        (never_greets, "greeting", "No answer in time", "no mail server"),
        (hangs_up, "greeting", "", "Check host and port"),
        (is_full, "greeting", "554 5.7.1 Your address", ""),
        (has_no_starttls, "tls", "does not offer STARTTLS", "587"),
        (
            is_not_trusted,
            "tls",
            "self-signed certificate. It is for 127.0.0.1, by itself",
            "MEMO_RELAY_CA_FILE",
        ),
        (has_expired, "tls", "expired", "renew"),
        (is_another_host, "tls", "It is for mail.example.net", "another host"),
        (has_no_tls_there, "tls", "", "Choose STARTTLS"),
        (password_is_wrong, "sign_in", "535", "Enter them again"),
        (offers_no_auth, "sign_in", "does not offer to sign in", "Leave user and password empty"),
        (wants_auth, "sender", "530 5.7.0", "wants us to sign in"),
        (does_not_know_the_sender, "message", "not verified", "Verify the address or its whole domain"),
        (does_not_relay, "recipient", "Relay access denied", "Enter a user and a password"),
        (has_no_such_reader, "recipient", "550 5.1.1", "Test with another address"),
        (has_no_credits, "sign_in", "Maximum credits exceeded", "Wait, or raise its quota"),
    ],
)
async def test_what_is_wrong_is_said_where_it_is(
    broken: Broken, step: str, said: str, advice: str, stack: AsyncExitStack, tmp_path: Path
) -> None:
    address = await broken(stack, tmp_path)
    trial = await tried(address, timeouts=IMPATIENCE if broken in SILENT else PATIENCE)
    assert trial.failed is not None
    assert trial.failed.name == step, trial.steps
    assert said in trial.failed.said
    assert trial.failed.advice
    assert advice in trial.failed.advice
    reached = [one.state for one in trial.steps]
    place = reached.index(StepState.FAILED)
    assert set(reached[place + 1 :]) <= {StepState.SKIPPED}
    assert SECRET not in repr(trial)


async def test_a_password_is_not_said_to_a_relay_that_cannot_be_trusted(tmp_path: Path) -> None:
    offer = Offer(starttls=certificates.make(tmp_path).for_server(), login=("memo", SECRET))
    async with Relay(offer=offer) as relay:
        asked = relay.when(phase="auth")
        trial = await tried(at(f"smtp://memo:{SECRET.replace(' ', '%20')}@127.0.0.1:{relay.port}"))
        assert trial.failed is not None
        assert trial.failed.name == "tls"
        assert asked.used == 0


async def test_a_profile_adds_what_its_users_get_wrong(stack: AsyncExitStack, tmp_path: Path) -> None:
    trial = await tried(await password_is_wrong(stack, tmp_path), profile="sendgrid")
    assert trial.failed is not None
    assert "apikey" in trial.failed.advice


@pytest.mark.parametrize(
    ("phase", "reply", "still"),
    [
        ("connect", "421 4.3.2 Down for maintenance", "421 4.3.2"),
        ("mail", "421 4.3.2 Down for maintenance", "421 4.3.2"),
        ("mail", "530 5.7.0 Authentication required", "530 5.7.0"),
        ("mail", "501 5.1.7 We do not take the empty sender", None),
        ("mail", "454 4.7.0 Throttling failure: Maximum sending rate exceeded.", None),
        ("rcpt", "554 5.7.1 never asked", None),
    ],
)
async def test_a_relay_lets_us_in_when_it_would_take_a_message(
    phase: str, reply: str, still: str | None
) -> None:
    async with Relay() as relay:
        relay.when(phase=phase).reply(reply)
        problem = await relay_trial.lets_us_in(at(relay.url), SystemClock(), PATIENCE)
        assert (problem is None) if still is None else (problem is not None and still in problem)
        assert relay.violations == []


async def test_what_keeps_us_out_is_said_with_the_place_and_with_what_to_do() -> None:
    """Whoever reads it sees no steps beside it: it stands for itself on the pages Relays and Workers."""
    async with Relay() as relay:
        address = at(relay.url)
    gone = await relay_trial.lets_us_in(address, SystemClock(), PATIENCE)
    assert gone == (
        f"127.0.0.1, port {address.port}: Connection refused. Nothing listens there, or a firewall says no. Check the port. "
        "The usual ones are 587 with STARTTLS and 465 with implicit TLS."
    )
    nowhere = replace(address, host="nowhere.invalid")
    lost = await relay_trial.lets_us_in(nowhere, SystemClock(), PATIENCE)
    assert lost is not None
    assert lost.startswith(f"nowhere.invalid, port {address.port}: ")
    assert lost.count("nowhere.invalid") == 1
    assert "There is no host of this name." in lost
