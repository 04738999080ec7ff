"""Imports survive what happens to processes: killed, stopped, two at once. Nobody is entered twice, nobody is left out."""

import asyncio
import os
import re
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session

from service.backups import continuity, standstill
from service.clock import SystemClock
from service.dependencies import Resources
from service.imports import candidates, carrying, entering, packing, reading, register
from service.imports.entering import Piece, Taken
from service.imports.models import State
from service.newsletters.models import Newsletter
from service.subscribers import optin, signup
from service.worker import Worker
from tests.service.desk import steps as newsroom
from tests.service.imports import steps
from tests.support import processes
from tests.support.clock import HandClock
from tests.support.outbox import open_outbox
from tests.support.relay import Relay

ROWS = 1_200
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def take(resources: Resources) -> Taken:
    taken = await resources.database.write(entering.take, now=resources.clock.now())
    assert taken is not None
    return taken


def part_of(resources: Resources, taken: Taken, count: int) -> Piece:
    with packing.text(taken.data, taken.layout.encoding) as text:
        rows = list(candidates.read(text, taken.layout))[taken.cursor : taken.cursor + count]
    return entering.piece(taken, taken.cursor, rows, pepper=resources.pepper, is_last=False)


async def test_what_a_killed_worker_had_begun_is_carried_on_where_it_was(
    resources: Resources, clock: HandClock
) -> None:
    memo = await newsroom.newsletter(resources)
    # The last row names somebody of the first piece again: the one who goes on has to know that.
    row = await steps.begin(resources, memo, steps.rows(ROWS) + "reader1@example.org;Again\n")
    taken = await take(resources)
    assert await resources.database.write(entering.enter, part_of(resources, taken, 500), now=clock.now())

    await carrying.carry_on_due(resources, asyncio.Event())
    assert (await steps.now_is(resources, memo, row)).cursor == 500, "it is not anybody's yet"
    clock.advance(entering.TAKEN_FOR)
    await carrying.carry_on_due(resources, asyncio.Event())

    done = await steps.now_is(resources, memo, row)
    assert (done.state, done.cursor, done.counts) == (State.DONE, ROWS + 1, {"added": ROWS, "repeated": 1})
    assert len(await steps.readers(resources)) == len(await steps.consents(resources)) == ROWS


async def test_a_piece_that_is_not_committed_leaves_nothing(resources: Resources) -> None:
    memo = await newsroom.newsletter(resources)
    row = await steps.begin(resources, memo, steps.rows(20))
    part = part_of(resources, await take(resources), 20)

    def killed(session: Session) -> None:
        assert entering.enter(session, part, now=resources.clock.now())
        raise RuntimeError("killed before its commit")

    with pytest.raises(RuntimeError):
        await resources.database.write(killed)
    assert await steps.readers(resources) == []
    assert await steps.consents(resources) == []
    found = await steps.now_is(resources, memo, row)
    assert (found.cursor, found.counts) == (0, {})


async def test_two_workers_at_one_import_do_each_piece_once(resources: Resources) -> None:
    memo = await newsroom.newsletter(resources)
    row = await steps.begin(resources, memo, steps.rows(ROWS))
    taken = await take(resources)
    same = part_of(resources, taken, 300)
    now = resources.clock.now()
    both = await asyncio.gather(*(resources.database.write(entering.enter, same, now=now) for _ in range(2)))
    assert sorted(both) == [False, True]

    behind = replace(taken, cursor=300)
    stopping = asyncio.Event()
    await asyncio.gather(*(carrying.carry_on(resources, behind, stopping) for _ in range(2)))

    done = await steps.now_is(resources, memo, row)
    assert done.counts == {"added": ROWS}
    assert len(await steps.readers(resources)) == len(await steps.consents(resources)) == ROWS


