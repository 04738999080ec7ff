"""The fault matrix: each row of the decision table in each phase, through a real sender, against a relay that says it.

Many readers in one edition, each with the reply of one cell; what the ledger says of them, who is suppressed, and whether the relay
waits must follow from whose matter the reply is. Cells that cannot be say why in `tests.support.decision_cells`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service.database import Database
from service.delivery import outcome, reaching, relays, retry, slowings, steering
from service.delivery.figures import Figures
from service.delivery.limits import Limits, Timeouts
from service.delivery.models import Relay as RelayRow
from service.delivery.outcome import Phase, Reply, Scope, Verdict
from service.delivery.transport import RelayDown, Transport
from service.dependencies import Resources
from service.editions.models import State
from service.ledger.models import Delivery, DeliveryState
from service.suppressions.models import Suppression
from tests.support.decision_cells import Cell, cells, on_the_wire
from tests.support.outbox import Outbox, office, open_outbox, relay_at, sending
from tests.support.relay import Relay
from tests.support.relay_session import Offer

POSSIBLE = [cell for cell in cells() if cell.impossible is None]
BY_READER = [cell for cell in POSSIBLE if cell.phase in {Phase.RCPT, Phase.DATA, Phase.DOT}]
STOPPING = {Scope.MESSAGE, Scope.OURS}
THE_RELAYS = {Scope.HOST, Scope.ACCOUNT, Scope.CONNECTION}
MAKE_IT_WAIT = {Scope.HOST, Scope.ACCOUNT, Scope.PROVIDER, Scope.SENDER}


class Watched:
    """The real database; what is noted against the relay is remembered, and its wait is over at once. Nor is it slowed down for what
    one reader heard: the others are to hear theirs.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_sqlite = database.is_sqlite
        self.writes = database.writes
        self.at_once = database.at_once
        self.aside = database.aside
        self.problems: set[str] = set()

    async def read(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return await self._database.read(function, *args, **kwargs)

    async def write(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        if function is slowings.note:
            return None
        done = await self._database.write(function, *args, **kwargs)
        if function in {relays.note_problem, reaching.note_unless_others_get_through}:
            self.problems.add(args[1])
            await self._database.write(relays.note_success, args[0])
        return done

    async def close(self) -> None:
        await self._database.close()


class AlwaysInDoubt(Figures):
    """Whether most of the last few were accepted depends on who is answered when; here what a provider says always counts."""

    @property
    def are_mostly_accepted(self) -> bool:
        return False


@asynccontextmanager
async def watched(resources: Resources, relay: Relay, *, connections: int = 8) -> AsyncIterator[Watched]:
    watch = Watched(resources.database)
    chosen = office(resources, relay_at(relay.url), connections=connections)
    async with sending(replace(chosen, database=watch, figures=AlwaysInDoubt())):
        yield watch


async def until_only_waiting(outbox: Outbox, *, within: float = 60.0) -> dict[str, Delivery]:
    """Until no reader is queued; those deferred may wait."""
    async with asyncio.timeout(within):
        while (await outbox.progress()).queued:
            await asyncio.sleep(0.05)
    return await outbox.rows()


def says_once(relay: Relay, cell: Cell, *, recipient: str | None) -> None:
    """A relay that says 421 closes (RFC 5321 section 3.8): nothing that was named behind it is looked at."""
    rule = relay.when(phase=cell.phase.value, recipient=recipient).reply(on_the_wire(cell.reply)).times(1)
    if cell.reply.code == 421:
        rule.drop()


def suppressed(session: Session) -> set[str]:
    return set(session.execute(sa.select(col(Suppression.address))).scalars())


def failures_of_the_relay(session: Session) -> int:
    return int(session.execute(sa.select(col(RelayRow.failures))).scalar_one())


def wait_of(row: Delivery) -> timedelta:
    assert row.due_at is not None
    assert row.at is not None
    return row.due_at - row.at


def state_for(cell: Cell) -> DeliveryState:
    """Once each reply has been given once, and 250 after that."""
    if cell.judged.scope in THE_RELAYS:
        return DeliveryState.ACCEPTED
    return DeliveryState.REFUSED if cell.judged.verdict is Verdict.REFUSED else DeliveryState.DEFERRED


async def test_each_row_at_rcpt_data_and_the_dot(resources: Resources, relay: Relay) -> None:
    chosen = [cell for cell in BY_READER if cell.judged.scope not in STOPPING]
    for cell in chosen:
        says_once(relay, cell, recipient=cell.address)
    outbox = await open_outbox(resources, [cell.address for cell in chosen])
    async with watched(resources, relay) as watch:
        rows = await until_only_waiting(outbox)
        for cell in chosen:
            row, said = rows[cell.address], (cell.rule.source, cell.phase)
            assert row.state is state_for(cell), (said, row.reply)
            assert (row.attempts, row.uncertain_count) == (1, 0), said
            if row.state is DeliveryState.DEFERRED:
                assert wait_of(row) > (cell.judged.rest or timedelta(minutes=4)) - timedelta(seconds=1), said
                assert (row.pins is None) == (cell.reply.code >= 500), (
                    "the same bytes again only where they may help"
                )
            if row.state is not DeliveryState.ACCEPTED:
                again = outcome.of_recorded(str(row.reply))
                assert outcome.suppresses_the_reader(again) == cell.rule.is_permanent, said
                assert outcome.strikes_the_reader(again) <= (cell.rule.scope is Scope.RECIPIENT), said
        assert await outbox.state() is State.SENDING, "so many different replies are no wave"
        relays_own = {str(cell.reply) for cell in chosen if cell.judged.scope in MAKE_IT_WAIT}
        assert watch.problems == relays_own
        await outbox.everybody_due()
        found = await outbox.until_ended(within=60)
    refused = [cell for cell in chosen if state_for(cell) is DeliveryState.REFUSED]
    assert (found.accepted, found.refused) == (len(chosen) - len(refused), len(refused))
    assert sorted(one.recipient for one in relay.received) == sorted(
        cell.address for cell in chosen if cell not in refused
    ), "each once"
    assert await resources.database.read(suppressed) == set(), "so many at once are not believed"


async def test_each_row_at_mail_is_nobodys_fault(resources: Resources, relay: Relay) -> None:
    """At MAIL the relay knows no reader yet: the replies are given out in turn, whoever comes."""
    chosen = [cell for cell in POSSIBLE if cell.phase is Phase.MAIL and cell.judged.scope not in STOPPING]
    for cell in chosen:
        # Where a connection has carried before, a 421 is tried once more on a fresh one: it has to be said twice, to the same
        # connection, hence only one.
        relay.when(phase="mail").reply(on_the_wire(cell.reply)).times(2 if cell.reply.code == 421 else 1)
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(120)])
    async with watched(resources, relay, connections=1) as watch:
        rows = await until_only_waiting(outbox)
        deferred = [row for row in rows.values() if row.state is DeliveryState.DEFERRED]
        named = {str(row.reply).removeprefix("In answer to MAIL: ") for row in deferred}
        waiting = {str(cell.reply) for cell in chosen if cell.judged.scope not in THE_RELAYS}
        said = {str(cell.reply) for cell in chosen}
        assert waiting <= named <= said
        assert {row.state for row in rows.values()} == {DeliveryState.DEFERRED, DeliveryState.ACCEPTED}
        moving = {str(cell.reply) for cell in chosen if cell.judged.scope in MAKE_IT_WAIT}
        assert watch.problems == moving
        assert not [
            row for row in deferred if outcome.strikes_the_reader(outcome.of_recorded(str(row.reply)))
        ]
        await outbox.everybody_due()
        found = await outbox.until_ended(within=60)
    assert (found.accepted, len(relay.received)) == (120, 120)
    assert await resources.database.read(suppressed) == set()


