"""NB-29: an answer that comes after a pause and a resume counts if it cannot be wrong: accepted, or a refusal of the reader.

Nobody else waits for it: the rest of its span goes on, and until the answer is there its own row is in doubt.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from service.delivery import sending as engine
from service.delivery import steering
from service.delivery.limits import Timeouts
from service.delivery.office import Office
from service.dependencies import Resources
from service.ledger.models import Delivery, DeliveryState
from tests.support.outbox import Outbox, office, open_outbox, relay_at, sending
from tests.support.relay import Relay

READERS = [f"reader{number}@example.org" for number in range(1, 31)]
LATE = READERS[9]
OTHERS = len(READERS) - 1
NO_SUCH_USER = "550 5.1.1 no such user"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(engine, "DRAIN_SECONDS", 0.2)


def patient(resources: Resources, relay: Relay) -> Office:
    """The answer that is late may be, and what is in doubt is not sent again while the test looks."""
    chosen = office(resources, relay_at(relay.url), connections=3)
    return replace(chosen, timeouts=Timeouts.alike(60), uncertain_wait=timedelta(minutes=10))


async def paused_and_resumed(outbox: Outbox) -> None:
    resources, uid = outbox.resources, outbox.edition.uid
    now = resources.clock.now()
    await resources.database.write(steering.pause, uid, reason="a wrong link", now=now, actor="test")
    await resources.database.write(steering.resume, uid, now=now, actor="test")


async def until(outbox: Outbox, *states: DeliveryState) -> Delivery:
    """The late reader's row, once it is in one of these states."""
    async with asyncio.timeout(20):
        while (row := (await outbox.rows())[LATE]).state not in states:
            await asyncio.sleep(0.02)
    return row


@pytest.mark.parametrize(
    ("answer", "state"),
    [(NO_SUCH_USER, DeliveryState.REFUSED), ("250 2.0.0 Ok", DeliveryState.ACCEPTED)],
    ids=["refused", "accepted"],
)
async def test_it_counts_while_the_span_is_still_ours(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch, answer: str, state: DeliveryState
) -> None:
    """The turn has moved, the epoch has not: nobody has taken the span since."""
    monkeypatch.setattr(engine, "DRAIN_SECONDS", 60)
    stalled = relay.when(phase="dot", recipient=LATE).times(1).stall().reply(answer)
    outbox = await open_outbox(resources, READERS)
    async with sending(patient(resources, relay)):
        await stalled.met(within=20)
        await paused_and_resumed(outbox)
        stalled.release()
        found = await outbox.until_ended()
    row = (await outbox.rows())[LATE]
    assert (row.state, row.attempts, row.uncertain_count, row.reply) == (state, 1, 0, answer)
    assert found.accepted == OTHERS + (state is DeliveryState.ACCEPTED)
    assert stalled.used == 1, "the reader was not asked again"


@pytest.mark.parametrize(
    ("answer", "state"),
    [(NO_SUCH_USER, DeliveryState.REFUSED), ("250 2.0.0 Ok", DeliveryState.ACCEPTED)],
    ids=["refused", "accepted"],
)
async def test_it_counts_when_the_span_was_taken_anew(
    resources: Resources, relay: Relay, answer: str, state: DeliveryState
) -> None:
    stalled = relay.when(phase="dot", recipient=LATE).times(1).stall().reply(answer)
    outbox = await open_outbox(resources, READERS)
    async with sending(patient(resources, relay)):
        await stalled.met(within=20)
        await paused_and_resumed(outbox)
        doubted = await until(outbox, DeliveryState.UNCERTAIN)
        assert (doubted.attempts, doubted.uncertain_count) == (1, 1)
        await relay.until(OTHERS, within=20)
        stalled.release()
        await until(outbox, state)
        found = await outbox.until_ended(within=60)  # the time for the doubt is ten minutes
    row = (await outbox.rows())[LATE]
    assert (row.state, row.attempts, row.uncertain_count, row.reply) == (state, 1, 0, answer)
    assert found.accepted == OTHERS + (state is DeliveryState.ACCEPTED)
    assert stalled.used == 1, "the reader was not asked again"


async def test_it_counts_while_the_edition_is_paused_and_nobody_has_the_span(
    resources: Resources, relay: Relay
) -> None:
    """Let go of with its number in flight; the answer comes before anybody could take it."""
    stalled = relay.when(phase="dot", recipient=LATE).times(1).stall().reply(NO_SUCH_USER)
    outbox = await open_outbox(resources, READERS)
    uid, now = outbox.edition.uid, resources.clock.now()
    async with sending(patient(resources, relay)):
        await stalled.met(within=20)
        await resources.database.write(steering.pause, uid, reason="a wrong link", now=now, actor="test")
        await outbox.until_let_go()
        stalled.release()
        assert (await until(outbox, DeliveryState.REFUSED)).reply == NO_SUCH_USER
        await resources.database.write(steering.resume, uid, now=now, actor="test")
        found = await outbox.until_ended()
    row = (await outbox.rows())[LATE]
    assert (row.state, row.attempts, row.uncertain_count) == (DeliveryState.REFUSED, 1, 0)
    assert found.accepted == OTHERS
    assert stalled.used == 1, "the reader was not asked again"


async def test_try_later_says_nothing_when_the_span_was_taken_anew(
    resources: Resources, relay: Relay
) -> None:
    """Whoever has the span now has decided what becomes of that reader."""
    stalled = relay.when(phase="dot", recipient=LATE).times(1).stall().reply("451 4.3.0 later")
    outbox = await open_outbox(resources, READERS)
    async with sending(patient(resources, relay)):
        await stalled.met(within=20)
        await paused_and_resumed(outbox)
        doubted = await until(outbox, DeliveryState.UNCERTAIN)
        stalled.release()
        await relay.until(OTHERS, within=20)
    row = (await outbox.rows())[LATE]
    assert (row.state, row.attempts, row.reply) == (DeliveryState.UNCERTAIN, 1, doubted.reply)


async def test_a_cancelled_edition_ends_although_one_answer_is_still_missing(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "DRAIN_SECONDS", 1.5)  # for the answers of the others that are under way
    stalled = relay.when(phase="dot", recipient=LATE).times(1).stall()
    outbox = await open_outbox(resources, READERS)
    async with sending(patient(resources, relay)):
        await stalled.met(within=20)
        now = resources.clock.now()
        await resources.database.write(steering.cancel, outbox.edition.uid, now=now, actor="test")
        found = await outbox.until_ended()
        assert (await until(outbox, DeliveryState.HELD)).uncertain_count == 1
        assert found.accepted + found.cancelled == OTHERS
        stalled.release()
        assert (await until(outbox, DeliveryState.ACCEPTED)).uncertain_count == 0
