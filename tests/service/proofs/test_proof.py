"""Proofs of real ledgers: every state, many rows, and ledgers that do not add up."""

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.dependencies import Resources
from service.editions.models import Edition, State
from service.ledger.models import OPEN, Delivery, DeliveryState, Run
from service.proofs import checking, facts, seal, writing
from service.proofs.facts import DoesNotAddUp, NothingToProve
from service.proofs.forms import JSON
from service.proofs.writing import FormUnknown
from tests.support import publishing
from tests.support.outbox import Outbox, open_outbox

ENDS = ("accepted", "refused", "expired", "skipped", "cancelled", "held", "open")


def readers(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(1, count + 1)]


async def proof(resources: Resources, outbox: Outbox, form: str = "json", *, whole: bool = False) -> bytes:
    found = await resources.database.read(facts.of, outbox.edition.uid, now=resources.clock.now())
    asked = writing.wanted(form, has_whole_addresses=whole)
    pieces = [piece async for piece in writing.stream(resources.database, resources.keys, found, asked)]
    return b"".join(pieces)


def check(resources: Resources, data: bytes) -> checking.Genuine:
    return checking.check(io.BytesIO(data), seal.public_keys(resources.keys))


def end(session: Session, edition: Edition, states: dict[str, int]) -> None:
    """Rows in these states, in this order; the run has ended unless one is open."""
    number = 1
    for state, count in states.items():
        pins = None if state in ("skipped", "queued") else {"rendition": 1}
        session.execute(
            sa.update(Delivery)
            .where(
                col(Delivery.edition_id) == edition.id,
                col(Delivery.number) >= number,
                col(Delivery.number) < number + count,
            )
            .values(state=DeliveryState(state), reply=f"250 {state}", at=database.utc_now(), pins=pins)
        )
        number += count
    if not {DeliveryState(state) for state in states} & set(OPEN):
        session.get_one(Run, edition.id).ended_at = database.now(session)
        session.get_one(Edition, edition.id).state = State.SENT


async def test_every_state_is_counted_and_the_sum_is_the_audience(resources: Resources) -> None:
    states = {state.value: number for number, state in enumerate(DeliveryState, 1)}
    outbox = await open_outbox(resources, readers(sum(states.values())))
    await resources.database.write(end, outbox.edition, states)

    data = await proof(resources, outbox)

    read = json.loads(data)
    totals: dict[str, Any] = read["proof"]["totals"]
    assert {name: totals[name] for name in states} == states
    assert totals["open"] == sum(states[state.value] for state in OPEN)
    assert totals["audience"] == sum(totals[name] for name in ENDS) == 45
    assert read["listed"] == totals
    assert read["proof"]["is_final"] is False
    assert [row["number"] for row in read["deliveries"]] == list(range(1, 46))
    assert read["proof"]["renditions"][0]["version"] == 1
    assert {row["rendition"] for row in read["deliveries"]} == {1, None}
    assert check(resources, data).audience == 45


@pytest.mark.parametrize("form", ["json", "csv"])
async def test_twenty_thousand_rows_stream_in_flat_memory(resources: Resources, form: str) -> None:
    outbox = await open_outbox(resources, readers(1))
    await resources.database.write(grow, outbox.edition.id, 20_000)
    found = await resources.database.read(facts.of, outbox.edition.uid, now=resources.clock.now())
    size = pieces = 0
    tracemalloc.start()
    asked = writing.wanted(form)
    async for piece in writing.stream(resources.database, resources.keys, found, asked):
        if pieces == 2:
            tracemalloc.reset_peak()
            held = tracemalloc.get_traced_memory()[0]
        size, pieces = size + len(piece), pieces + 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert pieces == 22
    assert size > 800_000
    assert peak - held < 4_000_000, "a page or two, however many rows there are"


def grow(session: Session, edition_id: int, count: int) -> None:
    template = session.get_one(Delivery, (edition_id, 1)).model_dump()
    others = ("number", "subscriber_id", "address", "state")
    rows = [
        {
            **template,
            **dict(zip(others, (number, 10_000 + number, f"r{number}@example.org", "accepted"), strict=True)),
        }
        for number in range(2, count + 1)
    ]
    session.connection().execute(
        sa.insert(Delivery), [row | {"state": DeliveryState.ACCEPTED} for row in rows]
    )
    session.get_one(Run, edition_id).last_number = count


