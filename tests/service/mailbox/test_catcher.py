import asyncio
import socket
import time

import pytest
from aiosmtplib import SMTP, SMTPDataError, SMTPServerDisconnected

from service.database import Database
from service.dependencies import Resources
from service.mailbox import catcher as catching
from service.mailbox import store
from service.mailbox.catcher import Catcher, MailboxBesideRelay, MailboxPortTaken
from service.settings import Settings
from tests.support.clock import HandClock
from tests.support.lag import Lag

MESSAGE = b"From: memo@example.org\r\nTo: anna@example.org\r\nSubject: Hello\r\n\r\nGood morning.\r\n"


def _client(catcher: Catcher) -> SMTP:
    return SMTP(hostname="127.0.0.1", port=catcher.port, start_tls=False, timeout=30)


async def test_a_message_is_kept_byte_for_byte_before_it_is_accepted(
    catcher: Catcher, resources: Resources
) -> None:
    raw = MESSAGE + b"..two dots\r\n.one dot\r\n8 bit: \xff\xfe\r\n"
    async with _client(catcher) as smtp:
        await smtp.sendmail("bounce+1@example.org", ["anna@example.org"], raw)
        kept = await resources.database.read(store.get, 1)

    assert kept.raw == raw
    assert kept.octets == len(raw)
    assert (kept.mail_from, kept.rcpt_to) == ("bounce+1@example.org", "anna@example.org")
    assert (kept.subject, kept.caught_at) == ("Hello", resources.clock.now())


async def test_eight_bits_and_addresses_beyond_ascii_are_taken(
    catcher: Catcher, resources: Resources
) -> None:
    async with _client(catcher) as smtp:
        await smtp.ehlo()
        assert smtp.supports_extension("8bitmime")
        assert smtp.supports_extension("smtputf8")
        await smtp.sendmail(
            "memo@example.org",
            ["jürgen@bücher.example.org"],
            "Subject: Grüße\r\n\r\nschön\r\n".encode(),
            mail_options=["SMTPUTF8", "BODY=8BITMIME"],
        )
    kept = await resources.database.read(store.get, 1)

    assert kept.rcpt_to == "jürgen@bücher.example.org"
    assert kept.subject == "Grüße"
    assert kept.raw == "Subject: Grüße\r\n\r\nschön\r\n".encode()


async def test_each_recipient_has_a_message_of_its_own(catcher: Catcher, resources: Resources) -> None:
    async with _client(catcher) as smtp:
        await smtp.sendmail("", ["anna@example.org", "ben@example.org"], MESSAGE)
    page = await resources.database.read(store.page)

    assert [one.rcpt_to for one in page.messages] == ["ben@example.org", "anna@example.org"]


async def test_too_many_recipients_are_asked_to_come_later(catcher: Catcher, resources: Resources) -> None:
    wanted = [f"reader{number}@example.org" for number in range(catching.RECIPIENTS + 1)]
    async with _client(catcher) as smtp:
        errors, _ = await smtp.sendmail("memo@example.org", wanted, MESSAGE)

    assert {address: reply.code for address, reply in errors.items()} == {wanted[-1]: 452}
    assert await resources.database.read(store.count) == catching.RECIPIENTS


