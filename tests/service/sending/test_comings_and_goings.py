"""Real workers that come, leave and die while an edition is under way, and lose every connection to the database: on PostgreSQL."""

from pathlib import Path

import pytest

from service.dependencies import Resources
from tests.support import processes
from tests.support.crash import Rehearsal
from tests.support.nursery import nursery
from tests.support.outbox import open_outbox
from tests.support.trouble import others_before_its_first, terminate_everybody

CONNECTIONS = 4
READERS = [f"reader{number}@example.org" for number in range(1_000)]
DELAY_MS = 60
NEWCOMER_MESSAGES = 2_000 * CONNECTIONS // DELAY_MS  # two seconds of one of the others, one of both


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_newcomer_has_work_at_once_and_whoever_leaves_or_dies_leaves_nobody_behind(
    resources: Resources, tmp_path: Path
) -> None:
    outbox = await open_outbox(resources, READERS)
    async with (
        await processes.relay(tmp_path, "--delay-ms", str(DELAY_MS)) as relay,
        nursery(tmp_path) as lives,
    ):
        rehearsal = Rehearsal(outbox, relay, lives, folder=tmp_path, connections=CONNECTIONS)
        dies = await rehearsal.life()
        leaves = await rehearsal.life()
        await relay.until_accepted(100)
        async with await rehearsal.life() as newcomer:
            name = rehearsal.names[newcomer.pid]
            assert await others_before_its_first(newcomer, name, relay) < NEWCOMER_MESSAGES
            dies.kill9()
            assert await leaves.stop() == 0, leaves.output
            so_far = len(relay.lines())
            await relay.until_accepted(so_far + 50, within=15)
            relay.script(delay_ms=0)
            await outbox.until_ended(within=60)
        found = await rehearsal.verdict()
    assert list(found.wrongs()) == []
    assert found.repeats_in_all == found.repeats["life1"] <= CONNECTIONS, found.repeats


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_nobody_is_lost_when_every_connection_to_the_database_is_ended(
    resources: Resources, tmp_path: Path
) -> None:
    outbox = await open_outbox(resources, READERS[:600])
    async with await processes.relay(tmp_path, "--delay-ms", "30") as relay, nursery(tmp_path) as lives:
        rehearsal = Rehearsal(outbox, relay, lives, folder=tmp_path, connections=CONNECTIONS)
        async with await rehearsal.life() as first, await rehearsal.life() as second:
            for _ in range(2):
                await relay.until_accepted(len(relay.lines()) + 60)
                assert await terminate_everybody(resources.settings.database_url) >= 2
            relay.script(delay_ms=0)
            await outbox.until_ended(within=60)
            assert (first.code, second.code) == (None, None)
        found = await rehearsal.verdict()
    assert list(found.wrongs()) == []
    assert found.repeats_in_all <= 2 * 2 * CONNECTIONS
