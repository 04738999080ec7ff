"""Real processes: watched, paused, killed."""

import asyncio
import sys
import time
from contextlib import suppress
from pathlib import Path

import aiosmtplib
import psutil
import pytest

from tests.support import processes
from tests.support.processes import Died, Process

PRINTS = "import sys, time; print('ready 42'); time.sleep(60)"


def python(code: str, folder: Path) -> Process:
    return Process.started(
        [sys.executable, "-u", "-c", code], folder=folder, env=processes.environment(), name="python"
    )


async def test_waits_for_a_line_and_stops(tmp_path: Path) -> None:
    async with python(PRINTS, tmp_path) as process:
        assert (await process.wait_for_line(r"ready (\d+)"))[1] == "42"
        assert await process.stop() == -15


async def test_says_what_a_dead_process_printed(tmp_path: Path) -> None:
    process = python("raise SystemExit('no such database')", tmp_path)
    with pytest.raises(Died, match="no such database"):
        await process.wait_for_line("ready")
    assert await process.wait() == 1


async def test_gives_up_on_a_line_that_never_comes(tmp_path: Path) -> None:
    async with python(PRINTS, tmp_path) as process:
        with pytest.raises(TimeoutError, match="never"):
            await process.wait_for_line("never", within=0.3)


async def test_one_that_ignores_sigterm_is_killed_and_told_of(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(60)"
    process = python(deaf, tmp_path)
    await process.wait_for_line("deaf")
    with pytest.raises(TimeoutError, match="still runs"):
        await process.stop(within=0.2)
    assert process.code == -9


async def test_kill_takes_children_along(tmp_path: Path) -> None:
    code = "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print('child', p.pid); p.wait()"
    process = python(code, tmp_path)
    child = int((await process.wait_for_line(r"child (\d+)"))[1])
    process.kill9()
    async with asyncio.timeout(30):
        with suppress(psutil.NoSuchProcess):
            while psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
                await asyncio.sleep(0.01)


async def test_pause_and_resume(tmp_path: Path) -> None:
    code = "import itertools, time\nfor n in itertools.count(): print('turn', n); time.sleep(0.01)"
    async with python(code, tmp_path) as process:
        await process.wait_for_line("turn 3")
        process.pause()
        await process.until_stopped()
        size = process.output_path.stat().st_size
        await asyncio.sleep(0.2)
        assert process.output_path.stat().st_size == size
        process.resume()
        async with asyncio.timeout(30):
            while process.output_path.stat().st_size == size:
                await asyncio.sleep(0.01)


async def test_waits_for_a_page(tmp_path: Path) -> None:
    port = processes.free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    async with Process.started(command, folder=tmp_path, env=processes.environment(), name="web") as process:
        await process.wait_for_page(f"http://127.0.0.1:{port}/")
        assert await processes.status_of(f"http://127.0.0.1:{port}/none") == 404
    assert await processes.status_of(f"http://127.0.0.1:{port}/") == 0


async def test_the_relay_runs_in_a_process_and_logs(tmp_path: Path) -> None:
    rule = '{"phase": "rcpt", "recipient": "no@example.net", "reply": "550 5.1.1 no"}'
    async with await processes.relay(tmp_path, "--delay-ms", "50", "--rule", rule) as relay:
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=relay.port, start_tls=False, timeout=30)
        async with client:
            began = time.monotonic()
            await client.sendmail(
                "a@example.org", ["b@example.net"], b"Message-ID: <1@example.org>\r\n\r\nhi\r\n"
            )
            assert time.monotonic() - began >= 0.05
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                await client.sendmail("a@example.org", ["no@example.net"], b"\r\n")
        (line,) = await relay.until_accepted(1, within=30)
        assert (line.recipient, line.message_id) == ("b@example.net", "<1@example.org>")
        relay.process.kill9()
        assert len(relay.lines()) == 1


async def test_the_relay_kills_whom_it_is_told_at_the_moment_it_is_told(tmp_path: Path) -> None:
    sleeping = Process.started(["sleep", "60"], folder=tmp_path, env=processes.environment(), name="sender")
    async with await processes.relay(tmp_path) as relay:
        relay.script(phase="dot", after=1, times=1, kill=sleeping.pid, keep=True, drop=True)
        client = aiosmtplib.SMTP(hostname="127.0.0.1", port=relay.port, start_tls=False, timeout=30)
        await client.connect()
        await client.sendmail(
            "a@example.org", ["b@example.net"], b"Message-ID: <1@example.org>\r\n\r\nhi\r\n"
        )
        assert sleeping.code is None
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await client.sendmail("a@example.org", ["c@example.net"], b"\r\n")
        assert await sleeping.wait(within=30) == -9
        assert [line.recipient for line in relay.lines() if line.accepted] == [
            "b@example.net",
            "c@example.net",
        ]


async def test_the_relay_ends_with_whoever_started_it(tmp_path: Path) -> None:
    relay = await processes.relay(tmp_path)
    assert relay.process._handle.stdin is not None
    relay.process._handle.stdin.close()
    assert await relay.process.wait(within=30) == 0
