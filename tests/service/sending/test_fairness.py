"""Two editions at once, and one that is cancelled in the midst: measured where messages arrive."""

import asyncio
import itertools
from collections import Counter

from service.delivery import steering
from service.dependencies import Resources
from service.editions.models import State
from service.ledger.models import DeliveryState
from tests.service.sending.test_pace import readers, workers
from tests.support.outbox import office, once_more, open_outbox, relay_at, sending
from tests.support.relay import Relay
from tests.support.relay_log import Received

READERS = 900
CONNECTIONS = 4
MEASURED = 500
SETTLED = 100


def by_edition(received: list[Received]) -> list[int]:
    """How many of each: a Message-ID names edition and number."""
    return list(Counter(one.message_id.rpartition("@")[0].rpartition(".")[0] for one in received).values())


async def test_two_editions_at_once_get_as_much_as_each_other(resources: Resources, relay: Relay) -> None:
    """Also one that begins while the other has all connections: as soon as what was begun before it has ended."""
    relay.delay = 0.01
    outbox = await open_outbox(resources, readers(READERS))
    async with workers(resources, relay, 2):
        await relay.until(60, within=30)
        await resources.database.write(once_more, outbox.edition.id, READERS)
        async with asyncio.timeout(60):
            while min(by_edition(relay.received), default=0) < SETTLED or len(by_edition(relay.received)) < 2:
                await asyncio.sleep(0.02)
        before = len(relay.received)
        await relay.until(before + MEASURED, within=60)
    found = by_edition(relay.received[before : before + MEASURED])
    assert min(found) >= 0.35 * MEASURED, found


async def test_nb_29_after_a_cancel_no_connection_begins_more_than_one_message(
    resources: Resources, relay: Relay
) -> None:
    relay.delay = 0.05
    outbox = await open_outbox(resources, readers(200))
    async with sending(office(resources, relay_at(relay.url), connections=CONNECTIONS)):
        await relay.until(20)
        await resources.database.write(
            steering.cancel, outbox.edition.uid, now=resources.clock.now(), actor="test"
        )
        before = len(relay.received)
        await outbox.until_let_go()
        begun = len(relay.received) - before
        await asyncio.sleep(1)
        ended = await outbox.until_ended()
    assert begun <= CONNECTIONS
    assert len(relay.received) == before + begun, "a second later nothing leaves any more"
    assert await outbox.state() is State.CANCELLED
    taken = {one.recipient for one in relay.received}
    rows = await outbox.rows()
    assert {address for address, row in rows.items() if row.state is DeliveryState.ACCEPTED} == taken
    assert ended.accepted + ended.cancelled == len(rows)


async def test_readers_of_one_provider_do_not_leave_in_one_burst(resources: Resources, relay: Relay) -> None:
    """Of a list that was imported sorted by domain."""
    domains = ("gmail.com", "outlook.com", "paper.example", "town.example")
    wires = [f"reader{number}@{domain}" for domain in domains for number in range(10)]
    outbox = await open_outbox(resources, wires)
    async with sending(office(resources, relay_at(relay.url), connections=1)):
        await outbox.until_ended()
    assert sorted(one.recipient for one in relay.received) == sorted(wires)
    order = [one.recipient.partition("@")[2] for one in relay.received]
    runs = [len(list(run)) for _, run in itertools.groupby(order)]
    assert max(runs) <= 2, order
