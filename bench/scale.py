"""Workers on several hosts: 1, 2, 4 `memo worker` against one PostgreSQL and one relay, shared out over two network namespaces.

    python -m bench.scale [--workers 1 --workers 2] [--readers 20000] [--slow-readers 4000] [--delay-ms 100] [--connections 10]

`quick` is smtp-sink, which takes what it gets: all share this computer's processors, so more workers cannot be quicker than those are.
`slow` is a relay that answers each message late, as one elsewhere does: there workers add up. docs/SCALE.md says what came out.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa
import uvloop
from sqlmodel import Session, col

from bench import hosts, ledger, readers, sink
from bench.bases import Copy, PostgresqlBase
from bench.hosts import NETWORK, OURS, Host
from service import logs, settings, tokens
from service.delivery import launch
from service.dependencies import opened
from service.workers.models import WorkerProcess
from tests.support import postgres, processes, relay_log
from tests.support.postgres import OwnPostgres
from tests.support.processes import Process

HOSTS = 2
WORKERS = (1, 2, 4)
LOOK_EVERY = 0.2
SLOWEST = 20  # messages a second; less is no measurement but a fault
PATH = Path(__file__).parent / "out" / "scale.json"
Taken = Callable[[], int]


@dataclass(frozen=True)
class Order:
    """One run. `taken` says how many messages the relay has taken so far."""

    relay: str
    url: str
    workers: int
    readers: int
    connections: int
    taken: Taken


@dataclass(frozen=True)
class Place:
    server: OwnPostgres
    base: PostgresqlBase
    others: list[Host]
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """`rate` is from the first accept to the last; `start_s` from the launch to the first. `shares` of the workers sum up to 1.

    Processor seconds are those of all workers, and of all processes of PostgreSQL, for a thousand messages.
    """

    relay: str
    workers: int
    messages: int
    rate: float
    start_s: float
    shares: list[float]
    lost: int
    repeats: int
    worker_cpu_per_1000: float
    database_cpu_per_1000: float

    @property
    def line(self) -> str:
        shares = " ".join(f"{share:.0%}" for share in self.shares)
        return (
            f"{self.relay:6}{self.workers:3} workers {self.messages:8,} messages {self.rate:8,.0f}/s"
            f"  first after {self.start_s:.2f} s  lost {self.lost}  repeats {self.repeats}"
            f"  cpu s/1,000 {self.worker_cpu_per_1000:.2f} + {self.database_cpu_per_1000:.2f}  shares {shares}"
        )


async def measure(asked: argparse.Namespace, folder: Path) -> list[Outcome]:
    found: list[Outcome] = []
    task = asyncio.current_task()
    assert task is not None
    # As Ctrl-C does: what was started is stopped, hosts included.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with AsyncExitStack() as stack:
        others = stack.enter_context(hosts.hosts(HOSTS))
        server = stack.enter_context(postgres.own_server())
        server.listen(OURS, processes.free_port(), NETWORK)
        base = PostgresqlBase(server, tokens.kept_secret(folder / "suppression-pepper"))
        place = Place(server, base, others, folder)
        quick = await stack.enter_async_context(sink.running(folder, host=OURS))
        late = ["--host", OURS, "--delay-ms", str(asked.delay_ms)]
        slow = await stack.enter_async_context(await processes.relay(folder, *late))
        for workers in asked.workers:
            late_url = f"smtp://{OURS}:{slow.port}?tls=none"
            orders = (
                Order("quick", quick.url, workers, asked.readers, asked.connections, quick.taken),
                Order(
                    "slow",
                    late_url,
                    workers,
                    asked.slow_readers,
                    asked.connections,
                    lambda: relay_log.accepted_so_far(slow.log_path),
                ),
            )
            for order in orders:
                if order.readers:
                    found.append(await _sent(place, order))
                    print(found[-1].line, flush=True)
    return found


async def _sent(place: Place, order: Order) -> Outcome:
    base, others, folder, server = place.base, place.others, place.folder, place.server
    before = order.taken()
    async with base.copy(order.readers) as copy, opened(_settings(folder, copy.url)) as held:
        async with _at_work(order, copy, others, folder) as workers:
            cpu = _Processors([worker.pid for worker in workers], server.pid)
            started_at = held.clock.now()
            await launch.launch(held, copy.prepared.edition_uid, actor="the bench")
            async with asyncio.timeout(60 + order.readers / SLOWEST):
                while not await held.database.read(ledger.has_ended):
                    await asyncio.sleep(LOOK_EVERY)
            of_workers, of_database = cpu.used()
        account = await held.database.read(ledger.account)
        by_worker = await held.database.read(_accepted_by)
    taken, thousands = order.taken() - before, account.accepted / 1000
    seconds = (account.last_at - account.first_at).total_seconds()
    return Outcome(
        relay=order.relay,
        workers=order.workers,
        messages=account.accepted,
        rate=round(account.accepted / seconds, 1),
        start_s=round((account.first_at - started_at).total_seconds(), 3),
        shares=[round(count / sum(by_worker), 3) for count in by_worker],
        lost=order.readers - account.accepted,
        repeats=taken - account.accepted,
        worker_cpu_per_1000=round(of_workers / thousands, 3),
        database_cpu_per_1000=round(of_database / thousands, 3),
    )


@asynccontextmanager
async def _at_work(
    order: Order, copy: Copy, others: list[Host], folder: Path
) -> AsyncIterator[list[Process]]:
    """The workers, one host after the other; they end by SIGTERM."""
    async with AsyncExitStack() as stack:
        started = []
        for number in range(order.workers):
            worker = _worker(order, copy, others[number % len(others)], folder, number)
            started.append(await stack.enter_async_context(worker))
        for worker in started:
            await worker.wait_for_line("is at work", within=60)
        yield started


def _worker(order: Order, copy: Copy, host: Host, folder: Path, number: int) -> Process:
    variables = {
        "MEMO_DATA_DIR": str(folder),
        "MEMO_DATABASE_URL": copy.url.replace("+asyncpg", ""),
        "MEMO_RELAY_URL": order.url,
        "MEMO_RELAY_CONNECTIONS": str(order.connections * order.workers),
        "MEMO_PUBLIC_URL": readers.PUBLIC_URL,
        "MEMO_EHLO_NAME": f"worker{number}.example.org",
        "MEMO_LOG_LEVEL": "WARNING",
    }
    command = host.command([sys.executable, "-m", "service", "worker"])
    name = f"{order.relay}-{order.workers}-{number}"
    return Process.started(command, folder=folder, env=processes.environment(variables), name=name)


class _Processors:
    """Processor seconds used since it was made."""

    def __init__(self, workers: list[int], server: int) -> None:
        self._workers, self._server = workers, server
        self._before = self._now()

    def used(self) -> tuple[float, float]:
        """By the workers; by the server's processes that still live, which are all but a few."""
        of_workers, of_server = self._now()
        return of_workers - self._before[0], of_server - self._before[1]

    def _now(self) -> tuple[float, float]:
        server = psutil.Process(self._server)
        return _cpu_of([psutil.Process(pid) for pid in self._workers]), _cpu_of(
            [server, *server.children(recursive=True)]
        )


