"""Lanes: a breaking edition overtakes a running large one, and a notice overtakes both, measured where messages arrive."""

import asyncio
from collections import Counter
from dataclasses import replace

from sqlmodel import Session

from service.clock import SystemClock
from service.delivery.models import Relay as RelayRow
from service.dependencies import Resources
from service.jobs import Kind
from service.ledger.models import Lane
from service.newsletters.models import Newsletter
from service.subscribers import register
from service.subscribers.models import State as Subscribed
from service.subscribers.register import NewReader
from service.worker import Worker
from tests.support.lag import Lag
from tests.support.outbox import once_more, open_outbox, relay_at
from tests.support.relay import Relay

READERS = 500
RATE = 100
WITHIN = 1.0
NOTICE = "nora@example.net"


async def test_breaking_overtakes_a_running_edition_and_a_notice_both(
    resources: Resources, relay: Relay
) -> None:
    resources = replace(resources, clock=SystemClock())
    await resources.database.write(_limited, relay_at(relay.url).name)
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(READERS)])
    loop = asyncio.get_running_loop()
    async with Lag().measured() as lag, Worker(resources, relay.url).running():
        await relay.until(60, within=30)
        await resources.database.write(once_more, outbox.edition.id, READERS, lane=Lane.BREAKING)
        begun = loop.time()
        await resources.jobs.nudge(Kind.SPAN, "breaking")
        await _until_somebody_has_both(relay)
        first = loop.time() - begun
        asked = loop.time()
        await resources.database.write(_ask, resources, outbox.edition.newsletter_id)
        await resources.jobs.nudge(Kind.NOTICE, "asked")
        await relay.until(1, recipient=NOTICE, within=20)
        notice = loop.time() - asked
        assert (await outbox.progress()).open > 0, "the large one is still under way"
    assert max(first, notice) <= WITHIN + 2 * lag.seconds, (first, notice)


async def _until_somebody_has_both(relay: Relay) -> None:
    async with asyncio.timeout(20):
        while max(Counter(one.recipient for one in relay.received).values()) < 2:
            await asyncio.sleep(0.005)


def _limited(session: Session, name: str) -> None:
    session.add(RelayRow(name=name, rate=RATE))


def _ask(session: Session, resources: Resources, newsletter_id: int) -> None:
    """Somebody signs up: a confirmation is due."""
    newsletter = session.get_one(Newsletter, newsletter_id)
    reader = NewReader(NOTICE, state=Subscribed.PENDING)
    register.add(
        session, newsletter, reader, actor="test", pepper=resources.pepper, now=resources.clock.now()
    )
