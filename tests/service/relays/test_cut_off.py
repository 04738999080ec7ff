"""One worker cannot use the relay and others can: it stands by for itself, and nobody else stops."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from service import tokens
from service.delivery import reaching, relays, standing_by
from service.delivery.models import Relay as Row
from service.delivery.models import Role
from service.delivery.notice_messages import Stationery
from service.delivery.relay_register import Greeting
from service.delivery.relay_switch import Premises, RelaySwitch
from service.delivery.sending import Sender
from service.dependencies import Resources
from service.tokens import Keys
from service.workers import present, register
from service.workers.register import Identity
from tests.service.relays import steps
from tests.service.sending.test_pace import at_work, readers
from tests.support.outbox import office, open_outbox, relay_at
from tests.support.relay import Relay

NAME = "main"


def of_the_relay(session: Session) -> Row:
    return session.exec(select(Row).where(Row.name == NAME)).one()


async def row(resources: Resources) -> Row:
    return await resources.database.read(of_the_relay)


async def until(what: Callable[[], Awaitable[bool]], *, within: float = 20) -> None:
    async with asyncio.timeout(within):
        while not await what():
            await asyncio.sleep(0.05)


@pytest.fixture
async def cut_off() -> AsyncIterator[Relay]:
    """The same relay as a worker sees it that cannot reach it: until it is started nobody listens there."""
    async with Relay() as relay:
        await relay.stop()
        yield relay


@asynccontextmanager
async def workers(resources: Resources, *ways: Relay) -> AsyncIterator[list[Sender]]:
    """One for each way to the relay."""
    await resources.database.write(Session.add, Row(name=NAME))
    made = [
        Sender(office(resources, replace(relay_at(way.url), label=NAME), holder=f"worker {number}"))
        for number, way in enumerate(ways)
    ]
    tasks = [asyncio.create_task(work) for one in made for work in (one.run(), at_work(one))]
    try:
        yield made
    finally:
        while left := {task for task in tasks if not task.done()}:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=0.2)


def suffers(sender: Sender) -> dict[str, str]:
    facts: dict[str, str] = sender._office.standing_by.as_facts()["standing_by"]
    return facts


async def test_one_worker_that_cannot_reach_it_stops_nobody_else(
    newsroom: Resources, main: Relay, cut_off: Relay
) -> None:
    main.delay = 0.05
    await open_outbox(newsroom, readers(600))
    async with workers(newsroom, main, cut_off) as (near, far):

        async def is_told() -> bool:
            return bool(suffers(far))

        async def is_clear() -> bool:
            found = await row(newsroom)
            return (found.down_since, found.problem) == (None, None)

        await until(is_told)
        await until(is_clear)  # before anybody was accepted there was no witness
        before = len(main.received)
        for _ in range(8):
            await asyncio.sleep(0.5)
            assert await is_clear()
        assert len(main.received) - before > 60, (
            "some 280 on an idle machine, hardly any while the relay rests"
        )
        assert not suffers(near)
        said = suffers(far)[NAME]  # by the first failure, or by a later look
        assert "127.0.0.1" in said
        assert str(cut_off.port) in said
        assert "Check" in said
        await main.until(600, within=30)
    assert sorted(one.recipient for one in main.received) == sorted(readers(600))


async def test_it_takes_part_again_once_it_gets_through(
    newsroom: Resources, main: Relay, cut_off: Relay
) -> None:
    main.delay = cut_off.delay = 0.05
    await open_outbox(newsroom, readers(2000))
    async with workers(newsroom, main, cut_off) as (_, far):

        async def is_told() -> bool:
            return bool(suffers(far))

        await until(is_told)
        await cut_off.start()
        await cut_off.until(50, within=20)
        assert not suffers(far)
        assert (await row(newsroom)).problem is None


async def test_where_nobody_gets_through_the_relays_own_clock_moves(
    newsroom: Resources, main: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the last accept is long enough ago that it says nothing any more; and the time before counts."""
    monkeypatch.setattr(reaching, "WITNESS_SECONDS", 2.0)
    monkeypatch.setattr(standing_by, "WITNESS_SECONDS", 2.0)
    main.delay = 0.05
    await open_outbox(newsroom, readers(2000))
    async with workers(newsroom, main, main):
        await main.until(100)
        await main.stop()

        async def first_told() -> Row:
            while (found := await row(newsroom)).down_since is None:
                await asyncio.sleep(0.05)
            return found

        found = await asyncio.wait_for(first_told(), 20)
        assert found.failures == 1
        assert found.since is not None
        assert found.down_since is not None
        assert found.since - found.down_since <= timedelta(seconds=2.1)
        await main.start()
        await main.until(200)
    assert (await row(newsroom)).down_since is None


