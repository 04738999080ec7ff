"""Real workers whose database goes away under them: nothing leaves meanwhile, and afterwards it goes on as if nothing had been."""

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from service import migrations, settings
from service.dependencies import Resources, opened
from tests.support import postgres, processes
from tests.support.clock import HandClock
from tests.support.crash import Rehearsal
from tests.support.nursery import nursery
from tests.support.outbox import open_outbox
from tests.support.postgres import OwnPostgres
from tests.support.processes import RelayProcess

CONNECTIONS = 4
READERS = [f"reader{number}@example.org" for number in range(600)]
FULL_SECONDS = 4  # longer than a span's holder waits to renew it


@pytest.fixture
def own_postgres() -> Iterator[OwnPostgres]:
    with postgres.own_server() as started:
        yield started


@pytest.fixture
async def restartable(
    own_postgres: OwnPostgres, tmp_path: Path, clock: HandClock
) -> AsyncIterator[Resources]:
    url = own_postgres.create_database("memo")
    await asyncio.to_thread(migrations.upgrade, url)
    chosen = settings.load(
        data_dir=tmp_path / "var",
        database_url=url,
        public_url="https://news.example.org",
        secret_key="a key for tests only",
        suppression_pepper="a pepper for tests only",
    )
    async with opened(chosen, clock) as held:
        yield held


async def test_a_database_that_is_restarted_costs_nobody_a_message(
    own_postgres: OwnPostgres, restartable: Resources, tmp_path: Path
) -> None:
    outbox = await open_outbox(restartable, READERS)
    async with await processes.relay(tmp_path, "--delay-ms", "20") as relay, nursery(tmp_path) as lives:
        rehearsal = Rehearsal(outbox, relay, lives, folder=tmp_path, connections=CONNECTIONS)
        async with await rehearsal.life() as worker:
            await relay.until_accepted(80)
            await asyncio.to_thread(own_postgres.interrupt, "fast")
            await relay.until_accepted(len(relay.lines()) + 80)
            await asyncio.to_thread(own_postgres.interrupt, "immediate")
            relay.script(delay_ms=0)
            await outbox.until_ended(within=60)
            assert worker.code is None
        found = await rehearsal.verdict()
    assert list(found.wrongs()) == []
    assert found.repeats_in_all <= 2 * CONNECTIONS


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nb_35_a_full_disk_stops_messages_and_nothing_else(
    resources: Resources, tmp_path: Path
) -> None:
    outbox = await open_outbox(resources, READERS)
    async with await processes.relay(tmp_path, "--delay-ms", "20") as relay, nursery(tmp_path) as lives:
        rehearsal = Rehearsal(outbox, relay, lives, folder=tmp_path, connections=CONNECTIONS)
        async with await rehearsal.life() as worker:
            await relay.until_accepted(80)
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            at_first = await nothing_comes(relay)
            await asyncio.sleep(FULL_SECONDS)
            assert len(relay.lines()) == at_first < len(READERS)
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            relay.script(delay_ms=0)
            await outbox.until_ended(within=60)
            assert worker.code is None
        found = await rehearsal.verdict()
    assert list(found.wrongs()) == []
    assert found.repeats_in_all <= CONNECTIONS


async def nothing_comes(relay: RelayProcess) -> int:
    """Return once no message has come for three seconds: for one second none may come on a busy machine, either."""
    async with asyncio.timeout(30):
        while True:
            before = len(relay.lines())
            await asyncio.sleep(3)
            if len(relay.lines()) == before:
                return before
