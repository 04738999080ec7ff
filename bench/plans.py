"""`python -m bench.plans`: what every statement of a send does on a million deliveries, on both databases. Fails where no key serves."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from service import database, logs, migrations
from tests.support import plenty, postgres
from tests.support.plan_steps import Drive
from tests.support.plans import Caught, Net, told


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m bench.plans", description=__doc__)
    asked.add_argument("--deliveries", type=int, default=1_000_000)
    asked.add_argument("--plans", action="store_true", help="print every plan, not only those without a key")
    asked.add_argument("--only", choices=("sqlite", "postgresql"))
    chosen = asked.parse_args()
    logs.configure(form="console", level="ERROR")
    faults = 0
    if chosen.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            faults += _measured(f"sqlite:///{Path(folder) / 'memo.sqlite3'}", chosen.deliveries, chosen.plans)
    if chosen.only != "sqlite":
        with postgres.server() as server, server.database("memo_plans") as url:
            faults += _measured(url, chosen.deliveries, chosen.plans)
    return 1 if faults else 0


def _measured(url: str, deliveries: int, with_plans: bool) -> int:
    migrations.upgrade(url)
    caught, filling = asyncio.run(_caught(url, deliveries))
    print(
        f"\n{url.partition(':')[0]}: {deliveries:,} deliveries, filled in {filling:.0f} s, {len(caught)} statements"
    )
    for line in told(caught, with_plans=with_plans):
        print(line)
    return sum(bool(one.faults) for one in caught)


async def _caught(url: str, deliveries: int) -> tuple[list[Caught], float]:
    held = database.connect(url)
    try:
        began = time.perf_counter()
        filled = await held.write(plenty.fill, deliveries)
        await held.write(plenty.learn)
        filling = time.perf_counter() - began
        net = Net()
        await Drive(net, held, filled).all()
        return await net.judge(held), filling
    finally:
        await held.close()


if __name__ == "__main__":
    sys.exit(main())