async def test_whoever_is_accepted_clears_what_another_has_noted(newsroom: Resources, main: Relay) -> None:
    main.delay = 0.05
    await open_outbox(newsroom, readers(1000))
    async with workers(newsroom, main):
        await main.until(100)
        await newsroom.database.write(relays.note_problem, NAME, "nobody listens there", is_down=True)

        async def is_cleared() -> bool:
            found = await row(newsroom)
            return (found.problem, found.down_since, found.wait_until, found.failures) == (
                None,
                None,
                None,
                0,
            )

        await until(is_cleared)
        await main.until(200, within=20)


def switch(resources: Resources, keys: Keys, me: Identity) -> RelaySwitch:
    def others(session: Session, name: str) -> bool:
        return present.is_another_able(session, me.uid, name)

    return RelaySwitch(
        Premises(
            database=resources.database,
            clock=resources.clock,
            keys=keys,
            stationery=Stationery(keys, resources.templates, "https://news.example.org"),
            greeting=Greeting("news.example.org", None),
            own=None,
            is_setting=False,
            patience=timedelta(seconds=120),
            office_for=lambda address, _: office(resources, address),
            others_can_use=others,
        )
    )


def identity(name: str) -> Identity:
    return Identity(tokens.new_uid(), name, "box", 1, "1.0")


@pytest.mark.parametrize("others", [0, 1])
async def test_a_worker_with_another_key_stands_by_while_others_can_sign_in(
    newsroom: Resources, main: Relay, others: int
) -> None:
    secret = {"user": "memo", "password": "secret", "tls": "required"}
    await steps.added(newsroom, NAME, main, Role.MAIN, **secret)
    me = identity("with another key")
    await newsroom.database.write(register.beat, me, {})
    for number in range(others):
        await newsroom.database.write(register.beat, identity(f"able {number}"), {"standing_by": {}})
    mine = switch(newsroom, Keys((b"a wrong key on one machine of two",)), me)
    await mine.follow()
    await mine.follow()
    await newsroom.database.write(steps.let_it_wait_on, NAME)
    found = await row(newsroom)
    assert mine.relay is None
    assert (found.down_since is None) == bool(others)
    assert await newsroom.database.read(relays.is_ready, NAME) == bool(others)
    await mine.close()


async def test_where_no_worker_can_sign_in_each_says_so_and_the_relay_is_out_of_reach(
    newsroom: Resources, main: Relay
) -> None:
    secret = {"user": "memo", "password": "secret", "tls": "required"}
    await steps.added(newsroom, NAME, main, Role.MAIN, **secret)
    me = identity("with another key")
    await newsroom.database.write(register.beat, identity("with a third"), {"standing_by": {NAME: "why"}})
    mine = switch(newsroom, Keys((b"a wrong key on one machine of two",)), me)
    await mine.follow()
    assert (await row(newsroom)).down_since is not None
    await mine.close()


async def test_what_nobody_has_tried_for_a_while_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was due since, or another relay took its place: the worker would be called cut off for good."""
    monkeypatch.setattr(standing_by, "WITNESS_SECONDS", 0.05)
    monkeypatch.setattr(standing_by, "FORGOTTEN_SECONDS", 0.1)
    own = standing_by.StandingBy()
    own.begin(NAME, "cannot be reached from here")
    assert own.has_to_ask(NAME)
    assert NAME in own.as_facts()["standing_by"]
    await asyncio.sleep(0.2)
    assert not own.has_to_ask(NAME)
    assert own.as_facts() == {"standing_by": {}}
