"""Real worker processes, killed and stopped: every reader is accounted for, and repeats stay within what a crash may cost."""

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
from service.ledger.models import Delivery, DeliveryState, Run, Span
from service.ledger.progress import Progress
from service.worker import Worker
from tests.support import processes, relay_log
from tests.support.outbox import Outbox, open_outbox
from tests.support.processes import Process, RelayProcess
from tests.support.relay import Relay
from tests.support.relay_log import Line

READERS = 1_000
CONNECTIONS = 4
KILLS = 5
HEARTBEAT_OVER_SECONDS = 12  # a span is stale after 10


def readers() -> list[str]:
    return [f"reader{number}@example.org" for number in range(READERS)]


def worker(resources: Resources, relay: RelayProcess, folder: Path, name: str = "one") -> Process:
    chosen = resources.settings
    settings = {
        "MEMO_DATABASE_URL": chosen.database_url,
        "MEMO_DATA_DIR": str(folder / "var"),
        "MEMO_RELAY_URL": relay.url,
        "MEMO_SECRET_KEY": chosen.secret_key,
        "MEMO_SUPPRESSION_PEPPER": chosen.suppression_pepper,
        "MEMO_PUBLIC_URL": chosen.public_url,
        "MEMO_RELAY_CONNECTIONS": str(CONNECTIONS),
        "MEMO_UNCERTAIN_WAIT": "0.5",
        "MEMO_EHLO_NAME": f"{name}.example.org",
    }
    return processes.memo("worker", folder=folder, settings=settings, name=f"worker-{name}")


def repeats(lines: list[Line]) -> int:
    """How many messages came more than once; each time they must be the same message."""
    by_reader = relay_log.accepted(lines)
    for address, copies in by_reader.items():
        assert len({(one.message_id, one.sha256) for one in copies}) == 1, (
            f"{address} got two different messages"
        )
    return sum(len(copies) - 1 for copies in by_reader.values())


async def assert_nobody_is_lost(outbox: Outbox, relay: RelayProcess, found: Progress) -> None:
    assert found.audience == READERS
    assert found.accepted + found.held == READERS
    taken = relay_log.accepted(relay.lines())
    rows = await outbox.rows()
    never = [
        row.address
        for row in rows.values()
        if row.state is DeliveryState.ACCEPTED and row.address not in taken
    ]
    assert never == []


async def test_nb_02_kill_9_five_times_loses_nobody(resources: Resources, tmp_path: Path) -> None:
    outbox = await open_outbox(resources, readers())
    async with await processes.relay(tmp_path, "--delay-ms", "8") as relay:
        for kill in range(1, KILLS + 1):
            async with worker(resources, relay, tmp_path, f"number{kill}") as running:
                await relay.until_accepted(kill * READERS // (KILLS + 2))
                running.kill9()
        async with worker(resources, relay, tmp_path, "last"):
            found = await outbox.until_ended(within=90)
        await assert_nobody_is_lost(outbox, relay, found)
        assert repeats(relay.lines()) <= KILLS * CONNECTIONS


async def test_sigterm_repeats_nothing(resources: Resources, tmp_path: Path) -> None:
    outbox = await open_outbox(resources, readers())
    async with await processes.relay(tmp_path, "--delay-ms", "8") as relay:
        for stop in (1, 2):
            async with worker(resources, relay, tmp_path, f"number{stop}") as running:
                await relay.until_accepted(stop * READERS // 4)
                assert await running.stop() == 0
        async with worker(resources, relay, tmp_path, "last"):
            found = await outbox.until_ended(within=90)
        assert (found.accepted, found.held) == (READERS, 0)
        assert repeats(relay.lines()) == 0


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
        assert repeats(lines) == 0
        share = Counter(line.ehlo_name for line in lines)
        if not resources.database.is_sqlite:
            assert min(share["one.example.org"], share["two.example.org"]) >= READERS * 0.2, share


async def test_a_worker_stopped_past_its_heartbeat_and_continued_costs_no_more_than_its_connections(
    resources: Resources, tmp_path: Path
) -> None:
    outbox = await open_outbox(resources, readers())
    async with (
        await processes.relay(tmp_path, "--delay-ms", "20") as relay,
        worker(resources, relay, tmp_path, "one") as first,
    ):
        await relay.until_accepted(100)
        if resources.database.is_sqlite:
            first.pause()
            await asyncio.sleep(HEARTBEAT_OVER_SECONDS)
            first.resume()
            found = await outbox.until_ended(within=60)
        else:
            async with worker(resources, relay, tmp_path, "two") as second:
                await second.wait_for_line("is at work")
                first.pause()
                await asyncio.sleep(HEARTBEAT_OVER_SECONDS)
                first.resume()
                found = await outbox.until_ended(within=60)
        await assert_nobody_is_lost(outbox, relay, found)
        assert repeats(relay.lines()) <= CONNECTIONS


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
