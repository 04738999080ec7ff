"""One connection against a relay that does as it likes. Nothing is stored here, so no database is asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.delivery import transport
from service.delivery.exchange import Envelope
from service.delivery.limits import Limits, Timeouts
from service.delivery.outcome import Phase, Reply
from service.delivery.transport import RelayDown, Transport
from tests.support import certificates
from tests.support.relay import Relay
from tests.support.relay_session import Offer

PATIENCE = Timeouts.alike(20)
SHORT = 0.3  # for what is not going to be answered
BODY = b"Subject: Memo\r\n\r\nGood morning.\r\n"


def envelope(name: str, message: bytes = BODY) -> Envelope:
    return Envelope("memo@news.example.org", f"{name}@example.org", message)


@asynccontextmanager
async def connected(
    relay: Relay, *, timeouts: Timeouts = PATIENCE, url: str = "", ca_file: Path | None = None
) -> AsyncIterator[Transport]:
    address = transport.read_address(url or relay.url, ehlo_name="news.example.org", ca_file=ca_file)
    made = Transport(address, timeouts, Limits())
    await made.ready()
    try:
        yield made
    finally:
        await made.close()


async def in_a_row(made: Transport, envelopes: list[Envelope]) -> list[Reply]:
    """Each envelope is announced behind the message before it, where the relay lets us."""
    replies: list[Reply] = []
    exchange, rest = made.announce(envelopes[0]), envelopes[1:]
    while True:
        exchange = await made.reopened(exchange)
        following = made.hand_over(exchange, rest[0]) if rest and made.has_room_behind else None
        if following is None and not exchange.is_over:
            made.hand_over(exchange)
        replies.append(await exchange.settled)
        if not rest:
            return replies
        if following is None:
            await made.ready()
        exchange, rest = following or made.announce(rest[0]), rest[1:]


@pytest.mark.parametrize("pipelining", [True, False])
async def test_every_reply_finds_its_envelope(pipelining: bool) -> None:
    async with Relay(offer=Offer(pipelining=pipelining)) as relay, connected(relay) as made:
        relay.when(phase="rcpt", recipient="b@example.org").reply("550-5.1.1 no such\n550 5.1.1 mailbox here")
        relay.when(phase="dot", recipient="d@example.org").reply("451 4.3.0 later")
        replies = await in_a_row(made, [envelope(name) for name in "abcde"])
        assert [reply.code for reply in replies] == [250, 550, 250, 451, 250]
        assert replies[1] == Reply(Phase.RCPT, 550, "5.1.1 no such\n5.1.1 mailbox here")
        assert replies[3] == Reply(Phase.DOT, 451, "4.3.0 later")
        assert [one.recipient for one in relay.received] == [f"{name}@example.org" for name in "ace"]
        assert relay.connection_count == 1
        assert relay.violations == []


async def test_the_next_envelope_travels_behind_the_message() -> None:
    async with Relay() as relay, connected(relay) as made:
        waiting = relay.when(phase="dot", recipient="a@example.org").stall()
        first = made.announce(envelope("a"))
        await first.opened
        second = made.hand_over(first, envelope("b"))
        assert second is not None
        await waiting.met()
        assert not second.opened.done()
        waiting.release()
        await first.settled
        await second.opened
        assert not second.is_over
        made.hand_over(second)
        assert (await second.settled).code == 250


async def test_a_go_ahead_for_nobody_gets_a_lone_dot() -> None:
    """RFC 2920 section 3.1: the refusal is the outcome, and no reader gets an empty message."""
    async with Relay(offer=Offer(goes_ahead_for_nobody=True)) as relay, connected(relay) as made:
        relay.when(phase="rcpt", recipient="b@example.org").reply("550 5.1.1 no such mailbox")
        replies = await in_a_row(made, [envelope(name) for name in "abc"])
        assert [reply.code for reply in replies] == [250, 550, 250]
        assert replies[1].phase is Phase.RCPT
        assert relay.for_nobody == [b""]
        assert [one.recipient for one in relay.received] == ["a@example.org", "c@example.org"]
        assert relay.violations == []


async def test_a_refused_sender_leaves_no_half_transaction() -> None:
    async with Relay() as relay, connected(relay) as made:
        relay.when(phase="mail").times(1).reply("452 4.3.1 no room just now")
        replies = await in_a_row(made, [envelope("a"), envelope("b")])
        assert [(reply.phase, reply.code) for reply in replies] == [(Phase.MAIL, 452), (Phase.DOT, 250)]


async def test_dots_are_stuffed_once() -> None:
    message = b"Subject: Dots\r\n\r\n.\r\n..\r\n.x\r\nend"
    async with Relay() as relay, connected(relay) as made:
        assert (await made.carry(envelope("a", message))).code == 250
        assert relay.received[0].data == message + b"\r\n"


async def test_a_silent_close_after_some_messages_costs_nobody_anything() -> None:
    """Yahoo closes without a word after so many messages, and invites to come again at once (deliverability.md 0.8)."""
    async with Relay() as relay, connected(relay) as made:
        relay.when(phase="mail", matching=lambda moment: moment.message > 2).drop()
        replies = await in_a_row(made, [envelope(name) for name in "abcdefg"])
        assert [reply.code for reply in replies] == [250] * 7
        assert sorted(one.recipient for one in relay.received) == [
            f"{name}@example.org" for name in "abcdefg"
        ]
        assert relay.connection_count == 4


async def test_421_between_two_messages_is_a_matter_of_the_connection() -> None:
    async with Relay() as relay, connected(relay) as made:
        relay.when(phase="mail", attempt=2).reply("421 4.7.0 too many messages on this connection").drop()
        replies = await in_a_row(made, [envelope(name) for name in "abc"])
        assert [reply.code for reply in replies] == [250] * 3


@pytest.mark.parametrize(
    ("phase", "expected"),
    [("mail", Phase.MAIL), ("rcpt", Phase.RCPT), ("data", Phase.DATA), ("dot", Phase.DOT)],
)
@pytest.mark.parametrize("how", ["drop", "stall"])
async def test_s2_how_far_it_came_when_the_relay_fell_silent(phase: str, expected: Phase, how: str) -> None:
    async with Relay() as relay, connected(relay, timeouts=replace(PATIENCE, **{phase: SHORT})) as made:
        rule = relay.when(phase=phase)
        if how == "drop":
            rule.drop()
        else:
            rule.stall()
        reply = await made.carry(envelope("a"))
        assert (reply.phase, reply.code) == (expected, 0)


async def test_s2_a_message_whose_dot_never_left_was_not_handed_over() -> None:
    message = b"Subject: Large\r\n\r\n" + b"x" * 70 * 200_000 + b"\r\n"
    async with Relay() as relay, connected(relay, timeouts=replace(PATIENCE, block=SHORT)) as made:
        relay.when(phase="body").stall()
        reply = await made.carry(envelope("a", message))
        assert (reply.phase, reply.code) == (Phase.BODY, 0)
        assert relay.received == []


async def test_what_is_no_smtp_ends_the_connection() -> None:
    async with Relay() as relay, connected(relay) as made:
        relay.when(phase="rcpt").reply("250 fine\nHello, who is there?")
        reply = await made.carry(envelope("a"))
        assert reply.code == 0
        assert "no SMTP reply" in reply.text
        assert relay.received == []


async def test_a_message_that_must_not_be_sent_ends_the_connection_behind_its_354() -> None:
    async with Relay() as relay, connected(relay) as made:
        exchange = made.announce(envelope("a"))
        await exchange.opened
        made.drop("stopped")
        assert (await exchange.settled) == Reply(Phase.DATA, 0, "stopped")
        assert made.hand_over(exchange) is None
        await made.ready()
        assert (await made.carry(envelope("b"))).code == 250
        assert [one.recipient for one in relay.received] == ["b@example.org"]


async def test_s9_size_is_honoured_before_anything_is_sent() -> None:
    async with Relay(offer=Offer(size=1_000)) as relay, connected(relay) as made:
        replies = await in_a_row(made, [envelope("a"), envelope("b", BODY * 100), envelope("c")])
        assert [reply.code for reply in replies] == [250, 552, 250]
        assert "1000 octets" in replies[1].text
        assert "SIZE=32" in relay.received[0].options


@pytest.mark.parametrize("smtputf8", [True, False])
async def test_nb_58_an_address_beyond_ascii_goes_only_where_it_is_understood(smtputf8: bool) -> None:
    async with Relay(offer=Offer(smtputf8=smtputf8)) as relay, connected(relay) as made:
        replies = await in_a_row(made, [envelope("j\u00f6s\u00e9"), envelope("jose")])
        assert [reply.code for reply in replies] == [250 if smtputf8 else 553, 250]
        assert ["SMTPUTF8" in one.options for one in relay.received] == (
            [True, False] if smtputf8 else [False]
        )


async def test_a_relay_that_says_goodbye_while_idle_is_met_again() -> None:
    async with Relay() as relay, connected(relay) as made:
        relay.when(phase="replied").times(1).reply("421 4.4.2 idle for too long").drop()
        assert (await made.carry(envelope("a"))).code == 250
        await asyncio.sleep(0.05)
        await made.ready()
        assert (await made.carry(envelope("b"))).code == 250
        assert relay.connection_count == 2


async def test_a_relay_that_closes_during_the_greeting_is_down() -> None:
    async with Relay() as relay:
        relay.when(phase="ehlo").drop()
        with pytest.raises(RelayDown):
            async with connected(relay):
                pass


@pytest.mark.parametrize("mode", ["required", "implicit"])
async def test_pipelining_goes_on_behind_tls(mode: str, tmp_path: Path) -> None:
    certificate = certificates.make(tmp_path)
    server = certificate.for_server()
    starttls = Offer(starttls=server) if mode == "required" else Offer()
    async with Relay(offer=starttls, tls=server if mode == "implicit" else None) as relay:
        scheme = "smtp" if mode == "required" else "smtps"
        url = f"{scheme}://127.0.0.1:{relay.port}"
        async with connected(relay, url=url, ca_file=certificate.ca_file) as made:
            replies = await in_a_row(made, [envelope(str(n), BODY * 2_000) for n in range(20)])
        assert [reply.code for reply in replies] == [250] * 20
        assert relay.violations == []


@pytest.mark.parametrize(
    "address", ["a@example.org>\r\nRCPT TO:<b@example.org", "a b@example.org", "a\x00@example.org"]
)
def test_nb_19_no_address_brings_a_command_along(address: str) -> None:
    with pytest.raises(ValueError, match="envelope"):
        Envelope("memo@news.example.org", address, BODY)
    with pytest.raises(ValueError, match="envelope"):
        Envelope(address, "a@example.org", BODY)


async def test_an_envelope_for_a_connection_that_is_gone_is_settled_at_once() -> None:
    """Nobody would answer it: whoever waits for that would wait for good."""
    async with Relay() as relay, connected(relay) as made, asyncio.timeout(5):
        relay.cut()
        while made.is_ready:
            await asyncio.sleep(0.01)
        exchange = made.announce(envelope("nora"))
        await exchange.opened
        reply = await exchange.settled
    assert (reply.phase, reply.code) == (Phase.MAIL, 0)