@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "dot"])
async def test_each_row_about_the_message_or_our_words_stops_the_edition_and_loses_nobody(
    resources: Resources, relay: Relay, phase: str
) -> None:
    chosen = [cell for cell in POSSIBLE if cell.phase == phase and cell.judged.scope in STOPPING]
    for cell in chosen:
        recipient = None if phase == "mail" else cell.address
        relay.when(phase=phase, recipient=recipient).reply(on_the_wire(cell.reply)).times(1)
    outbox = await open_outbox(resources, [cell.address for cell in chosen] + ["last@example.org"])
    pauses = 0
    async with watched(resources, relay, connections=1), asyncio.timeout(20):
        while (await outbox.progress()).ended_at is None:
            if await outbox.state() is State.PAUSED:
                assert "refuses the message itself" in str((await outbox.progress()).stop_reason)
                pauses += 1
                await resume(resources, outbox)
            await asyncio.sleep(0.02)
    at_once = [cell for cell in chosen if cell.judged.scope is Scope.MESSAGE and phase == "mail"]
    assert pauses == (len(at_once) or len(chosen) // 3), (
        "three are enough, two are not; at MAIL it is the relay's limit"
    )
    rows = await outbox.rows()
    left = [row for row in rows.values() if row.state is not DeliveryState.ACCEPTED]
    assert len(left) == (len(chosen) - len(at_once)) % 3, (
        "those after the last pause: refused, missing, and not struck"
    )
    assert not [row for row in left if outcome.strikes_the_reader(outcome.of_recorded(str(row.reply)))]
    assert await resources.database.read(suppressed) == set()


async def resume(resources: Resources, outbox: Outbox) -> None:
    now = resources.clock.now()
    await resources.database.write(steering.resume, outbox.edition.uid, now=now, actor="test")


async def test_nb_68_a_message_larger_than_the_relay_takes_is_stopped_at_once_not_once_for_each_reader(
    resources: Resources, relay: Relay
) -> None:
    relay.offer = Offer(size=1_000)
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(30)])
    async with watched(resources, relay, connections=2), asyncio.timeout(10):
        while await outbox.state() is not State.PAUSED:
            await asyncio.sleep(0.02)
    found = await outbox.progress()
    assert "larger than the relay takes (1000 octets)" in str(found.stop_reason)
    assert (found.refused + found.queued, relay.received) == (30, [])
    assert found.refused <= 2
    relay.offer = Offer()
    await resume(resources, outbox)
    async with watched(resources, relay):
        found = await outbox.until_ended()
    assert found.accepted == 30


