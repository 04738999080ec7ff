"""The notice lane: a confirmation reaches the relay whatever else is going on, once, and is a good message."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from service import database
from service.clock import SystemClock
from service.delivery import notice_messages, notice_rows, relays, retry, silence
from service.delivery.exchange import Envelope
from service.delivery.notice_lane import NoticeLane
from service.delivery.notice_messages import Contents, Stationery
from service.delivery.patience import LEFT_MOST
from service.dependencies import Resources
from service.ledger import notices
from service.ledger.models import Notice, NoticeState
from service.newsletters import publication
from service.subscribers import register
from service.subscribers.models import State
from service.subscribers.register import NewReader
from service.worker import Worker
from tests.support.lag import Lag
from tests.support.message_check import assert_good
from tests.support.outbox import make_newsletter, office, open_outbox, relay_at
from tests.support.relay import Relay

READER = "nora@example.net"


@asynccontextmanager
async def lane(resources: Resources, relay: Relay) -> AsyncIterator[NoticeLane]:
    stationery = Stationery(resources.keys, resources.templates, "https://news.example.org")
    made = NoticeLane(office(resources, relay_at(relay.url)), stationery)
    yield made
    await made.close()


def real(resources: Resources) -> Resources:
    return replace(resources, clock=SystemClock())


def ask(session: Session, resources: Resources) -> None:
    now = resources.clock.now()
    newsletter = make_newsletter(session, now)
    reader = NewReader(READER, state=State.PENDING)
    register.add(session, newsletter, reader, actor="test", pepper=resources.pepper, now=now)


def the_notice(session: Session) -> Notice:
    return session.exec(select(Notice)).one()


def confirmed_meanwhile(session: Session) -> None:
    notice = the_notice(session)
    notice.payload = {**notice.payload, "revision": int(notice.payload["revision"]) - 1}
    session.add(notice)


def due_after_all(session: Session) -> None:
    notice = the_notice(session)
    notice.payload = {**notice.payload, "revision": int(notice.payload["revision"]) + 1}
    notice.state = NoticeState.QUEUED
    session.add(notice)
    due_now(session)


def due_now(session: Session) -> None:
    notice = the_notice(session)
    notice.due_at = database.now(session)
    session.add(notice)


async def test_a_confirmation_is_a_good_notice(resources: Resources, relay: Relay) -> None:
    resources = real(resources)
    await resources.database.write(ask, resources)
    async with lane(resources, relay) as notices:
        await notices.send_due()
    (received,) = relay.received
    assert_good(
        received.data,
        kind="notice",
        mail_from=received.mail_from,
        rcpt_to=received.recipient,
        public_url="https://news.example.org",
        now=resources.clock.now(),
    )
    assert (await resources.database.read(the_notice)).state is NoticeState.ACCEPTED


def wait_until(happened: Callable[[], object]) -> None:
    """In the thread that makes a message; five seconds at most."""
    until = time.monotonic() + 5
    while not happened() and time.monotonic() < until:
        time.sleep(0.01)


async def test_the_relay_is_called_while_a_notice_is_made(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered, called = notice_messages.rendered, list[int]()

    def slowly(gathered: Contents, stationery: Stationery) -> Envelope:
        wait_until(lambda: relay.connection_count)
        called.append(relay.connection_count)
        return rendered(gathered, stationery)

    monkeypatch.setattr(notice_messages, "rendered", slowly)
    await resources.database.write(ask, resources)
    async with lane(resources, relay) as lane_at_work:
        await lane_at_work.send_due()
    assert called == [1]
    assert len(relay.received) == 1


async def test_a_relay_that_hangs_up_while_a_notice_is_made_is_called_again(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered, loop = notice_messages.rendered, asyncio.get_running_loop()

    async with lane(resources, relay) as lane_at_work, asyncio.timeout(20):
        transport = lane_at_work._transport

        def slowly(gathered: Contents, stationery: Stationery) -> Envelope:
            wait_until(lambda: transport._channel)  # it has said hello
            loop.call_soon_threadsafe(relay.cut)
            wait_until(lambda: transport._channel is not None and not transport._channel.is_open)
            return rendered(gathered, stationery)

        monkeypatch.setattr(notice_messages, "rendered", slowly)
        await resources.database.write(ask, resources)
        await lane_at_work.send_due()
    assert relay.connection_count == 2
    assert len(relay.received) == 1


async def test_the_relay_is_not_called_for_a_notice_that_nobody_needs(
    resources: Resources, relay: Relay
) -> None:
    resources = real(resources)
    await resources.database.write(ask, resources)
    await resources.database.write(confirmed_meanwhile)
    async with lane(resources, relay) as lane_at_work:
        await lane_at_work.send_due()
        assert (await resources.database.read(the_notice)).state is NoticeState.EXPIRED
        assert relay.connection_count == 0
        await resources.database.write(due_after_all)
        await lane_at_work.send_due()
    assert len(relay.received) == 1


@pytest.mark.parametrize("phase", ["connect", "ehlo"])
async def test_a_notice_that_cannot_be_made_leaves_no_connection_open(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    """Though the relay was called for it, and has not answered yet."""

    def breaks(_gathered: Contents, _stationery: Stationery) -> Envelope:
        wait_until(lambda: stalled.used)
        raise LookupError("a fault of our own")

    resources = real(resources)
    monkeypatch.setattr(notice_messages, "rendered", breaks)
    stalled = relay.when(phase=phase).stall()
    await resources.database.write(ask, resources)
    async with lane(resources, relay) as lane_at_work, asyncio.timeout(15):
        await lane_at_work.send_due()
        assert relay.connection_count == 1
        while relay.open_count:
            await asyncio.sleep(0.01)
        monkeypatch.undo()
        relay.forget_rules()
        await resources.database.write(due_now)
        await lane_at_work.send_due()
    assert len(relay.received) == 1


async def test_a_notice_in_doubt_goes_once_more_as_the_same_message_then_is_held(
    resources: Resources, relay: Relay
) -> None:
    resources = real(resources)
    await resources.database.write(ask, resources)
    relay.when(phase="dot").keep().drop().times(2)
    async with lane(resources, relay) as notices:
        for _ in range(3):
            await notices.send_due()
            await asyncio.sleep(0.4)
    assert len(relay.received) == 2
    assert relay.received[0].data == relay.received[1].data
    assert (await resources.database.read(the_notice)).state is NoticeState.HELD


async def test_a_relay_that_is_down_keeps_the_notice_waiting_as_it_was(
    resources: Resources, relay: Relay
) -> None:
    resources = real(resources)
    await resources.database.write(ask, resources)
    await relay.stop()
    async with lane(resources, relay) as notices:
        await notices.send_due()
        waiting = await resources.database.read(the_notice)
        assert (waiting.state, waiting.attempts) == (NoticeState.QUEUED, 0)
        await relay.start()
        async with asyncio.timeout(10):
            while not relay.received:
                await notices.send_due()
                await asyncio.sleep(0.1)
    assert len(relay.received) == 1


async def test_a_confirmation_overtakes_a_running_edition(resources: Resources, relay: Relay) -> None:
    resources = real(resources)
    relay.delay = 0.05
    await open_outbox(resources, [f"reader{number}@example.org" for number in range(400)])
    async with Worker(resources, relay.url).running():
        await relay.until(20)
        await resources.database.write(_ask_in_the_same_newsletter, resources)
        async with Lag().measured() as lag:
            began = asyncio.get_running_loop().time()
            await relay.until(1, recipient=READER, within=10)
            waited = asyncio.get_running_loop().time() - began
        assert len(relay.received) < 400, "the edition was still under way"
    assert waited < 3.0 + 2 * lag.seconds


def _ask_in_the_same_newsletter(session: Session, resources: Resources) -> None:
    newsletter = publication.get(session, "morning-memo")
    now = resources.clock.now()
    reader = NewReader(READER, state=State.PENDING)
    register.add(session, newsletter, reader, actor="test", pepper=resources.pepper, now=now)


async def test_a_reader_whom_the_relay_puts_off_time_and_again_does_not_hold_up_the_others(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "relay_wait", lambda _failures: timedelta(minutes=1))  # not over while we look
    resources = real(resources)
    write, name = resources.database.write, relay_at(relay.url).name
    await write(ask, resources)
    relay.when(phase="rcpt", recipient=READER).reply("421 4.3.2 not now")
    async with lane(resources, relay) as notices:
        for _ in range(LEFT_MOST):
            await notices.send_due()
            waiting = await resources.database.read(the_notice)
            assert (waiting.state, waiting.attempts) == (NoticeState.QUEUED, 0), "the relay's matter, so far"
            assert not await resources.database.read(relays.is_ready, name)
            await write(relays.note_success, name)
        await notices.send_due()
    waiting = await resources.database.read(the_notice)
    assert (waiting.state, waiting.attempts) == (NoticeState.QUEUED, 1)
    assert waiting.due_at is not None
    assert waiting.due_at > await resources.database.read(database.now) + timedelta(minutes=3)


async def test_a_notice_that_breaks_our_code_keeps_no_other_waiting(
    resources: Resources, relay: Relay
) -> None:
    """The oldest comes first, so one that cannot be made for a reason nobody foresaw would come again and again."""
    resources = real(resources)
    now = resources.clock.now()
    address, payload = "first@example.org", {"subject": 7}
    await resources.database.write(notices.queue, "alarm", address=address, payload=payload, now=now)
    await resources.database.write(ask, resources)
    async with lane(resources, relay) as sent:
        await sent.send_due()
    assert [one.recipient for one in relay.received] == [READER]
    states = await resources.database.read(
        lambda session: [one.state for one in session.exec(select(Notice).order_by(col(Notice.id)))]
    )
    assert states == [NoticeState.QUEUED, NoticeState.ACCEPTED]
    assert not await resources.database.read(notice_rows.due, relay_at(relay.url).name), "not for a minute"


async def test_nb_35_a_relay_that_is_silent_is_named_by_notices_too(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "SILENT_SECONDS", 0.5)
    relay.when(phase="connect").stall()
    resources = real(resources)
    await resources.database.write(ask, resources)
    async with lane(resources, relay) as notices_lane, asyncio.TaskGroup() as group:
        sent = group.create_task(notices_lane.send_due())
        async with asyncio.timeout(10):
            while (state := await resources.database.read(relays.state_of)) is None or not state.problem:
                await asyncio.sleep(0.02)
        assert "has not answered a new connection" in state.problem
        relay.forget_rules()
        await sent
    assert len(relay.received) == 1
