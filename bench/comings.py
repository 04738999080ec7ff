"""Two workers with a slow relay share a large edition on PostgreSQL, and everything goes wrong that can: is anybody lost?

    python -m bench.comings [--readers 100000] [--connections 40] [--delay-ms 20]

The job tables are emptied all the time. In turn: every connection to the database is ended, one worker is killed, a newcomer begins,
the other worker is stopped past its heartbeat and goes on. Exit code 1 if a promise was broken.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench.chosen import settings_in
from service import logs, migrations
from service.dependencies import opened
from tests.support import postgres, processes
from tests.support.crash import Rehearsal
from tests.support.nursery import nursery
from tests.support.outbox import open_outbox
from tests.support.processes import RelayProcess
from tests.support.trouble import queue_emptied, seconds_until_its_first, terminate_everybody

SLOWEST = 50  # messages a second; less is no measurement but a fault
ASLEEP_SECONDS = 12  # a span is stale after 10
LEAST_SHARE = 0.25
NEWCOMER_SECONDS = 2.0


async def measure(asked: argparse.Namespace, folder: Path, url: str) -> dict[str, Any]:
    audience = [f"reader{number}@example.org" for number in range(asked.readers)]
    async with (
        opened(settings_in(folder, url)) as resources,
        await processes.relay(folder, "--delay-ms", str(asked.delay_ms)) as relay,
        nursery(folder) as lives,
        queue_emptied(url),
    ):
        outbox = await open_outbox(resources, audience)
        rehearsal = Rehearsal(outbox, relay, lives, folder=folder, connections=asked.connections)
        began = time.monotonic()
        found = await _gone_wrong(rehearsal, relay, url, asked.readers)
        found["seconds"] = round(time.monotonic() - began, 1)
        verdict = await rehearsal.verdict()
    return found | {
        "lost": len(verdict.lost),
        "changed": len(verdict.changed),
        "repeats_by_life": dict(verdict.repeats),
        "breaches": list(_breaches(found, verdict.repeats, list(verdict.wrongs()), asked.connections)),
    }


async def _gone_wrong(rehearsal: Rehearsal, relay: RelayProcess, url: str, readers: int) -> dict[str, Any]:
    """The four troubles, each with a tenth of the edition between them; then to the end."""
    patience = 60 + readers / SLOWEST
    first, second = await rehearsal.life(), await rehearsal.life()
    await relay.until_accepted(readers * 3 // 10, within=patience)
    sent = Counter(line.ehlo_name.partition(".")[0] for line in relay.lines())
    ended = await terminate_everybody(url)
    await relay.until_accepted(readers * 4 // 10, within=patience)
    first.kill9()
    newcomer = await rehearsal.life()
    waited = await seconds_until_its_first(newcomer, rehearsal.names[newcomer.pid], relay)
    await relay.until_accepted(readers * 5 // 10, within=patience)
    second.pause()
    await asyncio.sleep(ASLEEP_SECONDS)
    second.resume()
    await rehearsal.outbox.until_ended(within=patience)
    codes = [await worker.stop() for worker in (second, newcomer)]
    total = sent.total()
    return {
        "readers": readers,
        "shares_of_two": {name: round(count / total, 3) for name, count in sorted(sent.items())},
        "connections_ended": ended,
        "newcomer_s": round(waited, 2),
        "exit_codes": codes,
    }


def _breaches(found: dict[str, Any], repeats: Counter[str], wrongs: list[str], connections: int) -> list[str]:
    """Each life may repeat what its connections had in flight, half of all, once for each of the two blows that hit it."""
    allowed = {"life1": connections, "life2": connections, "life3": 0}
    said = [*wrongs]
    said += [f"{name}: {count} repeats" for name, count in repeats.items() if count > allowed.get(name, 0)]
    if min(found["shares_of_two"].values()) < LEAST_SHARE:
        said.append(f"shares {found['shares_of_two']}")
    if found["newcomer_s"] > NEWCOMER_SECONDS:
        said.append(f"the newcomer waited {found['newcomer_s']} s")
    if any(found["exit_codes"]):
        said.append(f"exit codes {found['exit_codes']}")
    return said


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m bench.comings", description="Workers that come and go.")
    asked.add_argument("--readers", type=int, default=100_000)
    asked.add_argument("--connections", type=int, default=40, help="of all workers together")
    asked.add_argument("--delay-ms", type=float, default=20, help="before the relay's answer to a message")
    chosen = asked.parse_args()
    logs.configure(form="console", level="WARNING")
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as folder, postgres.own_server() as server:
        url = server.create_database("memo_comings")
        migrations.upgrade(url)
        report = asyncio.run(measure(chosen, Path(folder), url))
    print(json.dumps(report, indent=2))
    return 1 if report["breaches"] else 0


if __name__ == "__main__":
    sys.exit(main())
