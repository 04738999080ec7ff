"""Editions and notices that leave signed, while keys are changed under them. Another program judges the signatures."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, select

from service import database, tokens
from service.clock import SystemClock
from service.delivery import dkim_keys, dkim_material, signing, steering
from service.delivery.dkim import SigningKey
from service.delivery.limits import Timeouts
from service.delivery.notice_lane import NoticeLane
from service.delivery.notice_messages import Stationery
from service.dependencies import Resources
from service.editions.models import State
from service.ledger import alarms
from service.ledger.models import Delivery, DeliveryState, Notice, NoticeState
from service.newsletters.models import Newsletter
from service.subscribers import register
from service.subscribers.models import State as Subscribed
from service.subscribers.register import NewReader
from tests.support.dkim_check import tags_of, verifies, zone_of
from tests.support.outbox import make_newsletter, office, open_outbox, relay_at, sending
from tests.support.relay import Relay

DOMAIN = "news.example.org"
KEYS = [SigningKey(DOMAIN, f"memo{number}", dkim_material.new_private_key()) for number in (1, 2)]
ZONE = zone_of(*KEYS)


def readers(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(1, count + 1)]


async def use(resources: Resources, key: SigningKey, *, locked_with: str | None = None) -> None:
    """Have it sign from now on."""
    place, now = (key.domain, key.selector), resources.clock.now()
    keys = tokens.keys_from(locked_with) if locked_with else resources.keys
    await resources.database.write(dkim_keys.add, keys, place, key.private, actor="test", now=now)
    await resources.database.write(dkim_keys.activate, place, actor="test", now=now)


def selectors(messages: Sequence[bytes]) -> Counter[str]:
    """Which keys signed them; every signature holds."""
    assert all(verifies(message, ZONE) for message in messages)
    return Counter(tags_of(message)["s"] for message in messages)


async def test_every_message_is_signed_at_the_time_of_its_date(resources: Resources, relay: Relay) -> None:
    await use(resources, KEYS[0])
    outbox = await open_outbox(resources, [*readers(120), "jösé@example.org"])
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.refused) == (120, 1)
    assert selectors([one.data for one in relay.received]) == {"memo1": 120}
    assert len({one.recipient for one in relay.received}) == 120
    for row in (await outbox.rows()).values():
        assert row.pins is not None and row.pins["dkim"] == [DOMAIN, "memo1"]


async def test_without_a_key_for_the_domain_messages_leave_as_they_are(
    resources: Resources, relay: Relay
) -> None:
    await use(resources, replace(KEYS[0], domain="other.example.org"))
    outbox = await open_outbox(resources, readers(5))
    async with sending(office(resources, relay_at(relay.url))):
        await outbox.until_ended()
    assert len(relay.received) == 5
    assert not any(b"DKIM-Signature" in one.data for one in relay.received)
    assert all("dkim" not in (row.pins or {}) for row in (await outbox.rows()).values())


async def test_a_relay_that_rewrites_messages_gets_no_signature_of_ours(
    resources: Resources, relay: Relay
) -> None:
    await use(resources, KEYS[0])
    outbox = await open_outbox(resources, readers(5))
    async with sending(replace(office(resources, relay_at(relay.url)), keeps_our_bytes=False)):
        await outbox.until_ended()
    assert len(relay.received) == 5
    assert not any(b"DKIM-Signature" in one.data for one in relay.received)


async def test_a_key_changed_in_the_middle_signs_what_is_begun_afterwards(
    resources: Resources, relay: Relay
) -> None:
    """Four hundred readers are eight spans. Those taken before the change keep their key to the end, and both verify."""
    await use(resources, KEYS[0])
    rule = relay.when(phase="dot").after(30).stall().times(4)
    outbox = await open_outbox(resources, readers(400))
    patient = replace(office(resources, relay_at(relay.url)), timeouts=Timeouts.alike(60))
    async with sending(patient):
        await rule.met(within=60)
        await use(resources, KEYS[1])
        await asyncio.sleep(signing.ASKED_SECONDS + 0.1)  # that long a worker may go on with what it knew
        relay.forget_rules()
        rule.release()
        found = await outbox.until_ended(within=120)
    assert found.accepted == 400
    signed = selectors([one.data for one in relay.received])
    assert signed["memo1"] >= 30 and signed["memo2"] >= 200
    assert sum(signed.values()) == 400


async def test_a_message_that_goes_again_is_the_same_whatever_key_signs_meanwhile(
    resources: Resources, relay: Relay
) -> None:
    await use(resources, KEYS[0])
    relay.when(phase="dot", recipient="reader2@example.org").keep().drop().times(1)
    relay.when(phase="dot", recipient="reader3@example.org").keep().reply("451 4.3.0 later").times(1)
    outbox = await open_outbox(resources, readers(3))
    async with sending(office(resources, relay_at(relay.url))):
        await relay.until(3, within=20)
    await use(resources, KEYS[1])
    async with sending(
        office(resources, relay_at(relay.url), holder="two")
    ):  # another process: it has to find the old key
        await outbox.everybody_due()
        found = await outbox.until_ended()
    assert found.accepted == 3
    for number in (2, 3):
        first, second = relay.to(f"reader{number}@example.org")
        assert first.data == second.data
    assert selectors([one.data for one in relay.received]) == {"memo1": 5}


async def test_a_key_that_cannot_be_unlocked_pauses_the_edition_until_it_can(
    resources: Resources, relay: Relay
) -> None:
    """Unsigned messages of a domain that signs are worse than late ones."""
    await use(resources, KEYS[0], locked_with="taken-out")
    outbox = await open_outbox(resources, readers(5))
    async with sending(office(resources, relay_at(relay.url))):
        async with asyncio.timeout(20):
            while await outbox.state() is not State.PAUSED:
                await asyncio.sleep(0.02)
    assert relay.received == []
    edition = await resources.database.read(Session.get_one, type(outbox.edition), outbox.edition.id)
    assert "DKIM" in str(edition.stop_reason) and "Put the old key back" in str(edition.stop_reason)
    assert {row.state for row in (await outbox.rows()).values()} == {DeliveryState.QUEUED}

    mended = replace(resources, keys=tokens.keys_from("a key for tests only, taken-out"))
    await resources.database.write(
        steering.resume, outbox.edition.uid, now=resources.clock.now(), actor="somebody"
    )
    async with sending(office(mended, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert found.accepted == 5
    assert selectors([one.data for one in relay.received]) == {"memo1": 5}


async def test_another_key_under_a_name_that_was_free_again_is_noticed(resources: Resources) -> None:
    ring, place, now = (
        signing.KeyRing(resources.database, resources.keys),
        (DOMAIN, "memo1"),
        resources.clock.now(),
    )
    await use(resources, KEYS[0])
    assert await ring.active() == {DOMAIN: "memo1"}
    assert (await ring.unlock(place)).private.private_numbers() == KEYS[0].private.private_numbers()

    await resources.database.write(dkim_keys.retire, place, actor="test", now=now)
    later = now + dkim_keys.KEPT_AFTER_RETIRING
    await resources.database.write(dkim_keys.remove, place, actor="test", now=later)
    await use(resources, replace(KEYS[1], selector="memo1"))
    await asyncio.sleep(signing.ASKED_SECONDS)
    assert await ring.active() == {DOMAIN: "memo1"}
    assert (await ring.unlock(place)).private.private_numbers() == KEYS[1].private.private_numbers()


async def test_a_row_whose_own_key_is_gone_is_held_and_the_others_go(
    resources: Resources, relay: Relay
) -> None:
    await use(resources, KEYS[0])
    outbox = await open_outbox(resources, readers(4))
    rows = await outbox.rows()

    def begun_with_a_key_that_is_gone(session: Session) -> None:
        row = session.get_one(Delivery, (outbox.edition.id, rows["reader2@example.org"].number))
        rendition = session.execute(sa.text("SELECT max(id) FROM rendition")).scalar_one()
        row.pins = {
            "rendition": rendition, "date": "2026-03-02T06:00:00+00:00", "key": "x", "dkim": [DOMAIN, "gone"],
        }  # fmt: skip
        session.add(row)

    await resources.database.write(begun_with_a_key_that_is_gone)
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.held) == (3, 1)
    assert "DKIM key" in str((await outbox.rows())["reader2@example.org"].reply)


async def test_who_leaves_a_page_unsent_when_the_sender_stops_is_sent_later(
    resources: Resources, relay: Relay
) -> None:
    """Signed ahead and then not wanted: nothing is lost, nothing is sent twice."""
    await use(resources, KEYS[0])
    rule = relay.when(phase="dot").after(20).stall()
    outbox = await open_outbox(resources, readers(300))
    async with sending(office(resources, relay_at(relay.url))) as sender:
        await rule.met(within=20)
        sender.drain()
        relay.forget_rules()
        rule.release()
    async with sending(office(resources, relay_at(relay.url), holder="two")):
        found = await outbox.until_ended(within=60)
    assert found.accepted == 300
    assert len(relay.received) == 300
    assert selectors([one.data for one in relay.received]) == {"memo1": 300}


async def test_a_confirmation_is_signed_and_goes_again_as_it_was(resources: Resources, relay: Relay) -> None:
    resources = replace(resources, clock=SystemClock())
    await use(resources, KEYS[0])
    relay.when(phase="dot").keep().drop().times(1)

    def ask(session: Session) -> None:
        newsletter: Newsletter = make_newsletter(session, resources.clock.now())
        reader = NewReader("nora@example.net", state=Subscribed.PENDING)
        register.add(
            session, newsletter, reader, actor="test", pepper=resources.pepper, now=resources.clock.now()
        )

    def due_now(session: Session) -> None:
        session.execute(sa.update(Notice).values(due_at=database.now(session) - timedelta(seconds=1)))

    def state(session: Session) -> NoticeState:
        return session.exec(select(Notice)).one().state

    await resources.database.write(ask)
    stationery = Stationery(resources.keys, resources.templates, "https://news.example.org")
    lane = NoticeLane(office(resources, relay_at(relay.url)), stationery)
    await lane.send_due()
    await use(resources, KEYS[1])
    await resources.database.write(due_now)
    await lane.send_due()
    await lane.close()
    assert await resources.database.read(state) is NoticeState.ACCEPTED
    first, second = relay.received
    assert first.data == second.data
    assert selectors([first.data]) == {"memo1": 1}


async def test_an_alarm_goes_out_without_the_key_that_is_gone_and_a_confirmation_waits_for_it(
    resources: Resources, relay: Relay
) -> None:
    """What tells that editions cannot be signed comes from the same domain."""
    resources = replace(resources, clock=SystemClock())
    await use(resources, KEYS[0], locked_with="taken-out")

    def ask(session: Session) -> None:
        now = resources.clock.now()
        newsletter: Newsletter = make_newsletter(session, now)
        newsletter.options = {**newsletter.options, "alarm_address": "desk@example.org"}
        alarms.ring(session, newsletter, subject="stopped", text="No key.", path="/desk", now=now)
        reader = NewReader("nora@example.net", state=Subscribed.PENDING)
        register.add(session, newsletter, reader, actor="test", pepper=resources.pepper, now=now)

    await resources.database.write(ask)
    stationery = Stationery(resources.keys, resources.templates, "https://news.example.org")
    lane = NoticeLane(office(resources, relay_at(relay.url)), stationery)
    await lane.send_due()
    await lane.close()
    assert [one.recipient for one in relay.received] == ["desk@example.org"]
    notices = await resources.database.read(lambda session: list(session.exec(select(Notice))))
    waiting = next(one for one in notices if one.address == "nora@example.net")
    assert waiting.state is NoticeState.QUEUED
    assert "Put the old key back" in str(waiting.reply)
