"""How mails that came back reach us: out of a real mailbox, over SMTP, and killed on the way."""

import asyncio
import os
import smtplib
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlmodel import col, select

from service import worker
from service.bounces import inbox_register, keeping, listener, settling
from service.bounces.imap import Look
from service.bounces.inbox import InboxReader
from service.bounces.inbox_register import InboxInvalid
from service.bounces.keeping import Brought
from service.bounces.listener import Listener
from service.bounces.models import Action, Inbox, MailState, ReturnedMail
from service.delivery.return_paths import ReturnPaths
from service.dependencies import Resources, opened
from service.settings import Settings
from tests.service.bounces.steps import DOMAIN, Desk, desk_of, means_of
from tests.support import dovecot
from tests.support.clock import HandClock
from tests.support.dovecot import PASSWORD, USER, Mailbox
from tests.support.outbox import open_outbox
from tests.support.relay import Relay
from tests.support.returned_mail import dsn, letter

NORA = "nora@example.net"
OMAR = "omar@example.net"


@pytest.fixture(scope="module")
def server() -> Iterator[Mailbox]:
    missing = dovecot.missing()
    if missing and not os.environ.get("CI"):
        pytest.skip(missing)
    assert missing is None, missing
    with dovecot.mailbox() as box:
        yield box


@pytest.fixture
def mailbox(server: Mailbox) -> Mailbox:
    server.empty()
    return server


def reader_of(resources: Resources, box: Mailbox | None = None) -> InboxReader:
    ca_file = box.certificate.ca_file if box is not None else None
    return InboxReader(resources.database, resources.clock, means_of(resources), ca_file)


async def use(resources: Resources, box: Mailbox, *, secret: str = PASSWORD, **changes: object) -> Inbox:
    values = {"host": "127.0.0.1", "port": box.tls_port, "tls": "implicit", "user": USER} | changes
    details, now = inbox_register.read(values), resources.clock.now()
    return await resources.database.write(
        inbox_register.use, details, secret=secret, keys=resources.keys, actor="test", now=now
    )


async def kept(resources: Resources) -> list[ReturnedMail]:
    query = select(ReturnedMail).order_by(col(ReturnedMail.id))
    return await resources.database.read(lambda session: list(session.exec(query)))


async def path_of(desk: Desk, address: str) -> str:
    named = await desk.named(address)
    return ReturnPaths(desk.resources.keys, DOMAIN).of_delivery(named.id, named.number)


async def test_a_mailbox_is_read_once(resources: Resources, mailbox: Mailbox, clock: HandClock) -> None:
    desk = await desk_of(resources, [NORA, OMAR])
    await use(resources, mailbox)
    forged = (await path_of(desk, OMAR)).replace("bounce-0", "bounce-1")
    mailbox.put(
        b"\xff\xfe\x00 not a mail at all \x00\r\n",
        dsn((await path_of(desk, NORA)).upper(), NORA),
        letter(f"postmaster@{DOMAIN}"),
        dsn(forged, OMAR, name="forged"),
        dsn("memo@news.example.org", OMAR, name="fits-nobody"),
    )
    await reader_of(resources, mailbox).look()
    mails = await kept(resources)
    assert [mail.state for mail in mails] == [
        MailState.TO_READ,
        MailState.HANDLED,
        MailState.TO_READ,
        MailState.FORGED,
        MailState.TO_READ,
    ]
    assert await desk.suppression(NORA) is not None
    assert await desk.suppression(OMAR) is None
    assert all(r"\Seen" in line for line in mailbox.flags())

    clock.advance(timedelta(minutes=2))
    mailbox.put(dsn(await path_of(desk, NORA), NORA, name="again"))
    await reader_of(resources, mailbox).look()
    assert len(await kept(resources)) == 6
    assert [bounce.action for bounce in await desk.bounces()] == [
        Action.SUPPRESSED,
        Action.UNMATCHED,
        Action.KNOWN,
    ]


