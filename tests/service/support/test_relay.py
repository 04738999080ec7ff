"""The scripted relay itself, spoken to by aiosmtplib and by hand."""

import asyncio
import hashlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiosmtplib
import pytest

from tests.support import certificates, relay_log
from tests.support.relay import Relay, rule_from
from tests.support.relay_rules import Phase
from tests.support.relay_session import Offer

SENDER = "desk@example.org"
READER = "reader7@example.org"
MESSAGE = b"From: desk@example.org\r\nMessage-ID: <1@example.org>\r\n\r\n.\r\n..\r\n.x\r\nend\r\n"


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    async with Relay(log=tmp_path / "relay.log") as relay:
        yield relay


async def send(relay: Relay, *recipients: str, data: bytes = MESSAGE) -> None:
    client = aiosmtplib.SMTP(hostname=relay.host, port=relay.port, start_tls=False, timeout=5)
    async with client:
        await client.sendmail(SENDER, list(recipients or (READER,)), data)


class Hand:
    """A client that says exactly what it is told, and hears every line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def say(self, text: str) -> None:
        self._writer.write(text.replace("\n", "\r\n").encode())

    async def hear(self, count: int = 1) -> list[str]:
        async with asyncio.timeout(5):
            return [(await self._reader.readline()).decode().strip() for _ in range(count)]

    async def hear_reply(self) -> list[str]:
        lines = await self.hear()
        while lines[-1][3:4] == "-":
            lines += await self.hear()
        return lines

    async def hear_the_end(self) -> bytes:
        async with asyncio.timeout(5):
            return await self._reader.read()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def by_hand(relay: Relay) -> Hand:
    hand = Hand(*await asyncio.open_connection(relay.host, relay.port))
    await hand.hear()
    return hand


async def test_takes_a_message_byte_for_byte_and_notes_the_envelope(relay: Relay) -> None:
    await send(relay, READER, "reader8@example.org")
    (message,) = relay.received
    assert message.data == MESSAGE
    assert (message.mail_from, message.rcpt_to) == (SENDER, (READER, "reader8@example.org"))
    assert message.message_id == "<1@example.org>"
    assert message.connection == 1
    assert message.ehlo_name
    assert any(option.lower().startswith("size=") for option in message.options)


@pytest.mark.parametrize(
    ("phase", "code"),
    [("rcpt", 550), ("rcpt", 450), ("data", 451), ("dot", 554), ("mail", 421), ("ehlo", 550)],
)
async def test_refuses_or_defers_where_told(relay: Relay, phase: str, code: int) -> None:
    # A refused EHLO is followed by HELO, which the same rule refuses.
    relay.when(phase=phase).times(2 if phase == "ehlo" else 1).reply(f"{code} {code // 100}.7.1 told so")
    with pytest.raises((aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused)) as raised:
        await send(relay)
    assert str(code) in repr(raised.value)
    assert relay.received == []
    await send(relay)
    assert len(relay.received) == 1


async def test_refuses_one_recipient_and_takes_the_others(relay: Relay) -> None:
    relay.when(phase="rcpt", recipient=READER).reply("550 5.1.1 no such mailbox")
    await send(relay, READER, "reader8@example.org")
    assert relay.received[0].rcpt_to == ("reader8@example.org",)


async def test_a_rule_can_ask_for_the_attempt_of_one_recipient(relay: Relay) -> None:
    relay.when(phase="rcpt", recipient=READER, attempt=2).reply("450 4.2.0 the second time only")
    await send(relay)
    await send(relay, "reader8@example.org")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(relay)
    await send(relay)
    assert len(relay.to(READER)) == 2


@pytest.mark.parametrize("phase", ["connect", "ehlo", "mail", "rcpt", "data", "body", "dot"])
async def test_drops_in_every_phase_without_taking_the_message(relay: Relay, phase: str) -> None:
    relay.when(phase=phase).times(1).drop()
    with pytest.raises((aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError)):
        await send(relay)
    assert relay.received == []
    await send(relay)
    assert len(relay.received) == 1


async def test_reset_cuts_the_connection(relay: Relay) -> None:
    relay.when(phase="mail").reset()
    hand = await by_hand(relay)
    hand.say("EHLO a\nMAIL FROM:<a@example.org>\n")
    with pytest.raises(ConnectionResetError):
        await hand.hear_the_end()


async def test_can_take_the_message_and_lose_the_reply(relay: Relay, tmp_path: Path) -> None:
    relay.when(phase="dot").keep().drop()
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await send(relay)
    assert len(relay.received) == 1
    assert [line.accepted for line in relay_log.read(tmp_path / "relay.log")] == [True]


async def test_drop_right_after_the_reply_lets_the_reply_through(relay: Relay) -> None:
    relay.when(phase="replied").drop()
    hand = await by_hand(relay)
    hand.say("EHLO a\n")
    await hand.hear_reply()
    hand.say(f"MAIL FROM:<{SENDER}>\nRCPT TO:<{READER}>\nDATA\n")
    await hand.hear(3)
    hand.say("a: b\n\nc\n.\n")
    assert await hand.hear_the_end() == b"250 2.0.0 Taken\r\n"
    await hand.close()


async def test_stalls_for_a_time_and_goes_on(relay: Relay) -> None:
    relay.when(phase="rcpt").stall(0.15)
    began = time.monotonic()
    await send(relay)
    assert time.monotonic() - began >= 0.15
    assert len(relay.received) == 1


async def test_stalls_until_released_and_then_replies(relay: Relay) -> None:
    rule = relay.when(phase="dot").stall().reply("451 4.3.0 late and no")
    sending = asyncio.create_task(send(relay))
    await rule.met()
    await asyncio.sleep(0.05)
    assert not sending.done()
    rule.release()
    with pytest.raises(aiosmtplib.SMTPDataError):
        await sending
    assert relay.received == []


async def test_a_stall_ends_when_the_client_leaves(relay: Relay) -> None:
    rule = relay.when(phase="mail").stall()
    hand = await by_hand(relay)
    hand.say("EHLO a\nMAIL FROM:<a@example.org>\n")
    await rule.met()
    await hand.close()
    async with asyncio.timeout(5):
        while relay.open_count:
            await asyncio.sleep(0.005)


async def test_answers_pipelined_messages_in_order(relay: Relay) -> None:
    hand = await by_hand(relay)
    hand.say("EHLO a\n")
    await hand.hear_reply()
    envelope = f"MAIL FROM:<{SENDER}>\nRCPT TO:<{READER}>\nDATA\n"
    hand.say(envelope)
    replies = await hand.hear(3)
    for turn in range(20):
        hand.say(f"Message-ID: <{turn}@example.org>\n\n{'.' * turn}x\n.\n" + envelope)
        replies += await hand.hear(4)
    assert [reply[:3] for reply in replies] == ["250", "250", "354"] * 1 + ["250", "250", "250", "354"] * 20
    assert [message.message_id for message in relay.received] == [f"<{n}@example.org>" for n in range(20)]
    assert relay.violations == []
    await hand.close()


async def test_data_cut_at_any_byte_arrives_the_same(relay: Relay) -> None:
    hand = await by_hand(relay)
    hand.say("EHLO a\n")
    await hand.hear_reply()
    for byte in f"MAIL FROM:<{SENDER}>\nRCPT TO:<{READER}>\nDATA\n..x\n\n...\n.\n":
        hand.say(byte)
        await asyncio.sleep(0.001)
    await hand.hear(4)
    assert relay.received[0].data == b".x\r\n\r\n..\r\n"
    await hand.close()


async def test_an_empty_message_ends_at_once(relay: Relay) -> None:
    hand = await by_hand(relay)
    hand.say(f"HELO a\nMAIL FROM:<{SENDER}>\nRCPT TO:<{READER}>\nDATA\n")
    await hand.hear(4)
    hand.say(".\n")
    await hand.hear()
    assert relay.received[0].data == b""
    await hand.close()


async def test_notices_pipelining_that_was_not_offered() -> None:
    async with Relay(offer=Offer(pipelining=False)) as relay:
        hand = await by_hand(relay)
        hand.say(f"EHLO a\nMAIL FROM:<{SENDER}>\n")
        lines = await hand.hear_reply() + await hand.hear()
        assert not any("PIPELINING" in line for line in lines)
        assert len(relay.violations) == 1
        await hand.close()


async def test_notices_what_follows_data_before_its_reply(relay: Relay) -> None:
    hand = await by_hand(relay)
    hand.say(f"MAIL FROM:<{SENDER}>\nRCPT TO:<{READER}>\nDATA\nbody\n.\n")
    await hand.hear(4)
    assert ["DATA" in violation for violation in relay.violations] == [True]
    await hand.close()


async def test_speaks_tls_after_starttls(tmp_path: Path) -> None:
    certificate = certificates.make(tmp_path)
    offer = Offer(starttls=certificate.for_server(), login=("desk", "a password"), auth_in_clear=False)
    async with Relay(offer=offer) as relay:
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            start_tls=True,
            tls_context=certificate.for_client(),
            timeout=5,
        )
        async with client:
            assert not client.supports_extension("starttls")
            await client.login("desk", "a password")
            await client.sendmail(SENDER, [READER], MESSAGE)
        (message,) = relay.received
        assert (message.is_encrypted, message.signed_in_as) == (True, "desk")


@pytest.mark.parametrize(("name", "is_expired"), [("mail.example.net", False), ("127.0.0.1", True)])
async def test_bad_certificates_are_not_trusted(tmp_path: Path, name: str, is_expired: bool) -> None:
    certificate = certificates.make(tmp_path, name=name, is_expired=is_expired)
    async with Relay(offer=Offer(starttls=certificate.for_server())) as relay:
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            start_tls=True,
            tls_context=certificate.for_client(),
            timeout=5,
        )
        with pytest.raises((aiosmtplib.SMTPException, OSError)):
            await client.connect()


async def test_speaks_tls_from_the_start(tmp_path: Path) -> None:
    certificate = certificates.make(tmp_path)
    async with Relay(tls=certificate.for_server()) as relay:
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            use_tls=True,
            tls_context=certificate.for_client(),
            timeout=5,
        )
        async with client:
            await client.sendmail(SENDER, [READER], MESSAGE)
        assert relay.received[0].is_encrypted


@pytest.mark.parametrize("method", ["auth_plain", "auth_login"])
async def test_wants_the_right_password(method: str) -> None:
    async with Relay(offer=Offer(login=("desk", "a password"))) as relay:
        client = aiosmtplib.SMTP(hostname=relay.host, port=relay.port, start_tls=False, timeout=5)
        async with client:
            with pytest.raises(aiosmtplib.SMTPSenderRefused):
                await client.mail(SENDER)
            with pytest.raises(aiosmtplib.SMTPAuthenticationError):
                await getattr(client, method)("desk", "another")
            await getattr(client, method)("desk", "a password")
            await client.sendmail(SENDER, [READER], MESSAGE)
        assert relay.received[0].signed_in_as == "desk"


async def test_holds_messages_to_the_size_it_offers() -> None:
    async with Relay(offer=Offer(size=20)) as relay:
        with pytest.raises(aiosmtplib.SMTPException):
            await send(relay)
        hand = await by_hand(relay)
        hand.say(f"MAIL FROM:<{SENDER}>\nRCPT TO:<{READER}>\nDATA\n")
        await hand.hear(3)
        hand.say("far more than twenty octets\n.\n")
        assert (await hand.hear())[0].startswith("552 5.3.4")
        assert relay.received == []
        await hand.close()


async def test_takes_utf8_addresses_only_when_offered() -> None:
    for is_offered, code in ((False, "553"), (True, "250")):
        async with Relay(offer=Offer(smtputf8=is_offered)) as relay:
            hand = await by_hand(relay)
            hand.say(f"MAIL FROM:<{SENDER}> SMTPUTF8\nRCPT TO:<größe@example.org>\n")
            assert (await hand.hear(2))[1].startswith(code)
            await hand.close()


async def test_caps_connections() -> None:
    async with Relay(connections=1) as relay:
        hand = await by_hand(relay)
        with pytest.raises(aiosmtplib.SMTPException):
            await send(relay)
        await hand.close()
        assert relay.peak_count == 2


async def test_a_slow_sink_takes_its_time_over_each_message() -> None:
    async with Relay(delay=0.1) as relay:
        began = time.monotonic()
        await send(relay)
        assert time.monotonic() - began >= 0.1


async def test_goes_down_and_comes_back_on_the_same_port(relay: Relay) -> None:
    port = relay.port
    await relay.stop()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
    await relay.start()
    assert relay.port == port
    await send(relay)
    assert len(relay.received) == 1


async def test_while_it_is_down_its_port_is_nobody_elses(relay: Relay) -> None:
    """Somebody's test beside this one asks for any port, and would get the mail that the relay is about to come back for."""
    await relay.stop()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", relay.port))


