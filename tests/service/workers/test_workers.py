"""A row for each worker, as real processes write and leave it."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.dependencies import Resources
from service.tokens import new_uid
from service.worker import Worker
from service.workers import present, register
from service.workers.models import WorkerProcess
from service.workers.present import Present, Standing
from service.workers.register import GONE_AFTER, KEPT_FOR, Identity
from tests.service.command.test_memo import memo
from tests.support import nursery, processes
from tests.support.crash import settings_of
from tests.support.outbox import open_outbox
from tests.support.processes import Process, RelayProcess
from tests.support.relay import Relay

READERS = [f"reader{number}@example.org" for number in range(400)]


def identity(name: str = "one.example.org:7") -> Identity:
    return Identity(new_uid(), name, name.partition(":")[0], 7, "0.1.0")


def started(resources: Resources, relay: RelayProcess, folder: Path, name: str) -> Process:
    settings = settings_of(resources, relay, folder, name=name, connections=4)
    return nursery.memo("worker", folder=folder, settings=settings, name=f"worker-{name}")


async def everybody(resources: Resources) -> list[Present]:
    return await resources.database.read(present.everybody)


async def until(resources: Resources, is_so: Callable[[list[Present]], bool]) -> list[Present]:
    async with asyncio.timeout(60):
        while not is_so(found := await everybody(resources)):
            await asyncio.sleep(0.1)
    return found


def aged(by: timedelta) -> Callable[[Session], None]:
    def move(session: Session) -> None:
        for row in session.execute(sa.select(WorkerProcess)).scalars():
            row.seen_at -= by
            session.add(row)

    return move


async def test_a_worker_is_alive_while_it_works_and_says_good_bye(resources: Resources, relay: Relay) -> None:
    worker = Worker(resources, relay.url)
    async with worker.running():
        (one,) = await everybody(resources)
        assert (one.name, one.standing) == (worker.name, Standing.ALIVE)
        assert f"{one.host}:{one.pid}" == one.name
        assert one.version
    (one,) = await everybody(resources)
    assert (one.standing, one.rate, one.held) == (Standing.STOPPED, 0.0, ())


async def test_the_tick_renews_its_row(resources: Resources, relay: Relay) -> None:
    async with Worker(resources, relay.url).running():
        (before,) = await everybody(resources)
        (after,) = await until(resources, lambda found: found[0].seen_at > before.seen_at)
        assert after.started_at == before.started_at
        assert after.figures["writes"]["counts"]


async def test_what_it_holds_and_how_quickly_it_hands_over(resources: Resources, tmp_path: Path) -> None:
    async with (
        await processes.relay(tmp_path, "--delay-ms", "100") as relay,
        started(resources, relay, tmp_path, "one") as process,
    ):
        await process.wait_for_line("is at work", within=60)
        outbox = await open_outbox(resources, READERS)
        (one,) = await until(resources, lambda found: bool(found[0].held) and found[0].rate > 0)
        held = one.held[0]
        assert (held.edition_uid, held.newsletter) == (outbox.edition.uid, "Morning Memo")
        assert 1 <= held.first <= held.last <= len(READERS)
        assert 0 < one.rate < 400
        process.kill9()
        await resources.database.write(aged(GONE_AFTER))
        (dead,) = await everybody(resources)
        assert (dead.standing, dead.rate) == (Standing.GONE, 0.0)
        assert dead.held, "it still has them in the rows, until somebody takes them over"


async def test_two_workers_are_seen_side_by_side(resources: Resources, tmp_path: Path) -> None:
    """On PostgreSQL; on SQLite the second one is turned away before it has a row."""
    async with (
        await processes.relay(tmp_path) as relay,
        started(resources, relay, tmp_path, "one") as first,
    ):
        await first.wait_for_line("is at work", within=60)
        async with started(resources, relay, tmp_path, "two") as second:
            if resources.database.is_sqlite:
                assert await second.wait() == 1
                assert len(await everybody(resources)) == 1
                return
            await second.wait_for_line("is at work", within=60)
            found = await until(resources, lambda found: sum(one.is_alive for one in found) == 2)
            assert {one.pid for one in found} == {first.pid, second.pid}
        found = await until(resources, lambda found: found[0].is_alive)
        assert [(one.pid, one.standing) for one in found] == [
            (first.pid, Standing.ALIVE),
            (second.pid, Standing.STOPPED),
        ]


async def test_a_name_that_is_borne_again_is_another_life(resources: Resources) -> None:
    """A container that was started again: the same name and pid, and what is held belongs to the later life."""
    await open_outbox(resources, READERS[:20])
    await resources.database.write(register.beat, identity(), {})
    await resources.database.write(aged(GONE_AFTER * 2))
    await resources.database.write(register.beat, identity(), {})
    await resources.database.write(_held_by, "one.example.org:7")
    alive, gone = await everybody(resources)
    assert (alive.standing, len(alive.held)) == (Standing.ALIVE, 1)
    assert (gone.standing, gone.held) == (Standing.GONE, ())


async def test_old_rows_are_cleared_away_but_never_the_last(resources: Resources) -> None:
    old, new = identity("old:1"), identity("new:2")
    for one in (old, new):
        await resources.database.write(register.beat, one, {})
        await resources.database.write(aged(KEPT_FOR + timedelta(minutes=1)))
    assert await resources.database.write(register.forget_old) == 1
    assert [one.name for one in await everybody(resources)] == ["new:2"]
    assert await resources.database.write(register.forget_old) == 0


async def test_who_was_cleared_away_while_asleep_is_back(resources: Resources) -> None:
    one = identity()
    await resources.database.write(register.beat, one, {})
    await resources.database.write(lambda session: session.execute(sa.delete(WorkerProcess)))
    await resources.database.write(register.beat, one, {"accepted": 3})
    (found,) = await everybody(resources)
    assert (found.standing, found.figures) == (Standing.ALIVE, {"accepted": 3})


async def test_a_write_that_fails_does_not_keep_a_worker_from_ending(
    resources: Resources, relay: Relay
) -> None:
    async with Worker(resources, relay.url).running():
        await resources.database.write(
            lambda session: session.execute(sa.text("ALTER TABLE workerprocess RENAME TO elsewhere"))
        )


async def test_the_command_lists_them(resources: Resources, tmp_path: Path) -> None:
    settings = {"MEMO_DATABASE_URL": resources.settings.database_url}
    outbox = await open_outbox(resources, READERS[:20])
    await resources.database.write(register.beat, identity("two.example.org:8"), {"rate": 1.0})
    await resources.database.write(aged(timedelta(hours=2)))
    said = {"rate": 41.5, "accepted": 1234, "standing_by": {"main": "nobody listens there"}}
    await resources.database.write(register.beat, identity(), said)
    await resources.database.write(
        aged(-timedelta(hours=1))
    )  # a command may take a while to begin on a busy machine
    await resources.database.write(_held_by, "one.example.org:7")
    ran = await asyncio.to_thread(memo, tmp_path, "workers", **settings)
    heading, alive, gone, cut_off = ran.stdout.splitlines()
    assert heading.split()[:2] == ["worker", "standing"]
    assert alive.startswith("one.example.org:7")
    assert "alive" in alive
    assert "41.5" in alive
    assert "1-20" in alive
    assert "gone since 20" in gone
    assert cut_off.startswith("one.example.org:7 stands by")
    assert cut_off.endswith("the relay main: nobody listens there")
    ran = await asyncio.to_thread(memo, tmp_path, "workers", "--json", **settings)
    first, second = json.loads(ran.stdout)
    assert (first["cannot_reach"], second["cannot_reach"]) == ({"main": "nobody listens there"}, {})
    assert (first["standing"], first["rate_per_second"], first["accepted"]) == ("alive", 41.5, 1234)
    assert first["holds"] == [
        {
            "edition": str(outbox.edition.uid), "newsletter": "Morning Memo", "date": "2026-03-02",
            "first": 1, "last": 20, "in_flight": 0,
        }
    ]  # fmt: skip
    assert (second["standing"], second["rate_per_second"], second["holds"]) == ("gone", 0.0, [])


def _held_by(session: Session, holder: str) -> None:
    now = sa.bindparam("now", database.now(session), type_=database.UtcDateTime())
    told = sa.text("UPDATE span SET holder = :holder, renewed_at = :now").bindparams(now, holder=holder)
    session.execute(told)
    assert session.execute(sa.select(sa.func.count(col(WorkerProcess.id)))).scalar_one()