async def test_killed_after_fetching_nothing_is_lost_or_doubled(
    resources: Resources, mailbox: Mailbox, clock: HandClock
) -> None:
    """Kept here and not yet marked there; then the place forgotten as well, as after a restored copy of the database."""
    desk = await desk_of(resources, [NORA])
    inbox = await use(resources, mailbox, deletes=True)
    mailbox.put(dsn(await path_of(desk, NORA), NORA), letter(f"postmaster@{DOMAIN}"))
    look = await asyncio.to_thread(Look, inbox, PASSWORD, mailbox.certificate.ca_file)
    found = await asyncio.to_thread(look.new, 0, 0)
    await resources.database.write(keeping.keep_all, list(found.mails.values()), now=clock.now())
    await asyncio.to_thread(look.close)
    assert len(mailbox.flags()) == 2

    await reader_of(resources, mailbox).look()
    assert [mail.state for mail in await kept(resources)] == [MailState.HANDLED, MailState.TO_READ]
    assert len(await desk.bounces()) == 1
    assert mailbox.flags() == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_big_mail_is_kept_in_part_and_many_in_turns(resources: Resources, mailbox: Mailbox) -> None:
    desk = await desk_of(resources, [NORA])
    await use(resources, mailbox, tls="required", port=mailbox.port)
    big = dsn(await path_of(desk, NORA), NORA) + b"x" * 78 * 10_000
    mailbox.put(big, *(letter(f"postmaster@{DOMAIN}").replace(b"Dear", b"%d" % one) for one in range(30)))
    await reader_of(resources, mailbox).look()
    mails = await kept(resources)
    assert len(mails) == 31
    assert (len(mails[0].raw), mails[0].octets) == (keeping.KEPT_OCTETS, len(big))
    assert await desk.suppression(NORA) is not None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_keeps_us_out_is_said(resources: Resources, mailbox: Mailbox, clock: HandClock) -> None:
    async def problem(ca_file: bool = True) -> str:
        reader = reader_of(resources, mailbox if ca_file else None)
        clock.advance(timedelta(minutes=2))
        await reader.look()
        inbox = await resources.database.read(inbox_register.get)
        assert inbox is not None
        return inbox.problem or ""

    await use(resources, mailbox, secret="wrong")
    assert "refused" in await problem() and "wrong" not in await problem()
    await use(resources, mailbox)
    assert "certificate" in await problem(ca_file=False)
    await use(resources, mailbox, folder="Nowhere")
    assert "Nowhere" in await problem()
    await use(resources, mailbox, has_token=True, secret="a-token")
    assert "refused" in await problem()
    await use(resources, mailbox, port=1)
    assert "cannot be reached" in await problem()
    await use(resources, mailbox)
    assert await problem() == ""


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_secret_stays_where_it_was_entered(resources: Resources, mailbox: Mailbox) -> None:
    inbox = await use(resources, mailbox)
    assert PASSWORD not in inbox.secret_box
    for changes in ({"host": "imap.example.net"}, {"user": "else@example.org"}, {"has_token": True}):
        with pytest.raises(InboxInvalid):
            await use(resources, mailbox, secret="", **changes)
    again = await use(resources, mailbox, secret="", deletes=True)
    assert again.secret_box == inbox.secret_box and again.deletes


