"""`make bench`: the engine on SQLite beside a plain aiosmtplib loop, on this computer, in one run."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

import uvloop

from bench import engine, plain, sink
from service import logs, migrations


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    asked.add_argument("--readers", type=int, default=20_000)
    asked.add_argument("--connections", type=int, default=10)
    chosen = asked.parse_args()
    logs.configure(form="console", level="WARNING")
    sys.setswitchinterval(0.0005)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'memo.sqlite3'}"
        migrations.upgrade(url)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(_run(Path(folder), url, chosen.readers, chosen.connections))
        except sink.SinkMissing as missing:
            print(missing)
            return 1
    return 0


async def _run(folder: Path, url: str, readers: int, connections: int) -> None:
    async with sink.running() as port:
        measured = await engine.measure(folder, url, port, readers=readers, connections=connections)
        bare = await plain.rate(port, messages=readers, connections=connections, octets=measured.octets)
    print(
        f"{readers:,} messages of {measured.octets / 1000:.0f} kB, {connections} connections, smtp-sink on loopback"
    )
    print(f"  engine (SQLite, every outcome on disk)   {measured.rate:8,.0f} messages/s")
    print(f"  aiosmtplib sendmail, no ledger           {bare:8,.0f} messages/s")
    print(f"  ratio                                    {measured.rate / bare:8.2f}")


if __name__ == "__main__":
    sys.exit(main())
