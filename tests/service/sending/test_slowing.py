"""Asked to slow down: whoever asked gets less, the others go on, and no reader is blamed. NB-26 and its kin at the relay."""

import asyncio
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from service import database
from service.delivery import outcome, pace_rows, slowings
from service.delivery.models import SlowedDown
from service.delivery.outcome import Phase, Reply
from service.dependencies import Resources
from service.ledger.models import DeliveryState
from tests.support.outbox import office, open_outbox, relay_at, sending
from tests.support.relay import Relay

GMAIL = "421 4.7.28 Gmail has detected an unusual rate of mail"
CONNECTIONS = 4


def slowed(session: Session) -> dict[str, SlowedDown]:
    return {row.provider: row for row in session.exec(select(SlowedDown))}


async def test_a_provider_that_throttles_rests_and_the_others_go_on(
    resources: Resources, relay: Relay
) -> None:
    gmail = [f"reader{number}@{('gmail.com', 'googlemail.com')[number % 2]}" for number in range(60)]
    others = [f"reader{number}@example.org" for number in range(60)]
    relay.when(phase="rcpt", matching=lambda moment: "mail.com" in moment.recipient).reply(GMAIL)
    outbox = await open_outbox(resources, [one for pair in zip(gmail, others, strict=True) for one in pair])
    async with sending(office(resources, relay_at(relay.url), connections=CONNECTIONS)):
        await relay.until(60, within=20)
        async with asyncio.timeout(20):
            while (found := await outbox.progress()).deferred + found.accepted < 120:
                await asyncio.sleep(0.1)
    assert (found.accepted, found.refused) == (60, 0)
    rows, now = await outbox.rows(), await resources.database.read(database.now)
    tried = [row for row in rows.values() if row.state is DeliveryState.DEFERRED and row.attempts]
    waiting = [row for row in rows.values() if row.state is DeliveryState.DEFERRED and not row.attempts]
    assert 1 <= len(tried) <= 3 * CONNECTIONS
    dues = sorted(row.due_at for row in waiting if row.due_at is not None)
    assert (dues[0] - now).total_seconds() > 500
    assert (dues[-1] - dues[0]).total_seconds() >= 8, "spread out, not all at one moment"
    assert all("Google has asked for less" in str(row.reply) for row in waiting)
    assert set(await resources.database.read(slowed)) == {"Google"}


async def test_a_relay_that_throttles_gets_half_of_what_it_took(resources: Resources, relay: Relay) -> None:
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(120)])
    throttled = "454 4.7.0 Throttling failure: Maximum sending rate exceeded."
    relay.when(phase="mail").after(60).reply(throttled).times(1)
    async with sending(office(resources, relay_at(relay.url), connections=CONNECTIONS)):
        async with asyncio.timeout(20):
            while not (rows := await resources.database.read(slowed)):
                await asyncio.sleep(0.05)
        name = relay_at(relay.url).name
        limit = (await resources.database.read(pace_rows.standing, name)).relay
        assert limit is not None
        assert 1.0 <= limit <= 60.0
        await outbox.until_ended(within=30)
    assert (rows[slowings.WHOLE].reason or "").startswith("In answer to MAIL: 454 4.7.0 Throttling failure")
    assert {row.attempts for row in (await outbox.rows()).values()} == {1}


async def test_what_was_let_go_a_moment_ago_counts_for_what_it_took(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A span is fifty readers: right after one has ended, half of what the relay took seemed to be two a second."""
    monkeypatch.setattr(slowings, "MEASURED", timedelta(minutes=5))
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(120)])
    async with sending(office(resources, relay_at(relay.url), connections=CONNECTIONS)):
        await outbox.until_ended(within=30)
    throttled = outcome.of(Reply(Phase.MAIL, 454, "4.7.0 Throttling failure: Maximum sending rate exceeded."))
    first = min(row.at for row in (await outbox.rows()).values() if row.at is not None)
    await resources.database.write(slowings.note, relay_at(relay.url).name, slowings.WHOLE, throttled)
    seconds = max(1.0, (await resources.database.read(database.now) - first).total_seconds())
    row = (await resources.database.read(slowed))[slowings.WHOLE]
    assert row.rate >= 120 / seconds / 2
