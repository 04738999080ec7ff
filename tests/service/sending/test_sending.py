"""What reaches the relay, and what the ledger says of it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from service import tokens
from service.database import Database
from service.delivery import recording, relays, steering
from service.dependencies import Resources
from service.editions.models import State
from service.ledger.models import Delivery, DeliveryState
from service.subscribers.models import State as Subscribed
from service.subscribers.models import Subscription
from service.suppressions import register
from service.suppressions.models import Reason
from tests.service.sending.test_broken_relays import until_out_of_reach
from tests.support.message_check import assert_good
from tests.support.outbox import office, open_outbox, relay_at, sending
from tests.support.relay import Relay


def readers(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(1, count + 1)]


async def test_each_reader_gets_exactly_one_good_message(resources: Resources, relay: Relay) -> None:
    outbox = await open_outbox(resources, readers(120))
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.audience, found.accepted, found.open) == (120, 120, 0)
    assert sorted(one.rcpt_to[0] for one in relay.received) == sorted(readers(120))
    assert len({one.message_id for one in relay.received}) == 120
    assert relay.violations == []
    for received in relay.received[:10]:
        assert_good(
            received.data,
            kind="edition",
            mail_from=received.mail_from,
            rcpt_to=received.rcpt_to[0],
            public_url="https://news.example.org",
            now=resources.clock.now(),
        )
    assert await outbox.state() is State.SENT


async def test_nb_50_the_relay_is_greeted_with_the_configured_name(
    resources: Resources, relay: Relay
) -> None:
    outbox = await open_outbox(resources, readers(1))
    async with sending(office(resources, relay_at(relay.url))):
        await outbox.until_ended()
    assert relay.received[0].ehlo_name == "news.example.org"
    assert relay.received[0].message_id.endswith("@news.example.org>")


async def test_nb_07_bad_readers_do_not_stop_the_run(resources: Resources, relay: Relay) -> None:
    relay.when(phase="rcpt", recipient="reader7@example.org").reply("550 5.1.1 no such user")
    addresses = [*readers(48), "jösé@example.org"]
    outbox = await open_outbox(resources, addresses)
    rows = await outbox.rows()
    await resources.database.write(_spoil_name, outbox.edition.id, rows["reader9@example.org"].number)
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert found.accepted == 46
    rows = await outbox.rows()
    assert rows["reader7@example.org"].state is DeliveryState.REFUSED
    assert "no such user" in str(rows["reader7@example.org"].reply)
    assert "SMTPUTF8" in str(rows["jösé@example.org"].reply)
    assert rows["reader9@example.org"].state is DeliveryState.HELD
    assert await outbox.state() is State.SENT


def _spoil_name(session: Session, edition_id: int, number: int) -> None:
    row = session.get_one(Delivery, (edition_id, number))
    row.fields = {**row.fields, "first_name": "Eve\nBcc: x@example.org"}
    session.add(row)


async def test_nb_13_try_later_is_neither_no_nor_sent(resources: Resources, relay: Relay) -> None:
    relay.when(phase="rcpt", attempt=1).reply("450 4.7.1 try later")
    outbox = await open_outbox(resources, readers(10))
    async with sending(office(resources, relay_at(relay.url))):
        async with asyncio.timeout(10):
            while (await outbox.progress()).deferred < 10:
                await asyncio.sleep(0.02)
        assert await outbox.state() is State.SENDING
        rows = await outbox.rows()
        waits = {row.due_at - row.at for row in rows.values() if row.due_at and row.at}
        assert all(timedelta(minutes=4) <= wait <= timedelta(minutes=6) for wait in waits)
        assert len(waits) > 1, "retries are spread out"
        await outbox.everybody_due()
        found = await outbox.until_ended()
    assert found.accepted == 10
    assert {row.attempts for row in (await outbox.rows()).values()} == {2}


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data"])
async def test_nb_14_a_connection_lost_before_the_data_is_tried_again_and_no_reader_is_blamed(
    resources: Resources, relay: Relay, phase: str
) -> None:
    relay.when(phase=phase).drop().times(1)
    outbox = await open_outbox(resources, readers(5))
    async with sending(office(resources, relay_at(relay.url), connections=1)):
        found = await outbox.until_ended()
    assert found.accepted == 5
    assert len(relay.received) == 5
    assert {row.attempts for row in (await outbox.rows()).values()} == {1}


async def test_nb_14_an_answer_that_never_comes_is_uncertain_and_repeated_once_with_the_same_bytes(
    resources: Resources, relay: Relay
) -> None:
    relay.when(phase="dot", recipient="reader2@example.org").keep().drop().times(1)
    outbox = await open_outbox(resources, readers(3))
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.held) == (3, 0)
    copies = relay.to("reader2@example.org")
    assert len(copies) == 2
    assert copies[0].data == copies[1].data
    assert (await outbox.rows())["reader2@example.org"].uncertain_count == 1


async def test_uncertain_twice_is_held_and_shown(resources: Resources, relay: Relay) -> None:
    relay.when(phase="dot", recipient="reader2@example.org").keep().drop().times(2)
    outbox = await open_outbox(resources, readers(3))
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.held) == (2, 1)
    assert len(relay.to("reader2@example.org")) == 2


async def test_a_newsletter_may_hold_what_is_uncertain_at_once(resources: Resources, relay: Relay) -> None:
    relay.when(phase="dot").keep().drop().times(1)
    outbox = await open_outbox(resources, readers(1), holds_uncertain=True)
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert found.held == 1
    assert len(relay.received) == 1


@pytest.mark.parametrize("phase", ["replied", "quit"])
async def test_nb_14_a_connection_lost_after_the_250_repeats_nothing(
    resources: Resources, relay: Relay, phase: str
) -> None:
    relay.when(phase=phase).drop()
    outbox = await open_outbox(resources, readers(5))
    async with sending(office(resources, relay_at(relay.url), connections=1)):
        found = await outbox.until_ended()
    assert found.accepted == 5
    assert len(relay.received) == 5


async def test_nb_35_a_relay_that_is_down_makes_rows_wait_and_says_so(
    resources: Resources, relay: Relay
) -> None:
    outbox = await open_outbox(resources, readers(5))
    await relay.stop()
    async with sending(office(resources, relay_at(relay.url))):
        state = await until_out_of_reach(resources)
        assert "MEMO_RELAY_URL" in str(state.problem)
        assert (await outbox.progress()).queued == 5
        await relay.start()
        found = await outbox.until_ended()
    assert found.accepted == 5
    assert {row.attempts for row in (await outbox.rows()).values()} == {1}
    after = await resources.database.read(relays.state_of)
    assert after is not None
    assert after.problem is None


async def test_nb_05_who_leaves_or_is_suppressed_before_their_turn_gets_nothing(
    resources: Resources, relay: Relay
) -> None:
    """What was lifted before counts no more, neither for who gets it nor for what is said."""
    relay.delay = 0.5
    outbox = await open_outbox(resources, readers(10))
    for address in ("reader8@example.org", "reader10@example.org"):
        await resources.database.write(_suppress_and_lift, address, resources)
    async with sending(office(resources, relay_at(relay.url), connections=1)):
        await relay.until(3)
        await resources.database.write(_leave, outbox.subscribers["reader9@example.org"])
        cause = register.Cause(Reason.BOUNCE, "smtp", "550 5.1.1 no such user")
        await resources.database.write(
            register.suppress,
            "reader10@example.org",
            cause,
            pepper=resources.pepper,
            now=resources.clock.now(),
        )
        found = await outbox.until_ended()
    assert (found.accepted, found.skipped, found.audience) == (8, 2, 10)
    rows = await outbox.rows()
    assert rows["reader9@example.org"].reply == "Left before the message's turn came."
    assert rows["reader10@example.org"].reply == "Suppressed: bounce"
    assert len(relay.to("reader8@example.org")) == 1
    assert relay.to("reader9@example.org") == relay.to("reader10@example.org") == []


def _suppress_and_lift(session: Session, address: str, resources: Resources) -> None:
    now, cause = resources.clock.now(), register.Cause(Reason.MANUAL, "desk", "asked on the telephone")
    entry = register.suppress(session, address, cause, pepper=resources.pepper, now=now)
    register.lift(session, entry, because="a mistake", actor="desk", now=now)


def _leave(session: Session, subscriber_id: int) -> None:
    found = session.exec(select(Subscription).where(Subscription.subscriber_id == subscriber_id)).one()
    found.state = Subscribed.ENDED
    session.add(found)


async def test_nb_34_no_such_user_is_remembered_for_the_next_edition(
    resources: Resources, relay: Relay
) -> None:
    relay.when(phase="rcpt", recipient="reader2@example.org").reply("550 5.1.1 no such user")
    outbox = await open_outbox(resources, readers(3))
    async with sending(office(resources, relay_at(relay.url))):
        await outbox.until_ended()
    entry = await resources.database.read(
        register.in_force, tokens.keyed_hash(resources.pepper, "reader2@example.org")
    )
    assert entry is not None
    assert (entry.reason, entry.source) == (Reason.BOUNCE, "smtp")
    assert "5.1.1" in entry.evidence


async def test_the_same_refusal_for_twenty_readers_pauses_and_strikes_nobody(
    resources: Resources, relay: Relay
) -> None:
    rule = relay.when(phase="rcpt")
    rule.reply("550 5.1.1 no such user")
    outbox = await open_outbox(resources, readers(100))
    async with sending(office(resources, relay_at(relay.url))):
        async with asyncio.timeout(10):
            while await outbox.state() is not State.PAUSED:
                await asyncio.sleep(0.02)
        found = await outbox.progress()
    assert found.refused <= 30
    assert "same refusal" in str(found.stop_reason)
    key = tokens.keyed_hash(resources.pepper, "reader1@example.org")
    assert await resources.database.read(register.in_force, key) is None


async def test_nb_29_cancel_stops_at_once_and_the_sums_are_right(resources: Resources, relay: Relay) -> None:
    relay.delay = 0.1
    outbox = await open_outbox(resources, readers(200))
    async with sending(office(resources, relay_at(relay.url), connections=4)):
        await relay.until(20)
        await resources.database.write(
            steering.cancel, outbox.edition.uid, now=resources.clock.now(), actor="test"
        )
        before = len(relay.received)
        found = await outbox.until_ended()
    assert len(relay.received) <= before + 4, "those under way, one for each connection"
    assert found.accepted + found.cancelled + found.held == 200
    assert found.accepted == len(relay.received)
    assert await outbox.state() is State.CANCELLED


async def test_nb_29_a_pause_holds_until_it_is_resumed(resources: Resources, relay: Relay) -> None:
    relay.delay = 0.05
    outbox = await open_outbox(resources, readers(100))
    uid, now = outbox.edition.uid, resources.clock.now()
    async with sending(office(resources, relay_at(relay.url))):
        await relay.until(10)
        await resources.database.write(steering.pause, uid, reason="a wrong link", now=now, actor="test")
        await outbox.until_let_go()
        held = len(relay.received)
        await asyncio.sleep(0.4)
        assert len(relay.received) == held < 100
    async with sending(office(resources, relay_at(relay.url), holder="after a restart")):
        await asyncio.sleep(0.3)
        assert len(relay.received) == held, "a pause survives the restart"
        await resources.database.write(steering.resume, uid, now=now, actor="test")
        found = await outbox.until_ended()
    assert found.accepted == 100
    assert len(relay.received) == 100


class SlowCommits:
    """The real database, whose outcomes take a while to be written."""

    at_once = aside = None  # so that all of them come by here

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_sqlite = database.is_sqlite
        self.writes = database.writes

    async def read(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return await self._database.read(function, *args, **kwargs)

    async def write(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        if function is recording.commit:
            await asyncio.sleep(0.1)
        return await self._database.write(function, *args, **kwargs)

    async def close(self) -> None:
        await self._database.close()


async def test_no_row_is_read_again_before_its_outcome_is_written(resources: Resources, relay: Relay) -> None:
    outbox = await open_outbox(resources, readers(6))
    slow = replace(
        office(resources, relay_at(relay.url), connections=3), database=SlowCommits(resources.database)
    )
    async with sending(slow):
        found = await outbox.until_ended()
    assert found.accepted == 6
    assert sorted(one.recipient for one in relay.received) == sorted(readers(6))


async def test_who_was_refused_is_in_the_books_before_the_pause_is(
    resources: Resources, relay: Relay
) -> None:
    """Whoever resumes opens those again whom the books call refused: one who came a moment later would be missing for good."""
    refused = readers(3)
    for each in refused:
        relay.when(phase="data", recipient=each).reply("554 5.7.1 The message contains a virus")
    outbox = await open_outbox(resources, readers(6))
    slow = replace(
        office(resources, relay_at(relay.url), connections=1), database=SlowCommits(resources.database)
    )
    async with sending(slow), asyncio.timeout(20):
        while await outbox.state() is not State.PAUSED:
            await asyncio.sleep(0.005)
        found = await outbox.rows()
    assert {address for address, row in found.items() if row.state is DeliveryState.REFUSED} == set(refused)