async def test_a_message_larger_than_the_limit_is_refused_and_the_next_one_taken(
    catcher: Catcher, resources: Resources
) -> None:
    line = b"x" * 98 + b"\r\n"
    huge = MESSAGE + line * (catching.MESSAGE_OCTETS // len(line) + 1)
    large = MESSAGE + line * 50_000
    async with _client(catcher) as smtp:
        with pytest.raises(SMTPDataError) as refused:
            await _told_nothing_of_its_size(smtp, huge)
        await smtp.sendmail("memo@example.org", ["anna@example.org"], large)

    assert refused.value.code == 552
    page = await resources.database.read(store.page)
    assert [one.octets for one in page.messages] == [len(large)]


async def _told_nothing_of_its_size(smtp: SMTP, raw: bytes) -> None:
    await smtp.ehlo()
    await smtp.mail("memo@example.org")
    await smtp.rcpt("anna@example.org")
    await smtp.data(raw)


async def test_a_message_that_cannot_be_kept_is_deferred(
    chosen: Settings, resources: Resources, closed_database: Database
) -> None:
    catcher = Catcher(chosen.model_copy(update={"mailbox_port": 0}), closed_database, resources.clock)
    await catcher.start()
    async with _client(catcher) as smtp:
        with pytest.raises(SMTPDataError) as deferred:
            await smtp.sendmail("memo@example.org", ["anna@example.org"], MESSAGE)
    await catcher.stop()

    assert deferred.value.code == 451


@pytest.fixture
async def closed_database(chosen: Settings, resources: Resources) -> Database:
    """One whose table has been taken away: every write fails."""
    await resources.database.write(
        lambda session: session.connection().exec_driver_sql("DROP TABLE caughtmessage")
    )
    return resources.database


async def test_a_thousand_messages_over_ten_connections_leave_the_newest_five_hundred(
    catcher: Catcher, resources: Resources
) -> None:
    body = b"A line of the morning's memo, as long as most of its lines are.\r\n" * 30
    started = time.monotonic()

    async def hundred(connection: int) -> None:
        async with _client(catcher) as smtp:
            for number in range(100):
                raw = b"Subject: %d of %d\r\n\r\n" % (number, connection) + body
                await smtp.sendmail("memo@example.org", [f"{connection}-{number}@example.org"], raw)

    async with Lag().measured() as lag:
        await asyncio.gather(*(hundred(connection) for connection in range(10)))
    took = time.monotonic() - started

    page = await resources.database.read(store.page, limit=1_000)
    assert len({one.rcpt_to for one in page.messages}) == store.KEPT == page.found
    # Each connection sent its messages in order, so what is left of it are its last ones.
    for connection in range(10):
        left = [
            int(one.rcpt_to.split("@")[0].split("-")[1])
            for one in page.messages
            if one.rcpt_to.startswith(f"{connection}-")
        ]
        assert left == list(range(99, 99 - len(left), -1))
    assert took - lag.seconds < 60


async def test_nothing_but_loopback_is_listened_on(catcher: Catcher) -> None:
    assert catcher._server is not None
    assert {bound.getsockname()[0] for bound in catcher._server.sockets} == {"127.0.0.1"}
    assert catcher.relay_url == f"smtp://127.0.0.1:{catcher.port}?tls=none"


async def test_a_port_in_use_is_named_with_the_setting_to_change(
    catcher: Catcher, chosen: Settings, resources: Resources
) -> None:
    second = Catcher(
        chosen.model_copy(update={"mailbox_port": catcher.port}), resources.database, resources.clock
    )
    with pytest.raises(MailboxPortTaken, match=rf"port {catcher.port}: .*MEMO_MAILBOX_PORT"):
        await second.start()
    await second.stop()


async def test_it_refuses_to_run_beside_a_real_relay(
    chosen: Settings, resources: Resources, clock: HandClock
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = chosen.model_copy(
            update={"relay_url": "smtp://relay.example.org", "mailbox_port": taken.getsockname()[1]}
        )
    with pytest.raises(MailboxBesideRelay, match="MEMO_RELAY_URL"):
        await Catcher(settings, resources.database, clock).start()


async def test_stopping_frees_the_port_and_lets_no_connection_hang(
    chosen: Settings, resources: Resources
) -> None:
    catcher = Catcher(chosen.model_copy(update={"mailbox_port": 0}), resources.database, resources.clock)
    port = await catcher.start()
    smtp = _client(catcher)
    await smtp.connect()
    await catcher.stop()

    with pytest.raises(SMTPServerDisconnected):
        await asyncio.wait_for(smtp.noop(), 5)
    again = Catcher(chosen.model_copy(update={"mailbox_port": port}), resources.database, resources.clock)
    assert await again.start() == port
    await again.stop()


async def test_a_web_page_that_speaks_to_the_port_leaves_no_message(
    catcher: Catcher, resources: Resources
) -> None:
    headers = "".join(f"X-Header-{number}: a\r\n" for number in range(8))
    smuggled = "HELO page\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", catcher.port)
    writer.write(f"POST / HTTP/1.1\r\n{headers}\r\n{smuggled}".encode())
    await asyncio.wait_for(reader.read(), 10)
    writer.close()

    assert await resources.database.read(store.count) == 0
