"""The same refusal for many readers pauses an edition, and it waits for somebody: also when nobody is left to send to."""

import asyncio

import httpx2
import pytest
from sqlmodel import Session, select

from service.delivery import halting, shared_refusals, steering
from service.delivery.halting import Halt
from service.dependencies import Resources
from service.desk import sending_view
from service.editions.models import State
from service.ledger.models import DeliveryState, Notice, Run
from service.newsletters.models import Newsletter
from tests.service.desk import steps
from tests.service.sending.test_pace import workers
from tests.support.outbox import Outbox, office, open_outbox, relay_at, sending
from tests.support.relay import Relay

NOBODY = "550 5.1.1 no such user"
WAITED_SECONDS = 0.5  # runs are closed twenty times a second here


def readers(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(count)]


async def until_paused(outbox: Outbox) -> None:
    async with asyncio.timeout(20):
        while await outbox.state() is not State.PAUSED:
            await asyncio.sleep(0.02)
    await outbox.until_let_go()


async def resume(outbox: Outbox) -> None:
    resources = outbox.resources
    await resources.database.write(
        steering.resume, outbox.edition.uid, now=resources.clock.now(), actor="Ada"
    )


@pytest.mark.parametrize(("count", "connections"), [(20, 4), (26, 9)])
async def test_a_pause_stays_though_the_last_reader_was_refused_too(
    resources: Resources, relay: Relay, client: httpx2.AsyncClient, count: int, connections: int
) -> None:
    """And resuming does what the page promises."""
    relay.when(phase="rcpt").reply(NOBODY)
    outbox = await open_outbox(resources, readers(count))
    async with sending(office(resources, relay_at(relay.url), connections=connections)):
        await until_paused(outbox)
        await asyncio.sleep(WAITED_SECONDS)
        found = await outbox.progress()
        assert (await outbox.state(), found.ended_at) == (State.PAUSED, None)
        view = await resources.database.read(sending_view.of, outbox.edition.uid, now=resources.clock.now())
        assert (view.state, view.is_final) == (State.PAUSED, False)
        assert "resume: those refused are tried again" in str(view.stop_reason)
        await steps.account(resources)
        await steps.sign_in(client)
        page = (await client.get(f"/desk/editions/{outbox.edition.uid}")).text
        said = (
            f"{view.open} readers wait."
            if view.open
            else "Nobody else waits: those who were refused are tried again."
        )
        assert said in page
        relay.forget_rules()
        await resume(outbox)
        ended = await outbox.until_ended()
    assert (ended.accepted, ended.refused, await outbox.state()) == (count, 0, State.SENT)
    assert len(relay.received) == len({one.recipient for one in relay.received}) == count


async def test_refused_once_more_they_are_refused_for_good(resources: Resources, relay: Relay) -> None:
    relay.when(phase="rcpt").reply(NOBODY)
    outbox = await open_outbox(resources, readers(20))
    async with sending(office(resources, relay_at(relay.url))):
        await until_paused(outbox)
        await resume(outbox)
        ended = await outbox.until_ended()
    assert (ended.refused, ended.accepted, await outbox.state()) == (20, 0, State.SENT)
    assert all(str(row.reply).startswith("Again: ") for row in (await outbox.rows()).values())


async def test_it_can_be_cancelled_instead(resources: Resources, relay: Relay) -> None:
    relay.when(phase="rcpt").reply(NOBODY)
    outbox = await open_outbox(resources, readers(20))
    async with sending(office(resources, relay_at(relay.url))):
        await until_paused(outbox)
        await asyncio.sleep(WAITED_SECONDS)
        now = resources.clock.now()
        await resources.database.write(steering.cancel, outbox.edition.uid, now=now, actor="Ada")
        ended = await outbox.until_ended()
    assert (ended.refused, await outbox.state()) == (20, State.CANCELLED)
    assert {row.state for row in (await outbox.rows()).values()} == {DeliveryState.REFUSED}


async def test_four_workers_pause_it_after_little_more_than_one_would(
    resources: Resources, relay: Relay
) -> None:
    """Twenty in all, and what their sixteen connections had in flight; each by itself would have waited for its own twenty."""
    relay.when(phase="rcpt").reply(NOBODY)
    relay.delay = 0.05
    outbox = await open_outbox(resources, readers(900))
    async with workers(resources, relay, 4):
        async with asyncio.timeout(30):
            while await outbox.state() is not State.PAUSED:
                await asyncio.sleep(0.02)
        await asyncio.sleep(1)
    found = await outbox.progress()
    assert found.refused <= 20 + 16 + 4, found.refused
    assert "readers the same refusal" in str(found.stop_reason)


async def test_refusals_here_and_there_cost_no_look_at_the_ledger_for_each(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four in a hundred addresses are dead, as on many a list: that is no wave, and nobody is asked again and again."""
    asked, count = [], shared_refusals.count

    def counted(session: Session, edition_id: int, wave: str, *, last: int) -> int:
        asked.append(wave)
        return count(session, edition_id, wave, last=last)

    monkeypatch.setattr(shared_refusals, "count", counted)
    addresses = readers(500)
    for dead in addresses[::25]:
        relay.when(phase="rcpt", recipient=dead).reply(NOBODY)
    outbox = await open_outbox(resources, addresses)
    async with sending(office(resources, relay_at(relay.url))):
        ended = await outbox.until_ended()
    assert (ended.refused, await outbox.state()) == (20, State.SENT)
    assert len(asked) <= 3, len(asked)


async def test_the_newsroom_hears_that_an_edition_has_stopped_itself(
    resources: Resources, relay: Relay
) -> None:
    relay.when(phase="rcpt").reply(NOBODY)
    outbox = await open_outbox(resources, readers(26))

    def somebody_to_tell(session: Session) -> None:
        newsletter = session.exec(select(Newsletter)).one()
        newsletter.options = {**newsletter.options, "alarm_address": "desk@example.org"}
        session.add(newsletter)

    await resources.database.write(somebody_to_tell)
    async with sending(office(resources, relay_at(relay.url))):
        await until_paused(outbox)

    def alarm(session: Session) -> Notice:
        return session.exec(select(Notice)).one()

    rung = await resources.database.read(alarm)
    assert (rung.kind, rung.address) == ("alarm", "desk@example.org")
    assert "sending has stopped" in rung.payload["subject"]
    assert "resume: those refused are tried again." in rung.payload["text"]
    assert rung.payload["path"] == f"/desk/editions/{outbox.edition.uid}"


async def test_what_was_found_before_somebody_resumed_it_stops_it_no_more(resources: Resources) -> None:
    """A connection that was still counting refusals paused the edition again, after it was mended, and nobody looked any more."""
    outbox = await open_outbox(resources, readers(5))
    uid, now = outbox.edition.uid, resources.clock.now()
    turn = await resources.database.read(lambda session: session.exec(select(Run.turn)).one())
    late = Halt("The relay gave 20 readers the same refusal", "the sender", turn)
    await resources.database.write(halting.halt, uid, late, now=now)
    assert await outbox.state() is State.PAUSED
    await resume(outbox)
    with pytest.raises(steering.NotSending):
        await resources.database.write(halting.halt, uid, late, now=now)
    assert await outbox.state() is State.SENDING
