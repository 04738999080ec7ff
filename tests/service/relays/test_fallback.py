"""A fallback stands in while the main relay is out of reach: nobody gets it twice, nobody is missing, and the log says when."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlmodel import Session

from service.delivery import relay_register, relays
from service.delivery.models import Relay as Row
from service.delivery.models import Role
from service.dependencies import Resources
from service.events import log
from service.ledger.models import DeliveryState
from service.newsletters.models import Newsletter
from service.worker import Worker
from tests.service.relays import steps
from tests.support.outbox import Outbox, open_outbox
from tests.support.relay import Relay


def readers(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(count)]


async def until(what: Callable[[], Awaitable[bool]], *, within: float = 60) -> None:
    async with asyncio.timeout(within):
        while not await what():
            await asyncio.sleep(0.05)


async def row(resources: Resources, name: str) -> Row:
    return await resources.database.read(relay_register.get, name)


async def everybody_once(outbox: Outbox, *took: Relay) -> None:
    """Each reader is accepted, and the relays have each message once between them, as one and the same bytes."""
    found = await outbox.until_ended(within=90)
    rows = await outbox.rows()
    assert found.accepted == found.audience == len(rows)
    assert {one.state for one in rows.values()} == {DeliveryState.ACCEPTED}
    got = Counter(message.recipient for relay in took for message in relay.received)
    assert sorted(got) == sorted(rows)
    assert set(got.values()) == {1}, [reader for reader, count in got.items() if count > 1]
    assert not [one for relay in took for one in relay.violations]


async def names_of(resources: Resources, outbox: Outbox) -> list[str]:
    events = await resources.database.read(log.latest, subject_uid=outbox.edition.uid)
    return [one.name for one in reversed(events) if one.name.startswith("relay.")]


async def test_dead_from_the_start_the_fallback_carries_all(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    await steps.both(newsroom, main, fallback)
    await main.stop()
    outbox = await open_outbox(newsroom, readers(120))
    async with Worker(newsroom, None).running():
        await everybody_once(outbox, fallback)
        await main.start()

        async def is_back() -> bool:
            return (await row(newsroom, "main")).handed_over_at is None

        await until(is_back)
    assert main.received == []
    assert await names_of(newsroom, outbox) == [
        "relay.handed_over"
    ]  # it was over before the main one came back
    state = await newsroom.database.read(relays.state_of)
    assert (state.name, state.problem, state.stands_in_for) == ("main", None, None) if state else False


async def test_it_dies_and_comes_back_in_the_middle_of_an_edition(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    await steps.both(newsroom, main, fallback)
    main.delay = fallback.delay = 0.02
    outbox = await open_outbox(newsroom, readers(600))
    async with Worker(newsroom, None).running():
        await main.until(40, within=60)
        resting = main.when(phase="mail")
        resting.reply("421 4.3.2 Going down for maintenance")
        await fallback.until(40, within=60)
        fallback.delay = 0.5  # however long the main one rests by now, there is something left for it
        state = await newsroom.database.read(relays.state_of)
        assert state is not None
        assert state.name == "spare"
        assert state.stands_in_for is not None
        assert "maintenance" in str(state.stands_in_for.problem)
        before = len(main.received)
        main.forget_rules()
        await main.until(before + 40, within=60)
        fallback.delay = 0.02
        await everybody_once(outbox, main, fallback)
    assert await names_of(newsroom, outbox) == ["relay.handed_over", "relay.returned"]


async def test_whoever_it_had_not_answered_gets_it_again_once_with_the_same_bytes(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    await steps.both(newsroom, main, fallback)
    outbox = await open_outbox(newsroom, readers(60))
    main.when(phase="dot", recipient="reader7@example.org").keep().drop().times(1)
    cut = main.when(phase="replied")
    cut.after(20).drop().times(1)
    main.when(phase="connect").after(4).reply("421 4.3.2 Not now")
    async with Worker(newsroom, None).running():
        found = await outbox.until_ended(within=90)
    assert found.accepted == 60
    copies = [one for relay in (main, fallback) for one in relay.received]
    twice = {
        one.recipient: one for one in copies if len([c for c in copies if c.recipient == one.recipient]) > 1
    }
    assert "reader7@example.org" in twice
    assert len(copies) - 60 == len(twice) <= newsroom.settings.relay_connections
    for reader in twice:
        assert len({(one.sha256, one.message_id) for one in copies if one.recipient == reader}) == 1


async def test_it_is_cut_off_in_the_middle_and_nobody_is_missing(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    """A copy more at most for each connection: those whose answer was lost, and they are the same bytes."""
    await steps.both(newsroom, main, fallback)
    main.delay = fallback.delay = 0.02
    outbox = await open_outbox(newsroom, readers(300))
    async with Worker(newsroom, None).running():
        await main.until(40, within=60)
        await main.stop()
        await fallback.until(40, within=60)
        found = await outbox.until_ended(within=90)
    assert found.accepted == 300
    copies = [one for relay in (main, fallback) for one in relay.received]
    assert {one.recipient for one in copies} == set(readers(300))
    assert len(copies) - 300 <= newsroom.settings.relay_connections
    assert len({(one.recipient, one.sha256, one.message_id) for one in copies}) == 300


async def test_the_settings_relay_has_a_fallback_of_the_register(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    newsroom = replace(newsroom, settings=newsroom.settings.model_copy(update={"relay_url": main.url}))
    await steps.added(newsroom, "spare", fallback, Role.FALLBACK)
    await main.stop()
    outbox = await open_outbox(newsroom, readers(30))
    async with Worker(newsroom, main.url).running():
        # Another process that was started without the setting must not change where this one sends.
        await newsroom.database.write(relay_register.follow_setting, None)
        await everybody_once(outbox, fallback)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # on SQLite one process sends
async def test_two_workers_go_the_same_way(newsroom: Resources, main: Relay, fallback: Relay) -> None:
    await steps.both(newsroom, main, fallback)
    main.delay = fallback.delay = 0.02
    outbox = await open_outbox(newsroom, readers(600))
    async with Worker(newsroom, None).running(), Worker(newsroom, None).running():
        await main.until(40, within=60)
        main.when(phase="mail").reply("421 4.3.2 Going down for maintenance")
        await fallback.until(40, within=60)
        main.forget_rules()
        await everybody_once(outbox, main, fallback)
    names = await names_of(newsroom, outbox)
    assert names[:1] == ["relay.handed_over"]
    assert set(Counter(names).values()) == {1}, names


async def test_a_relay_that_only_slows_us_down_is_not_left(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    """A provider's or an account's trouble would only go along to the other relay."""
    await steps.both(newsroom, main, fallback)
    main.when(phase="rcpt").reply("421 4.7.28 Unusual rate of mail from your domain").times(12)
    main.when(phase="mail").reply("454 4.7.0 Throttling failure: Maximum sending rate exceeded.").times(4)
    outbox = await open_outbox(newsroom, readers(5))
    async with Worker(newsroom, None).running():

        async def is_slowed() -> bool:
            return (await row(newsroom, "main")).failures >= 2

        await until(is_slowed)
        assert (await row(newsroom, "main")).down_since is None
        await asyncio.sleep(1.5)
        assert fallback.received == []
        assert (await row(newsroom, "main")).handed_over_at is None
    assert await names_of(newsroom, outbox) == []


async def test_shut_out_is_out_of_reach(newsroom: Resources, main: Relay, fallback: Relay) -> None:
    await steps.both(newsroom, main, fallback)
    main.when(phase="mail").reply("530 5.7.0 Authentication required")
    outbox = await open_outbox(newsroom, readers(20))
    async with Worker(newsroom, None).running():
        await everybody_once(outbox, fallback)
    assert main.received == []


async def test_nothing_is_handed_over_before_its_time(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    patient = replace(newsroom, settings=newsroom.settings.model_copy(update={"relay_fallback_after": 600.0}))
    await steps.both(patient, main, fallback)
    await main.stop()
    outbox = await open_outbox(patient, readers(10))
    async with Worker(patient, None).running():

        async def has_failed_twice() -> bool:
            return (await row(patient, "main")).failures >= 2

        await until(has_failed_twice)
        assert fallback.received == []
        await main.start()
        await everybody_once(outbox, main)


async def test_the_newsroom_is_told_through_the_fallback(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    """Which shows at the same time that notices take that way, too."""
    await steps.both(newsroom, main, fallback)
    await main.stop()
    outbox = await open_outbox(newsroom, readers(5))
    await newsroom.database.write(_with_alarm_address, outbox.edition.newsletter_id)
    async with Worker(newsroom, None).running():
        (alarm,) = await fallback.until(1, recipient="ops@example.org", within=60)
        assert b"The relay main is out of reach" in alarm.data
        await outbox.until_ended(within=60)


def _with_alarm_address(session: Session, newsletter_id: int) -> None:
    newsletter = session.get_one(Newsletter, newsletter_id)
    newsletter.options = {**newsletter.options, "alarm_address": "ops@example.org"}
    session.add(newsletter)


async def test_switched_off_at_the_desk_nothing_leaves_and_nothing_goes_to_the_mailbox(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    """The fallback is the test's built-in mailbox here: it would count as accepted what no reader ever sees."""
    await steps.added(newsroom, "main", main, Role.MAIN)
    main.delay = 0.02
    outbox = await open_outbox(newsroom, readers(400))
    async with Worker(newsroom, fallback.url).running() as worker:
        await main.until(20, within=60)
        await steps.role_given(newsroom, "main", Role.OFF)
        await until(lambda: _is_idle(worker))
        before = len(main.received)
        await worker.tick()
        await asyncio.sleep(1.2)
        # A connection ends the message it is at, and the one it had announced behind that.
        assert len(main.received) - before <= 2 * newsroom.settings.relay_connections
        assert fallback.received == []
        await steps.role_given(newsroom, "main", Role.MAIN)
        await everybody_once(outbox, main)


async def test_a_relay_entered_while_a_worker_runs_is_used_at_once(
    newsroom: Resources, main: Relay, fallback: Relay
) -> None:
    outbox = await open_outbox(newsroom, readers(20))
    async with Worker(newsroom, None).running():
        await asyncio.sleep(0.2)
        assert (await outbox.progress()).accepted == 0
        await steps.added(newsroom, "late", main, Role.MAIN)
        await everybody_once(outbox, main)


async def _is_idle(worker: Worker) -> bool:
    return worker._switch.relay is None
