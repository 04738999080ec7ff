"""Senders in processes of their own, so that processor time and memory are theirs alone."""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

PEAK = "VmHWM:"  # of this address space only; getrusage's figure is inherited from whoever started us


@dataclass(frozen=True)
class Measured:
    """What one sender did."""

    messages: int
    seconds: float
    cpu_seconds: float | None = None
    peak_memory_mb: float | None = None

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


@dataclass(frozen=True)
class Work:
    """What a sender that is no product of ours is asked to do."""

    relay_port: int
    messages: int
    connections: int
    folder: Path


Sender = Callable[[Work], Coroutine[None, None, Measured]]


class SenderFailed(Exception):
    """A sender's process ended with an error."""


def peak_memory_mb(pid: int | str = "self") -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(PEAK))


async def measured(command: list[str], work: Work, variables: Mapping[str, str]) -> Measured:
    """Run a program that prints what `report` prints, with these variables beside ours."""
    arguments = [str(work.relay_port), str(work.messages), str(work.connections), str(work.folder)]
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, stdout=asyncio.subprocess.PIPE, env={**os.environ, **variables}
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise SenderFailed(f"{' '.join(command)} ended with {process.returncode}.")
    return Measured(**json.loads(output))


def module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def report(sender: Sender) -> None:
    """The whole of such a program: read the work, do it, print a Measured as JSON."""
    asked = argparse.ArgumentParser()
    for name in ("relay_port", "messages", "connections"):
        asked.add_argument(name, type=int)
    asked.add_argument("folder", type=Path)
    work = Work(**vars(asked.parse_args()))
    sys.setswitchinterval(0.00003)  # as the product's entrance has it
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(sender(work)))))


def measured_by(watch: "Stopwatch", work: Work) -> Measured:
    """Of this process, that has done its work by now."""
    return Measured(work.messages, watch.seconds, watch.cpu_seconds, peak_memory_mb())


class Stopwatch:
    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._cpu_began = time.process_time()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._began

    @property
    def cpu_seconds(self) -> float:
        """Of this process, threads included."""
        return time.process_time() - self._cpu_began
