"""The same refusal for many readers pauses an edition, and it waits for somebody: also when nobody is left to send to."""

import asyncio

import httpx2
import pytest

from service.delivery import steering
from service.dependencies import Resources
from service.desk import sending_view
from service.editions.models import State
from service.ledger.models import DeliveryState
from tests.service.desk import steps
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
        assert "Nobody else waits: those who were refused are tried again." in page
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