async def test_a_mail_that_makes_us_fail_is_set_aside(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one is handled all the same."""
    desk = await desk_of(resources, [NORA])
    path = await path_of(desk, NORA)
    mails = [Brought("pipe", b"Subject: one\r\n\r\n", path), Brought("pipe", dsn(path, NORA), path)]
    await resources.database.write(keeping.keep_all, mails, now=desk.now)
    settle = settling.settle

    def failing(session, mail_id, *args, **kwargs):  # type: ignore[no-untyped-def]
        if mail_id == 1:
            raise KeyError("something nobody thought of")
        return settle(session, mail_id, *args, **kwargs)

    monkeypatch.setattr(settling, "settle", failing)
    await reader_of(resources).look()
    first, second = await kept(resources)
    assert (first.state, second.state) == (MailState.TO_READ, MailState.HANDLED)
    assert "KeyError" in (first.problem or "")


@asynccontextmanager
async def listening(resources: Resources) -> AsyncIterator[Listener]:
    made = Listener(
        resources.database, resources.clock, ReturnPaths(resources.keys, DOMAIN), greeting="localhost"
    )
    await made.start("127.0.0.1", 0)
    try:
        yield made
    finally:
        await made.stop()


def hand_over(port: int, rcpt_to: str, mail: bytes) -> int:
    """The code of the reply that settled it."""
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as smtp:
        try:
            smtp.sendmail("", [rcpt_to], mail)
        except smtplib.SMTPRecipientsRefused as error:
            return next(iter(error.recipients.values()))[0]
        except smtplib.SMTPResponseException as error:
            return error.smtp_code
        return 250


async def test_the_listener_takes_what_is_ours_and_nothing_else(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA])
    path = await path_of(desk, NORA)
    report = dsn("somebody@else.example", NORA)
    async with listening(resources) as server:
        answers = [
            await asyncio.to_thread(hand_over, server.port, rcpt_to, mail)
            for rcpt_to, mail in [
                (path.upper(), report),
                (path.upper(), report),
                (path.replace("bounce-0", "bounce-1"), report),
                ("nora@example.net", report),
                (f"sales@{DOMAIN}", report),
                (f"Postmaster@{DOMAIN}", letter("you")),
                (path, b"x" * (listener.MESSAGE_OCTETS + 1)),
            ]
        ]
        assert answers == [250, 250, 550, 550, 550, 250, 552]
    await reader_of(resources).look()
    assert [mail.state for mail in await kept(resources)] == [MailState.HANDLED, MailState.TO_READ]
    assert await desk.suppression(NORA) is not None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_listener_takes_only_so_many_at_once(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS", 2)
    async with listening(resources) as server:
        opened = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
        greetings = [(await reader.readline())[:3] for reader, _ in opened]
        assert greetings == [b"220", b"220", b"421"]
        opened[0][1].close()
        async with asyncio.timeout(30):
            while len(server._connections) > 1:
                await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert (await reader.readline())[:3] == b"220"
        for _, one in [*opened, (reader, writer)]:
            one.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_pipe_keeps_a_mail_for_the_worker(resources: Resources, database_url: str) -> None:
    desk = await desk_of(resources, [NORA])
    path, there = await path_of(desk, NORA), {"MEMO_DATABASE_URL": database_url, "PATH": os.environ["PATH"]}

    def pipe(environment: dict[str, str]) -> int:
        command = [sys.executable, "-m", "service", "bounce", "--to", path]
        return subprocess.run(
            command, input=dsn("x@example.org", NORA), env=environment, check=False
        ).returncode

    assert await asyncio.to_thread(pipe, there) == 0
    assert (
        await asyncio.to_thread(pipe, there | {"MEMO_DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"})
        == 75
    )
    await reader_of(resources).look()
    assert [mail.state for mail in await kept(resources)] == [MailState.HANDLED]
    assert await desk.suppression(NORA) is not None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_worker_sends_listens_and_handles(
    chosen: Settings, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way as it is wired: out with a return path, back by SMTP, into the edition's report."""
    monkeypatch.setattr(worker, "BOUNCE_SECONDS", 0.3)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    changes = {"bounce_domain": DOMAIN, "bounce_listen": f"127.0.0.1:{port}", "relay_url": relay.url}
    async with opened(chosen.model_copy(update=changes)) as resources:
        outbox = await open_outbox(resources, [NORA])
        async with worker.Worker(resources, relay.url).running():
            (message,) = await relay.until(1, within=30)
            assert await asyncio.to_thread(hand_over, port, message.mail_from, dsn("x", NORA)) == 250
            async with asyncio.timeout(30):
                while (await outbox.progress()).bounced_later == 0:
                    await asyncio.sleep(0.1)


async def test_handled_mails_go_after_a_while(resources: Resources, clock: HandClock) -> None:
    desk = await desk_of(resources, [NORA])
    path = await path_of(desk, NORA)
    await resources.database.write(
        keeping.keep_all, [Brought("pipe", dsn(path, NORA), path), Brought("pipe", letter("x"))], now=desk.now
    )
    await reader_of(resources).look()
    clock.advance(timedelta(days=31))
    await resources.database.write(keeping.forget_old, now=clock.now())
    assert [mail.state for mail in await kept(resources)] == [MailState.TO_READ]
    assert len(await desk.bounces()) == 1
