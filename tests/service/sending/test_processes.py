"""Several workers, and several who start an edition: its readers get it once. (What dies, stops or fails: the files beside.)"""

import asyncio
import uuid
from collections import Counter
from dataclasses import replace
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col

from service.clock import SystemClock
from service.delivery import launch
from service.dependencies import Resources
from service.editions.models import Edition, Rendition, State
from service.errors import Conflict
from service.ledger.models import Delivery, Run, Span
from service.worker import Worker
from tests.support import nursery, processes
from tests.support.crash import settings_of
from tests.support.outbox import open_outbox
from tests.support.processes import Process, RelayProcess
from tests.support.relay import Relay

READERS = 600
CONNECTIONS = 4


def readers() -> list[str]:
    return [f"reader{number}@example.org" for number in range(READERS)]


def worker(resources: Resources, relay: RelayProcess, folder: Path, name: str) -> Process:
    settings = settings_of(resources, relay, folder, name=name, connections=CONNECTIONS)
    return nursery.memo("worker", folder=folder, settings=settings, name=f"worker-{name}")


async def test_two_workers_share_an_edition(resources: Resources, tmp_path: Path) -> None:
    """On PostgreSQL. On SQLite one process sends, and a second one says so and ends."""
    async with (
        await processes.relay(tmp_path, "--delay-ms", "40") as relay,
        worker(resources, relay, tmp_path, "one") as first,
    ):
        await first.wait_for_line("is at work", within=60)
        async with worker(resources, relay, tmp_path, "two") as second:
            if resources.database.is_sqlite:
                assert await second.wait() == 1
                assert "already sending" in second.output
            else:
                await second.wait_for_line("is at work", within=60)
            outbox = await open_outbox(resources, readers())
            found = await outbox.until_ended(within=60)
        assert (found.accepted, found.open) == (READERS, 0)
        lines = relay.lines()
        assert sorted(line.recipient for line in lines) == sorted(readers())
        share = Counter(line.ehlo_name for line in lines)
        if not resources.database.is_sqlite:
            assert min(share["one.example.org"], share["two.example.org"]) >= READERS * 0.25, share


async def test_nb_08_two_who_start_it_at_once_send_it_once(resources: Resources, relay: Relay) -> None:
    resources = replace(resources, clock=SystemClock())
    outbox = await open_outbox(resources, readers())
    draft = await resources.database.write(_as_draft, outbox.edition.id)
    answers = await asyncio.gather(
        *(launch.launch(resources, draft, actor="test") for _ in range(2)), return_exceptions=True
    )
    assert sorted(isinstance(answer, Conflict) for answer in answers) == [False, True]
    async with Worker(resources, relay.url).running():
        found = await outbox.until_ended(within=60)
    assert (found.accepted, found.audience) == (READERS, READERS)
    assert sorted(one.recipient for one in relay.received) == sorted(readers())
    assert await outbox.state() is State.SENT


def _as_draft(session: Session, edition_id: int) -> uuid.UUID:
    """Take the prepared run away again, so that starting it is what the test does."""
    for table in (Delivery, Span, Run, Rendition):
        session.execute(sa.delete(table).where(col(table.edition_id) == edition_id))
    edition = session.get_one(Edition, edition_id)
    edition.state, edition.started_at = State.DRAFT, None
    session.add(edition)
    return edition.uid
