"""Two who write to one span at the same moment: whoever comes second sees what the first has done."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from service import database
from service.database import Database
from service.delivery import choosing, committer, recording, recording_on_sqlite, spans
from service.delivery.fence import Take
from service.delivery.recording import Recorded, SpanBatch
from service.delivery.spans import Pinning
from service.ledger import fanout, progress
from service.ledger.models import DeliveryState
from service.subscribers import audience
from tests.support import ledger_stage
from tests.support.ledger_stage import Plan

ROUNDS = 12
READERS = 6
PINNING = Pinning(datetime(2026, 3, 2, 6, tzinfo=UTC), "key")
STALE = choosing.STALE + timedelta(seconds=1)


@pytest.fixture
async def held(database_url: str) -> AsyncIterator[Database]:
    held = database.connect(database_url)
    yield held
    await held.close()


async def _take(held: Database, holder: str) -> Take | None:
    wait = timedelta(minutes=2)
    return await held.write(spans.take, holder=holder, relay="relay", pinning=PINNING, uncertain_wait=wait)


async def _held_by_one(held: Database) -> tuple[int, Take]:
    opened = await held.write(ledger_stage.open_edition, Plan(READERS, READERS, holds_uncertain=False))
    await held.write(fanout.carry_on, opened.edition_id, audience.statement)
    taken = await _take(held, "one")
    assert taken is not None
    return opened.edition_id, taken


async def test_an_intent_and_a_take_over_at_once_never_lose_a_message(held: Database) -> None:
    """The intent stands and whoever takes over knows of it, or it does not stand and nothing was begun."""
    for _ in range(ROUNDS):
        edition_id, one = await _held_by_one(held)
        await held.write(ledger_stage.pass_time, edition_id, STALE)
        standing, two = await asyncio.gather(
            held.write(recording.commit, [SpanBatch(one, [], [], [1])]), _take(held, "two")
        )
        seen = await held.read(ledger_stage.look, edition_id)
        row, span = seen.rows[1], seen.spans[one.span_id]
        if standing and two is not None:
            assert row.state is DeliveryState.UNCERTAIN, "begun, and left to whoever took over"
        elif standing:
            assert span.in_flight == [1] and span.epoch == one.epoch, "one has spoken: it lives"
        else:
            assert row.state is DeliveryState.QUEUED and two is not None and span.epoch == two.epoch


async def test_a_late_accept_and_letting_go_at_once_leave_the_books_right(held: Database) -> None:
    for _ in range(ROUNDS):
        edition_id, one = await _held_by_one(held)
        await held.write(recording.commit, [SpanBatch(one, [], [], [1])])
        await held.write(ledger_stage.pass_time, edition_id, STALE)
        two = await _take(held, "two")
        assert two is not None
        late = SpanBatch(one, [Recorded(1, DeliveryState.ACCEPTED, 1, 0, "250 ok")])
        await asyncio.gather(
            held.write(recording.commit, [late]), held.write(spans.let_go, two, in_flight=[])
        )
        seen = await held.read(ledger_stage.look, edition_id)
        figures = await held.read(progress.of, edition_id)
        assert seen.rows[1].state is DeliveryState.ACCEPTED
        assert (figures.accepted, figures.open, figures.audience) == (1, READERS - 1, READERS)
        assert seen.spans[one.span_id].counts == {"accepted": 1, "queued": READERS - 1}


@pytest.mark.parametrize("state", recording.FINAL)
async def test_a_late_answer_counts_also_in_a_commit_with_the_take_that_followed(
    held: Database, state: DeliveryState
) -> None:
    """The outcome of the one is written, the intent of the other stands, and neither is taken for the other."""
    edition_id, one = await _held_by_one(held)
    assert await committer.committed(held, [SpanBatch(one, [], [], [1])]) == {(one.span_id, one.epoch)}
    await held.write(ledger_stage.pass_time, edition_id, STALE)
    two = await _take(held, "two")
    assert two is not None and two.span_id == one.span_id
    late = SpanBatch(one, [Recorded(1, state, 1, 0, "as it was said")], [], [2])
    standing = await committer.committed(held, [late, SpanBatch(two, [], [], [2])])
    seen = await held.read(ledger_stage.look, edition_id)
    assert standing == {(two.span_id, two.epoch)}
    assert seen.rows[1].state is state
    assert seen.spans[two.span_id].in_flight == [2]


async def test_more_kinds_of_outcomes_than_a_statement_holds_are_written_all_the_same(held: Database) -> None:
    edition_id, one = await _held_by_one(held)
    waits = [timedelta(seconds=60 + number) for number in range(recording_on_sqlite.ROWS_MOST + 1)]
    many = [Recorded(1, DeliveryState.DEFERRED, 1, 0, "450 later", wait) for wait in waits]
    assert await committer.committed(held, [SpanBatch(one, many, [], [2])]) == {(one.span_id, one.epoch)}
    seen = await held.read(ledger_stage.look, edition_id)
    assert seen.rows[1].state is DeliveryState.DEFERRED
    assert await committer.committed(held, []) == set()


@pytest.mark.parametrize("is_short", [True, False])
async def test_each_row_keeps_the_pins_of_its_own_message(held: Database, is_short: bool) -> None:
    """Those of its take, its own from an earlier try, or none: nothing of it was sent. Told to the database in fewer words or not."""
    edition_id, one = await _held_by_one(held)
    own, before = {"rendition": 7, "dkim": ["example.org", "memo1"]}, dict(one.pins)
    outcomes = [
        Recorded(1, DeliveryState.ACCEPTED, 1, 0, "250 ok", pins=one.pins),
        Recorded(2, DeliveryState.ACCEPTED, 2, 0, "250 ok", pins=own),
        Recorded(3, DeliveryState.DEFERRED, 1, 0, "550 no", timedelta(seconds=60)),
        Recorded(4, DeliveryState.REFUSED, 1, 0, "550 no", pins=dict(one.pins)),
    ]
    batches = [SpanBatch(one, outcomes)]
    if is_short:
        assert await committer.committed(held, batches) == {(one.span_id, one.epoch)}
    else:
        await held.write(recording.commit, batches)
    rows = (await held.read(ledger_stage.look, edition_id)).rows
    assert [rows[number].pins for number in range(1, 6)] == [before, own, None, before, None]


async def test_rows_of_two_takes_in_one_commit_have_each_their_own_pins(held: Database) -> None:
    edition_id, one = await _held_by_one(held)
    await committer.committed(held, [SpanBatch(one, [], [], [1])])
    await held.write(ledger_stage.pass_time, edition_id, STALE)
    later = Pinning(PINNING.date + timedelta(minutes=9), "another key")
    wait = timedelta(minutes=2)
    two = await held.write(spans.take, holder="two", relay="relay", pinning=later, uncertain_wait=wait)
    assert two is not None and two.pins != one.pins
    await committer.committed(
        held,
        [
            SpanBatch(one, [Recorded(1, DeliveryState.ACCEPTED, 1, 0, "250 late", pins=one.pins)]),
            SpanBatch(two, [Recorded(2, DeliveryState.ACCEPTED, 1, 0, "250 ok", pins=two.pins)]),
        ],
    )
    rows = (await held.read(ledger_stage.look, edition_id)).rows
    assert (rows[1].pins, rows[2].pins) == (one.pins, two.pins)
