"""Cancelled before its audience is written out: the books account for everybody it was to reach, all the same."""

import asyncio
import io
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.clock import SystemClock
from service.delivery import launch, spreading, steering
from service.dependencies import Resources
from service.desk import sending_view
from service.editions.models import State
from service.ledger import fanout
from service.ledger.models import Delivery, DeliveryState, Lane, Run, Span
from service.proofs import checking, facts, seal, writing
from service.subscribers import audience
from service.worker import Worker
from tests.service.desk import steps
from tests.support.outbox import Outbox, add_readers, once_more, open_outbox
from tests.support.relay import Relay

READERS = [f"reader{number}@example.org" for number in range(120)]
FIRST = 10


async def cancel(resources: Resources, outbox: Outbox) -> None:
    now = resources.clock.now()
    await resources.database.write(steering.cancel, outbox.edition.uid, now=now, actor="Ada")


async def proven(resources: Resources, outbox: Outbox) -> checking.Genuine:
    found = await resources.database.read(facts.of, outbox.edition.uid, now=resources.clock.now())
    asked = writing.wanted("json")
    pieces = [piece async for piece in writing.stream(resources.database, resources.keys, found, asked)]
    return checking.check(io.BytesIO(b"".join(pieces)), seal.public_keys(resources.keys))


async def test_cancelled_in_the_canarys_wait_the_rest_is_in_the_books(
    resources: Resources, relay: Relay
) -> None:
    resources = replace(resources, clock=SystemClock())
    rules = {"is_on": True, "first_count": FIRST, "wait_seconds": 3600}
    memo = await steps.newsletter(resources, canary=rules)
    now = resources.clock.now()
    await resources.database.write(add_readers, memo, READERS, pepper=resources.pepper, now=now)
    draft = await steps.edition(resources, memo, "The ferry stays")
    outbox = Outbox(resources, await launch.launch(resources, draft.uid, actor="test"))
    async with Worker(resources, relay.url).running():
        await relay.until(FIRST, within=20)
        await cancel(resources, outbox)
        ended = await outbox.until_ended()
    assert (ended.accepted, ended.cancelled, ended.audience) == (FIRST, len(READERS) - FIRST, len(READERS))
    assert (len(relay.received), await outbox.state()) == (FIRST, State.CANCELLED)
    view = await resources.database.read(sending_view.of, outbox.edition.uid, now=resources.clock.now())
    assert (view.audience, view.is_final) == (len(READERS), True)
    rows = [row for row in (await outbox.rows()).values() if row.state is DeliveryState.CANCELLED]
    assert {row.reply for row in rows} == {fanout.BEFORE_THEIR_TURN}
    assert all(row.at is not None for row in rows)
    genuine = await proven(resources, outbox)
    assert (genuine.accepted, genuine.audience, genuine.state) == (FIRST, len(READERS), "cancelled")


async def test_what_is_left_is_carried_on_by_whoever_comes_and_keeps_no_other_edition_waiting(
    resources: Resources,
) -> None:
    outbox = await open_outbox(resources, READERS)
    cancelled, other = [
        await resources.database.write(
            once_more, outbox.edition.id, len(READERS), lane=lane, is_written_out=False
        )
        for lane in (Lane.BREAKING, Lane.SCHEDULED)
    ]
    await resources.database.write(fanout.carry_on, cancelled, audience.statement)
    await resources.database.write(_cancelled, cancelled)
    assert await resources.database.read(fanout.unfinished) == [other], "nobody waits for the cancelled one"
    await resources.database.write(_paused, other)
    await resources.database.write(fanout.carry_on, cancelled, audience.statement)  # and its process ends
    await spreading.carry_on(resources, asyncio.Event())
    states = await resources.database.read(_states, cancelled)
    assert states == {DeliveryState.QUEUED: 50, DeliveryState.CANCELLED: 70}
    assert await resources.database.read(_due, cancelled) == 1, "what was out before is swept by the tick"
    assert await resources.database.read(fanout.unfinished) == []


def _cancelled(session: Session, edition_id: int) -> None:
    session.execute(sa.update(Run).where(col(Run.edition_id) == edition_id).values(stopped="cancelled"))


def _paused(session: Session, edition_id: int) -> None:
    session.execute(sa.update(Run).where(col(Run.edition_id) == edition_id).values(stopped="paused"))


def _states(session: Session, edition_id: int) -> dict[DeliveryState, int]:
    query = sa.select(col(Delivery.state), sa.func.count()).where(col(Delivery.edition_id) == edition_id)
    return {
        DeliveryState(state): count for state, count in session.execute(query.group_by(col(Delivery.state)))
    }


def _due(session: Session, edition_id: int) -> int:
    due = col(Span.due_at) <= database.now(session) + timedelta(seconds=1)
    query = sa.select(sa.func.count()).where(col(Span.edition_id) == edition_id, due)
    return int(session.execute(query).scalar_one())