async def test_two_lists_with_the_same_people_and_one_who_signs_up_meanwhile(resources: Resources) -> None:
    memo = await newsroom.newsletter(resources)
    backwards = "email\n" + "".join(f"reader{number}@example.org\n" for number in reversed(range(ROWS)))
    rows = [await steps.begin(resources, memo, data) for data in (steps.rows(ROWS), backwards)]
    taken = [await take(resources) for _ in rows]
    stopping = asyncio.Event()

    async def sign_up(number: int) -> None:
        address = signup.read_address(f"reader{number}@example.org")
        asked = signup.SignUp(address, None, "/n/morning-memo", "I agree.", "")
        await resources.database.write(
            optin.ask, memo, asked, pepper=resources.pepper, now=resources.clock.now()
        )

    await asyncio.gather(
        *(carrying.carry_on(resources, one, stopping) for one in taken),
        *(sign_up(n) for n in (1, 700, 1_199)),
    )

    done = [await steps.now_is(resources, memo, row) for row in rows]
    assert [sum(one.counts.values()) for one in done] == [ROWS, ROWS]
    readers = await steps.readers(resources)
    assert len(readers) == ROWS
    active = [one for one in readers if one.state == "active"]
    assert sum(one.counts.get("added", 0) for one in done) == len(active)
    assert {one.state for one in readers} <= {"active", "pending"}


async def test_stopped_at_the_desk_it_enters_nobody_else_and_its_file_goes(resources: Resources) -> None:
    memo = await newsroom.newsletter(resources)
    row = await steps.begin(resources, memo, steps.rows(ROWS))
    taken = await take(resources)
    assert await resources.database.write(
        entering.enter, part_of(resources, taken, 100), now=resources.clock.now()
    )

    def stop(session: Session) -> None:
        found = register.locked(session, memo, row.uid)
        register.stop(session, found, actor="Ada Okafor", now=resources.clock.now())

    await resources.database.write(stop)
    await carrying.carry_on(resources, replace(taken, cursor=100), asyncio.Event())
    found = await steps.now_is(resources, memo, row)
    assert (found.state, found.cursor, found.due_at) == (State.STOPPED, 100, None)
    assert await steps.files(resources) == 0
    assert len(await steps.readers(resources)) == 100


async def test_a_worker_that_stops_lets_it_go_for_the_next(resources: Resources) -> None:
    memo = await newsroom.newsletter(resources)
    row = await steps.begin(resources, memo, steps.rows(ROWS))
    stopping = asyncio.Event()
    taken = await take(resources)
    await carrying.carry_on(resources, taken, stopping, lambda _: stopping.set())
    assert (await steps.now_is(resources, memo, row)).state is State.RUNNING
    await carrying.carry_on_due(resources, asyncio.Event())
    assert (await steps.now_is(resources, memo, row)).counts == {"added": ROWS}


async def test_a_worker_that_ends_leaves_it_to_the_next_at_once(resources: Resources, relay: Relay) -> None:
    resources = replace(resources, clock=SystemClock())
    memo = await newsroom.newsletter(resources)
    row = await steps.begin(resources, memo, steps.rows(20_000))
    async with Worker(resources, relay.url).running():
        async with asyncio.timeout(60):
            while not (await steps.now_is(resources, memo, row)).cursor:
                await asyncio.sleep(0.05)
    found = await steps.now_is(resources, memo, row)
    assert found.state is State.RUNNING
    assert found.due_at is not None
    assert found.due_at <= resources.clock.now()


async def test_a_database_put_back_from_a_copy_brings_nobody_in(resources: Resources, relay: Relay) -> None:
    """Who has left since, and that somebody stopped it, the copy does not know."""
    resources = replace(resources, clock=SystemClock())
    memo = await newsroom.newsletter(resources)
    row = await steps.begin(resources, memo, steps.rows(50))
    now = resources.clock.now()
    held = await resources.database.write(standstill.begin, "A backup was restored.", now=now, actor="test")
    assert held.hold is not None
    assert "A list of readers was being brought in and stopped" in held.hold.reason
    await resources.database.write(continuity.release, now=now, actor="Ada Okafor")
    await carrying.carry_on_due(resources, asyncio.Event())
    assert (await steps.now_is(resources, memo, row)).state is State.STOPPED
    assert await steps.readers(resources) == []


async def test_a_worker_does_it_beside_an_edition_that_it_sends(resources: Resources, relay: Relay) -> None:
    resources = replace(resources, clock=SystemClock())
    outbox = await open_outbox(resources, [f"at{number}@example.org" for number in range(200)])
    memo = await newsroom.newsletter(resources, slug="evening-memo", name="Evening Memo")
    row = await steps.begin(resources, memo, steps.rows(3_000))
    async with Worker(resources, relay.url).running():
        await outbox.until_ended(within=60)
        async with asyncio.timeout(60):
            while (found := await steps.now_is(resources, memo, row)).state is State.RUNNING:
                await asyncio.sleep(0.05)
    assert (found.state, found.counts) == (State.DONE, {"added": 3_000})
    assert len(relay.received) == 200


