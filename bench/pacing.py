"""Four workers on PostgreSQL and a relay with a limit: do they keep it in every second, and use it? One is killed on the way.

    python -m bench.pacing [--rate 200] [--seconds 40] [--workers 4]

Counted where it matters, by the moments at which the relay had the messages: what a dead worker had leased, nobody sends, and what it
held is another's after ten seconds. Exit code 1 if a second had a tenth more than the limit, the mean is under 95 % of it, or somebody is
missing at the end.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from bench.chosen import settings_in
from service import logs, migrations
from service.delivery.models import Relay
from service.dependencies import opened
from tests.support import postgres, processes
from tests.support.arrivals import busiest_second
from tests.support.crash import Rehearsal
from tests.support.nursery import nursery
from tests.support.outbox import open_outbox

MOST_ABOVE = 1.1
LEAST_USED = 0.95
CONNECTIONS = 5  # for each worker


async def measure(asked: argparse.Namespace, folder: Path, url: str) -> dict[str, Any]:
    count = asked.rate * asked.seconds
    # What a dead worker held comes at the end, when others have nothing left: that is no part of the pace.
    counted = count * 9 // 10
    async with (
        opened(settings_in(folder, url)) as resources,
        await processes.relay(folder) as relay,
        nursery(folder) as lives,
    ):
        await resources.database.write(_limit, f"127.0.0.1:{relay.port}", asked.rate)
        outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(count)])
        together = CONNECTIONS * asked.workers
        rehearsal = Rehearsal(outbox, relay, lives, folder=folder, connections=together)
        workers = [await rehearsal.life() for _ in range(asked.workers)]
        await relay.until_accepted(count // 2, within=60 + asked.seconds)
        workers[0].kill9()
        await rehearsal.outbox.until_ended(within=240 + asked.seconds)
        for worker in workers[1:]:
            await worker.stop()
        moments = sorted(datetime.fromisoformat(line.at) for line in relay.lines())
        verdict = await rehearsal.verdict()
    return {
        "rate": asked.rate,
        "messages": count,
        "busiest_second": busiest_second(moments),
        "mean": round((counted - 1) / (moments[counted - 1] - moments[0]).total_seconds(), 1),
        "lost": len(verdict.lost),
        "repeats": len(moments) - count,
    }


def _limit(session: Session, name: str, rate: int) -> None:
    row = session.exec(select(Relay).where(Relay.name == name)).first() or Relay(name=name)
    row.rate = rate
    session.add(row)


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m bench.pacing", description="A limit shared by workers.")
    asked.add_argument("--rate", type=int, default=200, help="messages a second that the relay may be given")
    asked.add_argument("--seconds", type=int, default=40, help="so long an edition takes at that rate")
    asked.add_argument("--workers", type=int, default=4)
    chosen = asked.parse_args()
    logs.configure(form="console", level="WARNING")
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start")
    with tempfile.TemporaryDirectory() as folder, postgres.own_server() as server:
        url = server.create_database("memo_pacing")
        migrations.upgrade(url)
        found = asyncio.run(measure(chosen, Path(folder), url))
    print(json.dumps(found, indent=2))
    is_kept = found["busiest_second"] <= chosen.rate * MOST_ABOVE
    return 0 if is_kept and found["mean"] >= chosen.rate * LEAST_USED and not found["lost"] else 1


if __name__ == "__main__":
    sys.exit(main())
