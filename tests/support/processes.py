"""Real processes of ours: started, watched, paused, killed, and never left behind."""

import asyncio
import atexit
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

import psutil

from tests.support import relay_log
from tests.support.relay_log import Line

ROOT = Path(__file__).resolve().parents[2]
STOP_WITHIN = 60.0  # a worker gives what is under way 12 s and the web server its streams 3, and both have more to let go

_alive: set["Process"] = set()


class Died(AssertionError):
    """A process ended while something was still awaited from it; the message carries the end of its output."""


class Handle(Protocol):
    """What we need of a running process; `subprocess.Popen` has it."""

    @property
    def pid(self) -> int: ...
    @property
    def stdin(self) -> IO[bytes] | None: ...
    def poll(self) -> int | None: ...
    def wait(self) -> int: ...


class Process:
    """Output of both streams goes to one file. It leads a process group, so that its children go with it."""

    def __init__(self, handle: Handle, *, output_path: Path, name: str) -> None:
        self.output_path = output_path
        self._name = name
        self._handle = handle
        _alive.add(self)

    @classmethod
    def started(cls, command: Sequence[str], *, folder: Path, env: Mapping[str, str], name: str) -> Self:
        output_path = folder / f"{name}.out"
        with output_path.open("ab") as output:
            popen = subprocess.Popen(
                command,
                cwd=folder,
                env=dict(env),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(popen, output_path=output_path, name=name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.resume()
        await self.stop()

    @property
    def pid(self) -> int:
        return self._handle.pid

    @property
    def output(self) -> str:
        return self.output_path.read_text("utf-8", "replace")

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._handle.poll()

    def tell(self, line: str) -> None:
        """Write a line to its standard input."""
        assert self._handle.stdin is not None
        self._handle.stdin.write(line.encode() + b"\n")
        self._handle.stdin.flush()

    async def wait_for_line(self, pattern: str, *, within: float = 20.0) -> re.Match[str]:
        """The first match of a regular expression in what it has printed."""
        found: re.Match[str] | None = None
        try:
            async with asyncio.timeout(within):
                while (found := re.search(pattern, self.output, re.MULTILINE)) is None:
                    self.check_alive(f"a line like {pattern!r}")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{self._name}: no {pattern!r} in {within} s.\n{self._tail()}") from None
        return found

    async def wait_for_page(self, url: str, *, within: float = 20.0) -> None:
        """Return once this address answers 200."""
        status = 0
        try:
            async with asyncio.timeout(within):
                while (status := await status_of(url)) != 200:
                    self.check_alive(url)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{self._name}: {url} gave {status} for {within} s.\n{self._tail()}") from None

    async def wait(self, *, within: float = 60.0) -> int:
        """Wait for its own end; the exit code."""
        try:
            async with asyncio.timeout(within):
                while (code := self.code) is None:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{self._name} still runs after {within} s.\n{self._tail()}") from None
        self._forget()
        return code

    async def stop(self, *, within: float = STOP_WITHIN) -> int:
        """SIGTERM, and its exit code; whatever has not ended then is killed, and that is an error."""
        if self.code is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        try:
            return await self.wait(within=within)
        except TimeoutError:
            self.kill9()
            raise

    def kill9(self) -> None:
        """What a crash or the kernel would do: no last word, children included."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._handle.wait()
        self._forget()

    def pause(self) -> None:
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        if self.code is None:
            os.killpg(self.pid, signal.SIGCONT)

    async def until_stopped(self, *, within: float = 30.0) -> None:
        """Return once it has been stopped by a signal, or has stopped itself."""
        async with asyncio.timeout(within):
            while psutil.Process(self.pid).status() != psutil.STATUS_STOPPED:
                self.check_alive("its stop")
                await asyncio.sleep(0.05)

    def _forget(self) -> None:
        _alive.discard(self)
        if self._handle.stdin is not None:
            with suppress(BrokenPipeError):
                self._handle.stdin.close()

    def check_alive(self, awaited: str) -> None:
        if self.code is not None:
            raise Died(f"{self._name} ended with {self.code} before {awaited} came.\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self.output.splitlines()[-40:])


@atexit.register
def kill_all() -> None:
    """Whatever a test left running."""
    for process in list(_alive):
        process.kill9()


def environment(settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, without settings that the developer happens to have, plus those given."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MEMO_")}
    path = os.pathsep.join(filter(None, [str(ROOT), kept.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **(settings or {})}


def memo(
    *arguments: str, folder: Path, settings: Mapping[str, str] | None = None, name: str | None = None
) -> Process:
    """`memo ARGUMENTS` in this folder, started as anybody starts it; `nursery.memo` is quicker. Use it with `async with`, or stop it."""
    command = [sys.executable, "-m", "service", *arguments]
    return Process.started(
        command, folder=folder, env=environment(settings), name=name or f"memo-{arguments[0]}"
    )


@dataclass(frozen=True)
class RelayProcess:
    process: Process
    port: int
    log_path: Path

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    def lines(self) -> list[Line]:
        return relay_log.read(self.log_path)

    def has_one_of(self, name: str) -> bool:
        """Whether a worker with that EHLO name has had a message accepted; without parsing what may be a hundred thousand lines."""
        return f'"ehlo_name": "{name}.'.encode() in self.log_path.read_bytes()

    def script(self, **order: object) -> None:
        """A rule for what comes from now on, or `delay_ms=…`: see `relay.rule_from`."""
        self.process.tell(json.dumps(order))

    async def until_accepted(self, count: int, *, within: float = 60.0) -> list[Line]:
        taken = 0
        try:
            async with asyncio.timeout(within):
                while (taken := relay_log.accepted_so_far(self.log_path)) < count:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"The relay took {taken} of {count} in {within} s.") from None
        return [line for line in self.lines() if line.accepted]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.process.resume()
        await self.process.stop()


async def relay(folder: Path, *options: str, name: str = "relay") -> RelayProcess:
    """The scripted relay in a process of its own; it also ends when we do."""
    port_file, log_path = folder / f"{name}.port", folder / f"{name}.log"
    port_file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "tests.support.relay", "--port-file", str(port_file)]
    command += ["--log", str(log_path), "--until-stdin-closes", *options]
    process = Process.started(command, folder=folder, env=environment(), name=name)
    try:
        async with asyncio.timeout(60):
            while not port_file.exists():
                process.check_alive("its port")
                await asyncio.sleep(0.05)
    except BaseException:
        process.kill9()
        raise
    return RelayProcess(process, int(port_file.read_text("utf-8")), log_path)


async def status_of(url: str) -> int:
    """The status of a GET, 0 if nobody answers properly."""
    address = url.removeprefix("http://")
    netloc, _, path = address.partition("/")
    host, _, port = netloc.partition(":")
    try:
        reader, writer = await asyncio.open_connection(host, int(port or 80))
        try:
            writer.write(f"GET /{path} HTTP/1.0\r\nHost: {netloc}\r\n\r\n".encode())
            answer = (await asyncio.wait_for(reader.readline(), 5)).split()
        finally:
            writer.close()
    except (OSError, TimeoutError):
        return 0
    return int(answer[1]) if len(answer) > 1 and answer[1].isdigit() else 0


def free_port() -> int:
    """Free a moment ago; where a server can bind port 0 itself, let it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