async def test_a_ledger_that_does_not_add_up_gets_no_proof(resources: Resources) -> None:
    outbox = await open_outbox(resources, readers(5))
    await resources.database.write(end, outbox.edition, {"accepted": 5})

    def lose(session: Session) -> None:
        session.delete(session.get_one(Delivery, (outbox.edition.id, 3)))

    await resources.database.write(lose)

    with pytest.raises(DoesNotAddUp, match="5 readers were numbered and 4 are in the ledger"):
        await proof(resources, outbox)


@pytest.mark.parametrize("number", [1, 3, 5])
async def test_a_gap_in_the_numbers_is_named(resources: Resources, number: int) -> None:
    outbox = await open_outbox(resources, readers(5))
    await resources.database.write(end, outbox.edition, {"accepted": 5})
    elsewhere = sa.update(Delivery).where(col(Delivery.number) == number).values(number=9)
    await resources.database.write(lambda session: session.execute(elsewhere))
    with pytest.raises(DoesNotAddUp, match=f"Reader {number} is not in the ledger"):
        await proof(resources, outbox)


async def test_a_row_that_changes_meanwhile_ends_it_without_a_signature(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PAGE_ROWS", 2)
    outbox = await open_outbox(resources, readers(5))
    await resources.database.write(end, outbox.edition, {"accepted": 5})
    found = await resources.database.read(facts.of, outbox.edition.uid, now=resources.clock.now())

    def change(session: Session) -> None:
        session.get_one(Delivery, (outbox.edition.id, 4)).state = DeliveryState.REFUSED

    async def whole() -> bytes:
        written = b""
        async for piece in writing.stream(resources.database, resources.keys, found, writing.wanted("json")):
            if not written:
                await resources.database.write(change)
            written += piece
        return written

    with pytest.raises(DoesNotAddUp, match="Make it once more"):
        await whole()


async def test_while_it_is_being_sent_the_rows_listed_still_add_up(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PAGE_ROWS", 2)
    outbox = await open_outbox(resources, readers(5))
    found = await resources.database.read(facts.of, outbox.edition.uid, now=resources.clock.now())
    written = b""
    async for piece in writing.stream(resources.database, resources.keys, found, writing.wanted("json")):
        if not written:
            await resources.database.write(end, outbox.edition, {"accepted": 5})
        written += piece
    read = json.loads(written)
    assert read["proof"]["is_final"] is False
    assert (read["proof"]["totals"]["open"], read["listed"]["accepted"], read["listed"]["audience"]) == (
        5,
        5,
        5,
    )
    assert check(resources, written).audience == 5


async def test_an_edition_that_has_not_begun_has_nothing_to_prove(resources: Resources) -> None:
    now = resources.clock.now()

    def draft(session: Session) -> Edition:
        memo = publishing.newsletter(session, now)
        made = Edition(newsletter_id=memo.id, local_date=now.date(), state=State.DRAFT, created_at=now)
        session.add(made)
        session.flush()
        return made

    edition = await resources.database.write(draft)
    with pytest.raises(NothingToProve):
        await resources.database.read(facts.of, edition.uid, now=now)


async def test_a_file_is_there_whole_or_not_at_all(resources: Resources, tmp_path: Path) -> None:
    outbox = await open_outbox(resources, readers(3))
    await resources.database.write(end, outbox.edition, {"accepted": 3})
    found = await resources.database.read(facts.of, outbox.edition.uid, now=resources.clock.now())
    asked = writing.wanted("csv")
    path = tmp_path / asked.file_name(found)

    await writing.write(resources.database, resources.keys, found, asked, path)

    assert path.name == "proof-morning-memo-2026-03-02.csv"
    assert check(resources, path.read_bytes()).accepted == 3
    wrong = Path(path).with_name("wrong.csv")
    found.totals.counts[DeliveryState.ACCEPTED] = 4
    with pytest.raises(DoesNotAddUp):
        await writing.write(resources.database, resources.keys, found, asked, wrong)
    assert [one.name for one in tmp_path.glob("*proof*")] == [path.name]
    assert not wrong.exists()


def test_there_are_two_forms() -> None:
    assert writing.wanted("json").form is JSON
    with pytest.raises(FormUnknown):
        writing.wanted("xml")
