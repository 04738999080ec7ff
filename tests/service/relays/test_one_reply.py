"""What one reader's organisation, or a provider behind the relay, says is no problem of the relay while others are accepted."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from service import database
from service.delivery import relays
from service.delivery.models import Relay as Row
from service.dependencies import Resources
from tests.service.sending.test_pace import readers
from tests.support.outbox import office, open_outbox, relay_at, sending
from tests.support.relay import Relay

POLICY = "550 5.7.1 Rejected by the policy of this organisation"
GMAIL = "421 4.7.28 Gmail has detected an unusual rate of mail"


@pytest.mark.parametrize("reply", [POLICY, GMAIL])
async def test_one_such_reply_among_accepts_is_no_problem(
    newsroom: Resources, relay: Relay, reply: str
) -> None:
    relay.when(phase="rcpt", recipient="reader4@example.org").reply(reply)
    outbox = await open_outbox(newsroom, readers(5))
    async with sending(office(newsroom, relay_at(relay.url), connections=1)):
        await relay.until(4, within=20)
        await outbox.until_let_go()
        while not (await outbox.rows())["reader4@example.org"].attempts:
            await asyncio.sleep(0.05)
    state = await newsroom.database.read(relays.state_of)
    assert state is not None
    assert (state.problem, state.is_waiting) == (None, False)


async def test_the_same_for_everybody_is_one(newsroom: Resources, relay: Relay) -> None:
    outbox = await open_outbox(newsroom, readers(40))
    relay.when(phase="rcpt").after(20).reply(POLICY)
    async with sending(office(newsroom, relay_at(relay.url), connections=1)):
        await relay.until(20, within=20)
        state = await newsroom.database.read(relays.state_of)
        while state is None or state.problem is None:
            state = await newsroom.database.read(relays.state_of)
    assert state.problem == POLICY
    assert (await outbox.progress()).accepted < 40


def long_ago(session: Session) -> None:
    then = database.now(session) - timedelta(hours=3)
    session.execute(sa.update(Row).values(wait_until=then, since=then))


@pytest.mark.parametrize("is_down", [False, True])
async def test_what_it_said_lapses_unless_it_is_out_of_reach(newsroom: Resources, is_down: bool) -> None:
    await newsroom.database.write(relays.note_problem, "main", POLICY, is_down=is_down)
    assert (state := await newsroom.database.read(relays.state_of)) is not None
    assert state.problem == POLICY
    await newsroom.database.write(long_ago)
    assert (state := await newsroom.database.read(relays.state_of)) is not None
    assert (state.problem is None) != is_down
