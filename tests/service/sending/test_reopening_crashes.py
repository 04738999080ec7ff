"""NB-02: an ended edition is opened again span by span, and the process that does it is killed in the midst of it.

A span is open with all its rows or not at all, the cursor says which, and whoever comes next goes on from there.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from service import database
from service.delivery import closing, reopening
from service.dependencies import Resources
from service.editions.models import State
from service.ledger import tallies
from service.ledger.models import Delivery, DeliveryState, Reopening, Run, Span
from tests.support import processes, relay_log
from tests.support.crash import KILLED, Rehearsal
from tests.support.nursery import nursery
from tests.support.outbox import Outbox, open_outbox
from tests.support.processes import RelayProcess
from tests.support.sabotage import Point

SPANS = 6
READERS = [f"reader{number}@example.org" for number in range(50 * SPANS)]
MISSING = READERS[10::50]
IN_DOUBT = READERS[20::50]
CONNECTIONS = 4

# Where each life ends, and how many spans are open then.
ENDS = [(Point.REOPEN, 1, 0), (Point.REOPENED, 1, 1), (Point.REOPEN, 2, 2), (Point.REOPENED, 2, 4)]
WAYS = {
    Reopening.MISSING: (reopening.send_missing, MISSING, DeliveryState.REFUSED),
    Reopening.HELD: (reopening.release_held, IN_DOUBT, DeliveryState.HELD),
}


@dataclass(frozen=True)
class Books:
    run: Run
    spans: list[Span]
    rows: list[Delivery]

    def of(self, span: Span, addresses: list[str]) -> list[Delivery]:
        return [row for row in self.rows if span.first <= row.number < span.last and row.address in addresses]


@pytest.mark.parametrize("which", list(WAYS), ids=[which.value for which in WAYS])
async def test_nb_02_a_kill_while_it_is_opened_again_leaves_nothing_half_done(
    resources: Resources, tmp_path: Path, which: Reopening
) -> None:
    reopen, expected, ended_as = WAYS[which]
    outbox = await open_outbox(resources, READERS)
    async with await processes.relay(tmp_path) as relay, nursery(tmp_path) as lives:
        rehearsal = Rehearsal(outbox, relay, lives, folder=tmp_path, connections=CONNECTIONS)
        await resources.database.write(_ended_with_gaps, outbox.edition.id)
        await resources.database.write(closing.close_ended, pepper="pepper", now=resources.clock.now())
        before = await _books(outbox)

        assert (await reopen(resources, outbox.edition.uid, actor="test")).readers == SPANS
        for point, nth, opened in ENDS:
            life = await rehearsal.life(point=point, nth=nth)
            assert await life.wait() == KILLED, life.output
            await _nothing_is_half_done(outbox, before, expected, opened)
        async with await rehearsal.life():
            found = await outbox.until_ended(within=120)

        books = await _books(outbox)
        assert (books.run.reopening, await outbox.state(), found.open) == (None, State.SENT, 0)
        _everybody_once(relay, books, before, expected)
        assert {row.state for row in before.rows if row.address in expected} == {ended_as}


def _ended_with_gaps(session: Session, edition_id: int) -> None:
    """As a sender leaves it behind: in each span one reader was refused for no fault of theirs, and one may have it."""
    now, books = database.now(session), _read(session, edition_id)
    for row in books.rows:
        row.state, row.attempts, row.reply, row.at = DeliveryState.ACCEPTED, 1, "250 2.0.0 Ok", now
        if row.address in MISSING:
            row.state, row.reply = DeliveryState.REFUSED, "550 5.4.1 access denied"
        elif row.address in IN_DOUBT:
            row.state, row.reply = DeliveryState.HELD, "The relay closed the connection without an answer."
            row.attempts = row.uncertain_count = 2
    session.flush()
    for span in books.spans:
        span.due_at = None
        tallies.write(session, span)


async def _nothing_is_half_done(outbox: Outbox, before: Books, expected: list[str], opened: int) -> None:
    books, was = await _books(outbox), {row.number: row for row in before.rows}
    assert len(books.spans) == SPANS
    assert await outbox.state() is State.SENDING
    assert books.run.reopening is not None
    assert books.run.ended_at is None
    assert [span.last <= books.run.reopened_from for span in books.spans] == [
        number < opened for number in range(SPANS)
    ]
    for span in books.spans:
        is_open = span.last <= books.run.reopened_from
        for row in books.of(span, expected):
            assert (row.attempts_before > 0) == is_open
        if not is_open:
            assert span.due_at is None
            assert [(row.state, row.attempts, row.reply) for row in books.of(span, READERS)] == [
                (was[row.number].state, was[row.number].attempts, was[row.number].reply)
                for row in books.of(span, READERS)
            ]


def _everybody_once(relay: RelayProcess, books: Books, before: Books, expected: list[str]) -> None:
    """A kill may repeat what was in flight, or have it held as it was; nobody else gets anything."""
    taken = relay_log.accepted(relay.lines())
    copies = Counter({address: len(lines) for address, lines in taken.items()})
    rows = {row.address: row for row in books.rows}
    assert set(copies) <= set(expected)
    for address in expected:
        row = rows[address]
        is_accounted_for = row.state is DeliveryState.ACCEPTED and copies[address] > 0
        assert is_accounted_for or (row.state is DeliveryState.HELD and row.uncertain_count >= 2), address
    assert sum(copies.values()) <= len(expected) + CONNECTIONS * len(ENDS)
    others = [row for row in before.rows if row.address not in expected]
    assert all(
        (rows[row.address].state, rows[row.address].attempts) == (row.state, row.attempts) for row in others
    )


async def _books(outbox: Outbox) -> Books:
    return await outbox.resources.database.read(_read, outbox.edition.id)


def _read(session: Session, edition_id: int) -> Books:
    return Books(
        session.get_one(Run, edition_id),
        list(session.exec(select(Span).where(Span.edition_id == edition_id).order_by(col(Span.first)))),
        list(
            session.exec(
                select(Delivery).where(Delivery.edition_id == edition_id).order_by(col(Delivery.number))
            )
        ),
    )