@asynccontextmanager
async def in_the_midst_of_it(
    resources: Resources, memo: Newsletter, folder: Path
) -> AsyncIterator[processes.Process]:
    """`memo import` with 20,000 rows, of which some are in."""
    (folder / "list.csv").write_text(steps.rows(20_000))
    chosen = resources.settings
    settings = {
        "MEMO_DATABASE_URL": chosen.database_url,
        "MEMO_DATA_DIR": str(chosen.data_dir),
        "MEMO_SUPPRESSION_PEPPER": resources.pepper,
    }
    command = ("import", "morning-memo", "list.csv", "--consent", steps.CONSENT)
    async with processes.memo(*command, folder=folder, settings=settings) as process:
        await process.wait_for_line(r"import\.carried_on", within=60)
        async with asyncio.timeout(60):
            while not (await resources.database.read(register.latest, memo))[0].cursor:
                await asyncio.sleep(0.05)
        yield process


async def test_whoever_interrupts_the_command_stops_the_import(resources: Resources, tmp_path: Path) -> None:
    """They have seen that it is the wrong list: no worker may go on with it."""
    memo = await newsroom.newsletter(resources)
    async with in_the_midst_of_it(resources, memo, tmp_path) as process:
        os.kill(process.pid, signal.SIGINT)
        assert await process.wait(within=60) == 130
        assert "Stopped. What has gone in stays" in process.output
    found = (await resources.database.read(register.latest, memo))[0]
    assert (found.state, found.cursor) == (State.STOPPED, len(await steps.readers(resources)))


async def test_a_process_that_is_killed_doubles_nothing(
    resources: Resources, clock: HandClock, tmp_path: Path
) -> None:
    memo = await newsroom.newsletter(resources)
    async with in_the_midst_of_it(resources, memo, tmp_path) as process:
        process.kill9()
    assert re.search(r"import\.done", process.output) is None
    cursor, entered = await steps.how_far(resources)
    assert 0 < cursor == entered < 20_000

    clock.set(SystemClock().now() + entering.TAKEN_FOR + timedelta(seconds=5))
    await carrying.carry_on_due(resources, asyncio.Event())
    (done,) = await resources.database.read(register.latest, memo)
    assert done.counts == {"added": 20_000}
    assert len(await steps.consents(resources)) == 20_000


@SQLITE
async def test_lists_are_read_in_threads_of_their_own(resources: Resources) -> None:
    names = await asyncio.gather(*(reading.run(lambda: threading.current_thread().name) for _ in range(8)))
    assert {name.rpartition("_")[0] for name in names} == {"memo-import"}
    assert len(set(names)) <= reading.AT_ONCE


async def test_who_has_left_in_a_row_further_down_is_not_entered(resources: Resources) -> None:
    memo = await newsroom.newsletter(resources)
    rows = "".join(f"reader{number}@example.org,active\n" for number in range(600))
    row = await steps.begin(resources, memo, f"email,status\n{rows}READER3@example.org,unsubscribed\n")
    await carrying.carry_on_due(resources, asyncio.Event())
    done = await steps.now_is(resources, memo, row)
    assert done.counts == {"added": 599, "gone": 2}


async def test_a_month_after_its_end_nothing_is_kept_of_what_was_wrong(
    resources: Resources, clock: HandClock
) -> None:
    memo = await newsroom.newsletter(resources)
    row = await steps.bring_in(resources, memo, "email;x\nada@exa mple;\nole@example.org;\n")
    clock.advance(timedelta(days=29))
    await resources.database.write(register.forget_old, now=clock.now())
    assert len((await steps.now_is(resources, memo, row)).problems) == 1
    clock.advance(timedelta(days=2))
    await resources.database.write(register.forget_old, now=clock.now())
    found = await steps.now_is(resources, memo, row)
    assert (found.problems, found.problem_count) == ([], 1)
