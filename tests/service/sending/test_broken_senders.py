"""A sender that ends by a fault of our own is replaced, and everybody gets the edition."""

import asyncio
from dataclasses import replace

import pytest

from service.clock import SystemClock
from service.delivery.gate import Gate
from service.dependencies import Resources
from service.settings import Settings
from service.worker import Worker
from tests.support.outbox import open_outbox
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
