"""The crash proof at length: senders killed again and again at every point, thousands of rows open, on both databases.

    python -m bench.crash [--kills 10] [--database sqlite]

`measure` gives what `bench/out/summary.json` keeps (lost, repeats_per_kill_max, kills) and the detail of each database and point.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

from bench.chosen import settings_in
from service import logs, migrations
from service.dependencies import opened
from tests.support import postgres, processes
from tests.support.crash import POINTS, Rehearsal, Verdict, turn
from tests.support.nursery import nursery
from tests.support.outbox import open_outbox

DATABASES = ("sqlite", "postgresql")
KILLS_PER_POINT = 10
OPEN_ROWS = 5_000
SENT_BEFORE_A_KILL = 80  # on average, and generously
CONNECTIONS = 20
END_WITHIN = 300.0


class Detail(TypedDict):
    """Of one database. `points`: kills, repeats and the most repeats of one kill, by where it struck."""

    lost: int
    changed: int
    held: int
    kills: int
    repeats: int
    repeats_per_kill_max: int
    open_rows_least: int
    seconds: float
    breaches: list[str]
    points: dict[str, dict[str, int]]


class Report(TypedDict):
    lost: int
    repeats_per_kill_max: int
    kills: int
    repeats: int
    breaches: list[str]
    databases: dict[str, Detail]


def measure(databases: Sequence[str] = DATABASES, *, kills_per_point: int = KILLS_PER_POINT) -> Report:
    """Both databases, one after the other. `breaches` is empty if every promise was kept."""
    details: dict[str, Detail] = {}
    for name in databases:
        with tempfile.TemporaryDirectory() as folder, _database(name, Path(folder)) as url:
            migrations.upgrade(url)
            details[name] = asyncio.run(_measured(Path(folder), url, kills_per_point))
    found = details.values()
    return Report(
        lost=sum(one["lost"] for one in found),
        repeats_per_kill_max=max(one["repeats_per_kill_max"] for one in found),
        kills=sum(one["kills"] for one in found),
        repeats=sum(one["repeats"] for one in found),
        breaches=[f"{name}: {breach}" for name, one in details.items() for breach in one["breaches"]],
        databases=details,
    )


async def _measured(folder: Path, url: str, kills_per_point: int) -> Detail:
    began = time.perf_counter()
    found = await prove(folder, url, kills_per_point=kills_per_point)
    least = min(kill.open_rows for kill in found.kills)
    breaches = list(found.breaches(connections=CONNECTIONS))
    if not found.repeats_in_all:
        breaches.append("no repeat at all: kills that cost nothing prove nothing")
    if least < OPEN_ROWS:
        breaches.append(f"only {least} rows were open at a kill")
    return Detail(
        lost=len(found.lost),
        changed=len(found.changed),
        held=found.held,
        kills=len(found.kills),
        repeats=found.repeats_in_all,
        repeats_per_kill_max=found.repeats_per_kill_max,
        open_rows_least=least,
        seconds=round(time.perf_counter() - began, 1),
        breaches=breaches,
        points=found.by_point(),
    )


async def prove(folder: Path, url: str, *, kills_per_point: int) -> Verdict:
    points = kills_per_point * POINTS
    audience = [
        f"reader{number}@example.org" for number in range(OPEN_ROWS + len(points) * SENT_BEFORE_A_KILL)
    ]
    async with (
        opened(settings_in(folder, url)) as resources,
        await processes.relay(folder) as relay,
        nursery(folder) as lives,
    ):
        outbox = await open_outbox(resources, audience)
        rehearsal = Rehearsal(outbox, relay, lives, folder=folder, connections=CONNECTIONS)
        for number, point in enumerate(points):
            await rehearsal.kill(point, nth=turn(point, number))
        async with await rehearsal.life():
            await outbox.until_ended(within=END_WITHIN)
        return await rehearsal.verdict()


@contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    """PostgreSQL is a server of its own that waits for the disk, as it does where it matters."""
    if name == "sqlite":
        yield f"sqlite:///{folder / 'memo.sqlite3'}"
        return
    with postgres.own_server() as server:
        yield server.create_database("memo_crash")


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m bench.crash", description="Kill senders and count.")
    asked.add_argument("--kills", type=int, default=KILLS_PER_POINT, help="of each point")
    asked.add_argument("--database", choices=DATABASES, action="append", help="default: both")
    chosen = asked.parse_args()
    logs.configure(form="console", level="WARNING")
    report = measure(chosen.database or DATABASES, kills_per_point=chosen.kills)
    print(json.dumps(report, indent=2))
    return 1 if report["breaches"] else 0


if __name__ == "__main__":
    sys.exit(main())