@pytest.mark.parametrize("phase", ["connect", "ehlo"])
async def test_each_row_in_the_greeting_is_the_relays(relay: Relay, phase: str) -> None:
    """Without a ledger, for nothing is read from it before a connection stands; what follows is in the next test."""
    for cell in {cell.reply: cell for cell in POSSIBLE if cell.phase is Phase.CONNECT}.values():
        relay.forget_rules()
        relay.when(phase=phase).reply(on_the_wire(cell.reply))
        transport = Transport(relay_at(relay.url), Timeouts.alike(20), Limits())
        with pytest.raises(RelayDown) as problem:
            await transport.ready()
        assert str(cell.reply.code) in str(problem.value)
        await transport.close()


@pytest.mark.parametrize(
    "reply", ["554 No SMTP service here", "421 4.3.2 Service shutting down", "550 5.1.1 User unknown"]
)
async def test_a_relay_that_does_not_greet_waits_and_its_readers_are_untouched(
    resources: Resources, relay: Relay, reply: str
) -> None:
    relay.when(phase="connect").reply(reply).times(3)
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(5)])
    async with watched(resources, relay) as watch:
        found = await outbox.until_ended()
    assert found.accepted == 5
    assert {row.attempts for row in (await outbox.rows()).values()} == {1}
    assert any(reply[:3] in problem for problem in watch.problems)


@pytest.mark.parametrize("with_421", [True, False])
async def test_a_connection_that_closes_in_the_body_has_taken_nothing_for_sure(
    resources: Resources, relay: Relay, with_421: bool
) -> None:
    rule = relay.when(phase="body", recipient="reader1@example.org").times(1)
    if with_421:
        rule.reply("421 4.3.2 Service shutting down")
    rule.drop()
    outbox = await open_outbox(resources, ["reader0@example.org", "reader1@example.org"])
    async with watched(resources, relay, connections=1):
        await until_only_waiting(outbox)
        await outbox.everybody_due()
        found = await outbox.until_ended()
    assert (found.accepted, found.refused) == (2, 0)
    assert len(relay.received) == 2


SAME = {  # whose matter: where and what the relay says to everybody
    "account": ("rcpt", "554 Message rejected: Email address is not verified."),
    "sender": ("dot", "550 5.7.1 Message rejected due to local policy"),
    "recipient": ("rcpt", "550 5.1.1 User unknown"),
    "in doubt": ("rcpt", "550 Requested action not taken"),
    "message": ("dot", "552 5.3.4 Message too big for system"),
}


@pytest.mark.parametrize("whose", SAME)
async def test_the_same_5xx_for_all_touches_no_reader_and_once_it_is_mended_everybody_gets_it(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch, whose: str
) -> None:
    count = 200 if whose in {"account", "sender", "recipient"} else 60
    phase, reply = SAME[whose]
    judged = outcome.of(Reply(Phase(phase), int(reply[:3]), reply[4:]))
    rule = relay.when(phase=phase).reply(reply)
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(count)])
    if judged.scope in THE_RELAYS:
        # Not over while we look.
        monkeypatch.setattr(retry, "relay_wait", lambda _failures: timedelta(minutes=1))
    async with sending(office(resources, relay_at(relay.url))):
        await until_it_stops(resources, outbox, pauses=judged.scope not in THE_RELAYS)
        found = await outbox.progress()
        assert found.refused <= 20 + 4, "and those that were under way"
        if judged.scope in THE_RELAYS:
            failures = await resources.database.read(failures_of_the_relay)
            assert rule.used <= 4 * failures, "one for each connection, then the relay is left alone"
            assert found.queued == count
        state = await resources.database.read(relays.state_of)
        assert (state is not None and state.problem == reply) == (judged.scope in MAKE_IT_WAIT)
        assert found.accepted == 0
        monkeypatch.undo()
        relay.forget_rules()
        await resources.database.write(relays.note_success, relay_at(relay.url).name)
        if await outbox.state() is State.PAUSED:
            await resume(resources, outbox)
        await until_accepted(outbox, count)
    assert await outbox.state() is State.SENT
    assert len(relay.received) == len({one.recipient for one in relay.received}) == count
    assert await resources.database.read(suppressed) == set()


async def until_it_stops(resources: Resources, outbox: Outbox, *, pauses: bool) -> None:
    async with asyncio.timeout(20):
        while True:
            state = await resources.database.read(relays.state_of)
            is_waiting = state is not None and state.problem is not None
            if (await outbox.state() is State.PAUSED) if pauses else is_waiting:
                return
            await asyncio.sleep(0.02)


async def until_accepted(outbox: Outbox, count: int) -> None:
    """Also those that were left too often and wait by the schedule."""
    async with asyncio.timeout(30):
        while (await outbox.progress()).accepted < count:
            if not (await outbox.progress()).queued:
                await outbox.everybody_due()
            await asyncio.sleep(0.05)
    await outbox.until_ended()