def _cpu_of(found: list[psutil.Process]) -> float:
    total = 0.0
    for process in found:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _settings(folder: Path, url: str) -> settings.Settings:
    return settings.load(
        data_dir=folder, database_url=url.replace("+asyncpg", ""), public_url=readers.PUBLIC_URL
    )


def _accepted_by(session: Session) -> list[int]:
    rows = session.execute(sa.select(col(WorkerProcess.figures)).order_by(col(WorkerProcess.id))).scalars()
    return [int(figures["accepted"]) for figures in rows]


def main() -> int:
    asked = _asked()
    logs.configure(form="console", level="WARNING")
    print(
        f"{os.cpu_count()} processors shared by workers, PostgreSQL and relay; load {os.getloadavg()[0]:.1f} at the start"
    )
    folder = Path(tempfile.mkdtemp(prefix="memo-scale-"))
    folder.chmod(0o755)  # the sink is nobody, and must reach its own folder
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            found = runner.run(measure(asked, folder))
    except (hosts.NotRoot, sink.PostfixMissing) as missing:
        print(missing)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("Stopped; nothing was written.")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    PATH.parent.mkdir(exist_ok=True)
    PATH.write_text(json.dumps([asdict(one) for one in found], indent=2) + "\n")
    print(f"The same figures: {PATH}")
    return 1 if any(one.lost or one.repeats for one in found) else 0


def _asked() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m bench.scale", description="Workers on several hosts.")
    asked.add_argument(
        "--workers", type=int, action="append", help="can be repeated; 1, 2 and 4 if not given"
    )
    asked.add_argument("--readers", type=int, default=20_000, help="of a run with the quick relay; 0: none")
    asked.add_argument("--slow-readers", type=int, default=4_000, help="of a run with the slow one; 0: none")
    asked.add_argument(
        "--delay-ms", type=float, default=100, help="before the slow relay's answer to a message"
    )
    asked.add_argument("--connections", type=int, default=10, help="of each worker")
    chosen = asked.parse_args()
    chosen.workers = chosen.workers or list(WORKERS)
    return chosen


if __name__ == "__main__":
    sys.exit(main())
