"""A sender that ends by a fault of our own is replaced, and everybody gets the edition."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from service.clock import SystemClock
from service.delivery import halting, steering, unmade
from service.delivery.gate import Gate
from service.dependencies import Resources
from service.ledger.models import Delivery
from service.settings import Settings
from service.worker import Worker
from tests.service.sending.test_waves import until_paused
from tests.support.outbox import Outbox, office, open_outbox, relay_at, sending
from tests.support.relay import Relay

READERS = 400
CONNECTIONS = 4


async def test_a_sender_that_breaks_is_replaced(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, broken = Gate.run, list[Gate]()

    async def breaks_once(gate: Gate) -> None:
        if broken:
            await really(gate)
        broken.append(gate)
        await asyncio.sleep(0.5)
        raise RuntimeError("a fault of our own")

    chosen = Settings.model_validate(
        resources.settings.model_dump()
        | {"relay_url": relay.url, "relay_connections": CONNECTIONS + 1, "uncertain_wait": 0.5}
    )
    monkeypatch.setattr(Gate, "run", breaks_once)
    relay.delay = 0.02
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(READERS)])
    working = replace(resources, clock=SystemClock(), settings=chosen)
    async with Worker(working, relay.url).running():
        await outbox.until_ended(within=60)
    assert broken
    assert {one.recipient for one in relay.received} == {
        f"reader{number}@example.org" for number in range(READERS)
    }
    assert len(relay.received) - READERS <= CONNECTIONS


async def test_a_reader_whose_message_breaks_our_code_is_held_and_nobody_else(
    resources: Resources, relay: Relay
) -> None:
    """By an error that nobody foresaw: it would end the connection, then the sender, and after five of them the whole span."""
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(20)])
    values = {"fields": {"subscription": 7}}
    await resources.database.write(
        lambda session: session.execute(sa.update(Delivery).where(col(Delivery.number) == 5).values(values))
    )
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.held) == (19, 1)
    assert len(relay.received) == 19


async def that_cannot_be_made(resources: Resources) -> Outbox:
    """For two hundred readers, whose rows hold what no message can be made of."""
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(200)])
    values = {"fields": {"subscription": 7}}
    await resources.database.write(lambda session: session.execute(sa.update(Delivery).values(values)))
    return outbox


async def test_an_edition_whose_messages_cannot_be_made_stops_and_is_not_held_whole(
    resources: Resources, relay: Relay
) -> None:
    """It would end as sent, with everybody held and nobody told."""
    outbox = await that_cannot_be_made(resources)
    async with sending(office(resources, relay_at(relay.url))):
        await until_paused(outbox)
    found = await outbox.progress()
    assert found.held == unmade.IN_A_ROW_MOST
    assert "could not be made: a fault of our own, AttributeError" in str(found.stop_reason)
    assert relay.received == []


async def test_resumed_without_being_mended_it_stops_again(resources: Resources, relay: Relay) -> None:
    """It was counted on from five, so that five in a row never came again, and everybody else was held."""
    outbox = await that_cannot_be_made(resources)
    uid = outbox.edition.uid
    async with sending(office(resources, relay_at(relay.url))):
        for times in (1, 2):
            await until_paused(outbox)
            assert (await outbox.progress()).held == times * unmade.IN_A_ROW_MOST
            await resources.database.write(steering.resume, uid, now=resources.clock.now(), actor="test")


async def test_an_edition_that_could_not_be_stopped_the_first_time_is_stopped_by_the_next_ones(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, calls = halting.halt, list[str]()

    def fails_once(*args: Any, **given: Any) -> None:
        calls.append("")
        if len(calls) == 1:
            raise sa.exc.OperationalError("halt", {}, OSError("the disk is full"))
        really(*args, **given)

    monkeypatch.setattr(halting, "halt", fails_once)
    outbox = await that_cannot_be_made(resources)
    async with sending(office(resources, relay_at(relay.url))):
        await until_paused(outbox)
    assert (await outbox.progress()).held == 2 * unmade.IN_A_ROW_MOST