async def test_logs_before_it_answers(relay: Relay, tmp_path: Path) -> None:
    rule = relay.when(phase="dot").keep().stall()
    rule.steps.reverse()
    sending = asyncio.create_task(send(relay))
    await rule.met()
    assert relay_log.read(tmp_path / "relay.log") == []
    rule.release()
    await sending
    (line,) = relay_log.read(tmp_path / "relay.log")
    assert (line.recipient, line.message_id, line.connection, line.accepted) == (
        READER,
        "<1@example.org>",
        1,
        True,
    )
    assert line.sha256 == hashlib.sha256(MESSAGE).hexdigest()
    assert list(relay_log.accepted([line])) == [READER]


def test_a_half_written_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "log").write_text('{"message_id": "<1@exam', "utf-8")
    assert relay_log.read(tmp_path / "log") == []
    assert relay_log.read(tmp_path / "none") == []


async def test_a_predicate_may_count_messages_on_a_connection(relay: Relay) -> None:
    relay.when(phase="mail", matching=lambda moment: moment.message > 2).drop()
    client = aiosmtplib.SMTP(hostname=relay.host, port=relay.port, start_tls=False, timeout=5)
    await client.connect()
    for _ in range(2):
        await client.sendmail(SENDER, [READER], MESSAGE)
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        await client.sendmail(SENDER, [READER], MESSAGE)
    assert len(relay.received) == 2


async def test_rules_may_come_as_text(relay: Relay) -> None:
    rule = rule_from(
        relay, '{"phase": "rcpt", "recipient": "reader7@example.org", "times": 1, "reply": "550 no"}'
    )
    assert (rule.phase, rule.turns) == (Phase.RCPT, 1)
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await send(relay)


def test_rules_that_make_no_sense_are_refused() -> None:
    relay = Relay()
    with pytest.raises(ValueError, match="three digits"):
        relay.when(phase="rcpt").reply("no")
    with pytest.raises(ValueError, match="after the dot"):
        relay.when(phase="rcpt").keep()
    with pytest.raises(ValueError, match="Phase"):
        relay.when(phase="later")


async def test_waiting_for_messages_says_how_many_came(relay: Relay) -> None:
    await send(relay)
    assert len(await relay.until(1, recipient=READER)) == 1
    with pytest.raises(TimeoutError, match="1 of 2"):
        await relay.until(2, within=0.05)
