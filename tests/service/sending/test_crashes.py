"""Real workers, killed wherever it could hurt: nobody is lost, and a repeat is rare, bounded, and the same message."""

from pathlib import Path

from service.dependencies import Resources
from tests.support import processes
from tests.support.crash import POINTS, Rehearsal, Verdict, turn
from tests.support.nursery import nursery
from tests.support.outbox import open_outbox
from tests.support.sabotage import Plan
from tests.support.trouble import queue_emptied

READERS = 2_500
OPEN_ROWS = 1_000
CONNECTIONS = 4
WITHOUT_BARRIER = Plan(without_barrier=True)
TELLING = ("after COMMIT", "at MAIL", "after the dot, taken", "after the 250")


def readers(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(count)]


async def killed_everywhere(
    resources: Resources, folder: Path, points: tuple[str, ...], build: Plan, *, audience: int
) -> Verdict:
    """One edition; a sender killed at each of these points, then one asked to end, then one that finishes."""
    outbox = await open_outbox(resources, readers(audience))
    async with await processes.relay(folder) as relay, nursery(folder) as lives:
        rehearsal = Rehearsal(outbox, relay, lives, folder=folder, connections=CONNECTIONS, build=build)
        for number, point in enumerate(points):
            await rehearsal.kill(point, nth=turn(point, number))
        await rehearsal.end(after=50)
        async with await rehearsal.life(), queue_emptied(resources.settings.database_url):
            await outbox.until_ended(within=60)
        return await rehearsal.verdict()


async def test_nb_02_kill_9_anywhere_loses_nobody_and_sigterm_repeats_nothing(
    resources: Resources, tmp_path: Path
) -> None:
    found = await killed_everywhere(resources, tmp_path, 2 * POINTS, Plan(), audience=READERS)
    assert list(found.breaches(connections=CONNECTIONS)) == []
    assert sum(found.repeats.values()) > 0, "the test can see repeats"
    assert len(found.kills) >= 2 * len(POINTS)
    assert min(kill.open_rows for kill in found.kills) >= OPEN_ROWS


async def test_the_same_kills_tell_a_sender_without_the_barrier(resources: Resources, tmp_path: Path) -> None:
    found = await killed_everywhere(resources, tmp_path, TELLING, WITHOUT_BARRIER, audience=600)
    breaches = list(found.breaches(connections=CONNECTIONS))
    assert any("repeats" in breach or "two different" in breach for breach in breaches)
