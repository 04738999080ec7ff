"""A relay's quota, shared by all workers: what one of them does not use comes back to the others, and editions rest when it is gone."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import pace_rows, quota, relays, steering
from service.delivery.gate import Gate
from service.delivery.models import HandedOver
from service.delivery.models import Relay as RelayRow
from service.delivery.sending import Sender
from service.dependencies import Resources
from tests.service.sending.test_notices import ask, lane, real
from tests.service.sending.test_pace import NAME, limit, readers, until_resting, workers
from tests.support.outbox import office, once_more, open_outbox, relay_at
from tests.support.relay import Relay

CONNECTIONS = 4  # of a worker, each with a message on its way


def counted(session: Session) -> int:
    return int(
        session.execute(sa.select(sa.func.coalesce(sa.func.sum(col(HandedOver.count)), 0))).scalar_one()
    )


def rest_of(session: Session, name: str) -> str | None:
    return session.exec(select(RelayRow.rest_reason).where(RelayRow.name == name)).one()


async def until_counted(resources: Resources, count: int, *, within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while await resources.database.read(counted) != count:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.15])
async def test_an_edition_that_fits_its_quota_reaches_everybody(
    resources: Resources, relay: Relay, delay: float
) -> None:
    relay.delay = delay
    await resources.database.write(limit, relay_at(relay.url).name, per_day=300)
    await open_outbox(resources, readers(300))
    async with workers(resources, relay, 4):
        await relay.until(300, within=60)
        await until_counted(resources, 300)


async def test_four_workers_use_a_quota_up_and_no_more_than_that(resources: Resources, relay: Relay) -> None:
    relay.delay = 0.02
    name = relay_at(relay.url).name
    await resources.database.write(limit, name, per_day=150)
    await open_outbox(resources, readers(220))
    async with workers(resources, relay, 4):
        await relay.until(150, within=40)
        await until_resting(resources)
        await asyncio.sleep(1)
        assert len(relay.received) == 150
        assert "is used up" in str(await resources.database.read(rest_of, name))
        assert await resources.database.read(counted) == 150


async def test_what_a_killed_worker_takes_along_is_all_that_is_lost(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_along: list[int] = []

    async def killed(gate: Gate) -> None:
        """Whoever is killed gives nothing back."""
        leasing = gate._leasing
        if leasing._asking is not None:
            await asyncio.wait({leasing._asking})
        purse = leasing.of(f"relay:{gate._relay}")
        taken_along.append(purse.left + purse.unused + gate.errands.qsize())

    monkeypatch.setattr(Gate, "close", killed)
    relay.delay = 0.02
    await resources.database.write(limit, relay_at(relay.url).name, per_hour=200)
    outbox = await open_outbox(resources, readers(150))
    await resources.database.write(
        once_more, outbox.edition.id, 150
    )  # the dead one keeps its spans for ten seconds
    async with workers(resources, relay, 4) as tasks:
        await relay.until(40)
        for task in tasks[:2]:
            task.cancel()
        await asyncio.wait(tasks[:1])
        await relay.until(200 - taken_along[0] - CONNECTIONS, within=40)
        await asyncio.sleep(1)
        assert len(relay.received) <= 200


async def test_a_worker_that_closes_gives_back_what_it_has_not_used(
    resources: Resources, relay: Relay
) -> None:
    relay.delay = 0.3
    await resources.database.write(limit, relay_at(relay.url).name, per_day=1_000)
    await open_outbox(resources, readers(200))
    sender = Sender(office(resources, relay_at(relay.url)))
    running, working = asyncio.create_task(sender.run()), asyncio.create_task(sender.send_due())
    await relay.until(9)
    sender.drain()
    await working
    running.cancel()
    await asyncio.wait({running})
    assert await resources.database.read(counted) == len(relay.received)


async def test_a_rest_ends_when_tokens_come_back(resources: Resources) -> None:
    """Whoever was slow to tell may have made the others rest."""
    await resources.database.write(limit, NAME, per_day=20)
    wanted = {f"relay:{NAME}": (100, None)}
    given = 0
    for _ in range(20):
        lease = await resources.database.write(pace_rows.lease, NAME, wanted, unused=0)
        given += lease[f"relay:{NAME}"].count
    assert given == 20
    assert await resources.database.read(rest_of, NAME) is None
    refused = await resources.database.write(pace_rows.lease, NAME, wanted, unused=0, may_rest=True)
    assert refused[f"relay:{NAME}"].is_used_up
    assert "quota of 20 messages" in str(await resources.database.read(rest_of, NAME))
    assert not await resources.database.read(relays.is_ready_for_editions, NAME)
    await resources.database.write(pace_rows.give_back, NAME, 5)
    assert await resources.database.read(relays.is_ready_for_editions, NAME)
    assert await resources.database.read(counted) == 15


async def test_who_has_more_than_is_allowed_gets_nothing_for_what_comes_back(resources: Resources) -> None:
    """The quota was made smaller meanwhile."""
    await resources.database.write(limit, NAME, per_hour=1_000)
    wanted = {f"relay:{NAME}": (50, None)}
    await resources.database.write(pace_rows.lease, NAME, wanted, unused=0)
    await resources.database.write(limit, NAME, per_hour=10)
    given = await resources.database.write(pace_rows.lease, NAME, wanted, unused=30)
    assert given[f"relay:{NAME}"].count == 0
    given = await resources.database.write(pace_rows.lease, NAME, wanted, unused=15)
    assert given[f"relay:{NAME}"].count > 0


async def test_what_comes_back_is_taken_off_the_step_that_it_was_counted_in(resources: Resources) -> None:
    await resources.database.write(limit, NAME, per_day=20)
    moment = quota.step_of(await resources.database.read(database.now))
    await resources.database.write(quota.note, NAME, moment - quota.STEP, 8)
    await resources.database.write(quota.note, NAME, moment, 3)
    await resources.database.write(quota.note, NAME, moment, -7)
    assert await resources.database.read(counted) == 4


async def test_a_quota_costs_no_write_for_each_message(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    lease = pace_rows.lease

    def counting(session: Session, *args: Any, **kwargs: Any) -> Any:
        nonlocal asked
        asked += 1
        return lease(session, *args, **kwargs)

    monkeypatch.setattr(pace_rows, "lease", counting)
    await resources.database.write(limit, relay_at(relay.url).name, per_day=100_000)
    await open_outbox(resources, readers(600))
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with workers(resources, relay, 1):
        await relay.until(600, within=40)
    elapsed = loop.time() - began
    assert asked <= min(max(60, 10 + 10 * elapsed), 150), (
        "however slow it is, tokens last for a quarter of a second"
    )


async def settled(resources: Resources, relay: Relay) -> int:
    """What is counted once nothing more comes back; whoever tries the relay again meanwhile has a few tokens for a moment."""
    for rest in (0.5, 0.0):
        async with asyncio.timeout(5):
            while (count := await resources.database.read(counted)) != len(relay.received):
                await asyncio.sleep(0.02)
        await asyncio.sleep(rest)
    return count


async def test_a_relay_that_is_out_of_reach_uses_nothing_of_its_quota_up(
    resources: Resources, relay: Relay
) -> None:
    """However often it is tried."""
    name = relay_at(relay.url).name
    await resources.database.write(limit, name, per_day=60)
    await open_outbox(resources, readers(60))
    await relay.stop()
    async with workers(resources, relay, 2):
        async with asyncio.timeout(20):
            while await resources.database.read(failures, name) < 3:
                await asyncio.sleep(0.05)
        assert await settled(resources, relay) == 0
        await relay.start()
        await resources.database.write(limit, name, wait_until=None)
        await relay.until(60, within=40)
        assert await settled(resources, relay) == 60


@pytest.mark.parametrize("phase", ["connect", "mail", "data"])
async def test_a_connection_that_breaks_before_the_dot_uses_nothing_up(
    resources: Resources, relay: Relay, phase: str
) -> None:
    name = relay_at(relay.url).name
    await resources.database.write(limit, name, per_day=60)
    outbox = await open_outbox(resources, readers(20))
    broken = relay.when(phase=phase).drop()
    async with workers(resources, relay, 1):
        await broken.met()
        assert await settled(resources, relay) == 0
        rows = (await outbox.rows()).values()
        assert {row.attempts for row in rows} == {0}
        relay.forget_rules()
        await resources.database.write(limit, name, wait_until=None)
        await relay.until(20, within=40)
        assert await settled(resources, relay) == 20


async def test_what_was_stopped_before_it_left_is_not_counted(resources: Resources, relay: Relay) -> None:
    relay.delay = 0.05
    await resources.database.write(limit, relay_at(relay.url).name, per_day=1_000)
    outbox = await open_outbox(resources, readers(300))
    async with workers(resources, relay, 2):
        await relay.until(40)
        await resources.database.write(
            steering.pause, outbox.edition.uid, reason="", now=resources.clock.now(), actor="test"
        )
        await asyncio.sleep(0.5)
        assert await settled(resources, relay) == len(relay.received) < 300


async def test_a_notice_that_could_not_begin_is_not_counted(resources: Resources, relay: Relay) -> None:
    resources = real(resources)
    name = relay_at(relay.url).name
    await resources.database.write(limit, name, per_day=60)
    await resources.database.write(ask, resources)
    await relay.stop()
    async with lane(resources, relay) as notices:
        await notices.send_due()
        assert await resources.database.read(failures, name) == 1
        assert await resources.database.read(counted) == 0
        await relay.start()
        await resources.database.write(limit, name, wait_until=None)
        await notices.send_due()
    assert await resources.database.read(counted) == len(relay.received) == 1


def failures(session: Session, name: str) -> int:
    return session.exec(select(RelayRow.failures).where(RelayRow.name == name)).one()
