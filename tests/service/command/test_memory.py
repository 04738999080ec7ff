"""What a process holds that has nothing to do: only what it needs, and no more memory than docs/BENCH.md says, with some room."""

import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from service.demo import visitor
from tests.support.processes import environment, free_port, memo

# The package of each module within one: a name alone is also reported when nothing of that name is found.
IMPORTED = re.compile(r"^import time:.*\|\s*(\w+)\.[\w.]+$", re.MULTILINE)
# Each weighs a megabyte or more, alone or with what it brings, and waits for its first use.
LATER = {
    "PIL",
    "aiosmtpd",
    "alembic",
    "asyncpg",
    "babel",
    "bs4",
    "cryptography",
    "dns",
    "feedparser",
    "httpcore2",
    "httpx2",
    "lxml",
    "nh3",
    "pygments",
    "rich",
    "trafilatura",
    "watchfiles",
}
OF_THE_WEB = {"fastapi", "starlette", "sse_starlette", "uvicorn"}
OF_ANY_WORK = {"fastapi", "pydantic", "sqlalchemy", "structlog"}
MEGABYTE = 1024 * 1024


def loaded(told: str) -> set[str]:
    """The packages of which `-X importtime` reports a module."""
    found = set(IMPORTED.findall(told))
    assert "service" in found
    return found


def idle(folder: Path, command: str) -> tuple[set[str], float]:
    """What it has loaded once it is up beside a relay, on SQLite, and its resident memory in megabytes."""
    settings = {"MEMO_PORT": "0", "MEMO_RELAY_URL": "smtp://127.0.0.1:9?tls=none"}
    with (
        (folder / "told").open("w+") as told,
        subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "service", command],
            cwd=folder,
            env=environment(settings),
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
        ) as running,
    ):
        assert running.stdout is not None
        up = running.stdout.readline()
        resident = psutil.Process(running.pid).memory_info().rss / MEGABYTE
        running.terminate()
        assert running.wait(timeout=30) == 0
        told.seek(0)
        assert up, told.read()
        return loaded(told.read()), resident


@pytest.mark.parametrize(("command", "most", "never"), [("serve", 125, set()), ("worker", 105, OF_THE_WEB)])
def test_an_idle_process_holds_what_it_needs(
    migrated: Path, command: str, most: float, never: set[str]
) -> None:
    held, resident = idle(migrated, command)
    assert not held & (LATER | never)
    assert resident < most


async def test_its_first_requests_take_little_more(migrated: Path) -> None:
    """FastAPI makes what a route needs once more for each router it is reached through, with the first request: 14 MB, before."""
    port = free_port()
    settings = {"MEMO_PORT": str(port), "MEMO_RELAY_URL": "smtp://127.0.0.1:9?tls=none"}
    async with memo("serve", folder=migrated, settings=settings) as process:
        await process.wait_for_line("is up at", within=30)
        before = psutil.Process(process.pid).memory_info().rss
        await process.wait_for_page(f"http://127.0.0.1:{port}/healthz")
        answer = await visitor.get(f"http://127.0.0.1:{port}/nothing-here")
        assert answer.status == 404
        grown = psutil.Process(process.pid).memory_info().rss - before
    assert grown < 12 * MEGABYTE


def test_who_asks_for_help_waits_for_nothing_else(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "service", "--help"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "serve" in told.stdout
    assert not loaded(told.stderr) & OF_ANY_WORK
