"""A real Postfix takes an edition, cannot deliver all of it, and says so to our return paths."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from service.bounces.findings import Form, Kind
from service.bounces.inbox import InboxReader
from service.bounces.listener import Listener
from service.bounces.models import Action
from service.clock import SystemClock
from service.delivery.limits import Timeouts
from service.delivery.return_paths import ReturnPaths
from service.dependencies import Resources
from tests.service.bounces.steps import DOMAIN, Desk, means_of
from tests.support import postfix
from tests.support.outbox import office, open_outbox, relay_at, sending
from tests.support.relay import Relay

FINE, DEAD, FULL, SLOW = "ada@example.org", "nora@example.org", "omar@example.org", "iris@example.org"
REPORTS = 3 + 2  # a refusal and two that ran out of time, which were late before
WITHIN_SECONDS = 90.0
# Between the warning and the end has to be a look at the queue, or there is no warning: on a slow machine they come seconds apart.
MORE = """\
transport_maps = inline:{{ {domain}=smtp:[127.0.0.1]:{port} }}
delay_warning_time = 1s
maximal_queue_lifetime = 12s
confirm_delay_cleared = no
"""


@pytest.fixture(autouse=True)
def what_it_needs() -> None:
    missing = postfix.missing()
    if missing and not os.environ.get("CI"):
        pytest.skip(missing)
    assert missing is None, missing


@asynccontextmanager
async def a_hop_that_answers(resources: Resources, relay: Relay) -> AsyncIterator[str]:
    """Its reports come to a listener of ours."""
    paths = ReturnPaths(resources.keys, DOMAIN)
    listener = Listener(resources.database, resources.clock, paths, greeting="localhost")
    await listener.start("127.0.0.1", 0)
    hop = postfix.hop(relay.port, more=MORE.format(domain=DOMAIN, port=listener.port))
    url = await asyncio.to_thread(hop.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(hop.__exit__, None, None, None)
        await listener.stop()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_refused_expired_and_delayed_mail_comes_back(resources: Resources, relay: Relay) -> None:
    resources = replace(resources, clock=SystemClock())
    relay.when(phase="rcpt", recipient=DEAD).reply("550 5.1.1 no such user here")
    relay.when(phase="rcpt", recipient=FULL).reply("452 4.2.2 mailbox full")
    relay.when(phase="rcpt", recipient=SLOW).reply("451 4.3.0 try again later")
    outbox = await open_outbox(resources, [FINE, DEAD, FULL, SLOW])
    desk = Desk(resources, outbox, means_of(resources))
    reader = InboxReader(resources.database, resources.clock, desk.means)
    async with a_hop_that_answers(resources, relay) as url:
        at_work = replace(
            office(resources, relay_at(url), connections=1),
            return_paths=desk.means.return_paths,
            timeouts=Timeouts.alike(60),  # an answer that comes too late would be a second copy of a message
        )
        async with sending(at_work):
            found = await outbox.until_ended(within=WITHIN_SECONDS)
        assert (found.accepted, found.bounced_later) == (4, 0)
        async with asyncio.timeout(WITHIN_SECONDS):
            while len(await desk.bounces()) < REPORTS:
                await reader.look()
                await asyncio.sleep(0.2)

    found = await outbox.progress()
    assert (found.audience, found.accepted, found.bounced_later) == (4, 4, 3)
    told: dict[str, list[tuple[Kind, Action]]] = {address: [] for address in (FINE, DEAD, FULL, SLOW)}
    for bounce in await desk.bounces():
        assert (bounce.form, bounce.matched) == (Form.DSN, "return path")
        told[bounce.address or ""].append((bounce.kind, bounce.action))
    assert told == {
        FINE: [],
        DEAD: [(Kind.PERMANENT, Action.SUPPRESSED)],
        FULL: [(Kind.DELAY, Action.NONE), (Kind.TRANSIENT, Action.STRUCK)],
        SLOW: [(Kind.DELAY, Action.NONE), (Kind.TRANSIENT, Action.NONE)],
    }
    entry = await desk.suppression(DEAD)
    assert entry is not None and "no such user here" in entry.evidence
    assert [await desk.suppression(address) for address in (FINE, FULL, SLOW)] == [None] * 3
