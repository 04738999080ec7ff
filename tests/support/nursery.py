"""Workers that are at work at once: one process imports the product, and forks itself for each life asked for.

`memo worker` spends two seconds on imports; a test that kills thirty of them has no such time. The child runs the very command.

In a process of its own: python -m tests.support.nursery, told on standard input, see Order; its end is every child's end.
"""

import json
import os
import select
import signal
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from service import cli
from tests.support import processes, sabotage
from tests.support.processes import Process
from tests.support.sabotage import Plan

READY = "ready"
LOOK_EVERY = 0.01


@dataclass(frozen=True)
class Order:
    name: str
    folder: str
    settings: dict[str, str]
    plan: dict[str, Any]


class Nursery:
    """The side that asks."""

    def __init__(self, process: Process, folder: Path) -> None:
        self.process = process
        self._folder = folder

    async def __aenter__(self) -> "Nursery":
        await self.process.wait_for_line(READY, within=60)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.process.stop()

    async def worker(self, name: str, settings: dict[str, str], plan: Plan | None = None) -> Process:
        """`memo worker` with these settings, under a name that is used once."""
        order = Order(name, str(self._folder), settings, asdict(plan or Plan()))
        self.process.tell(json.dumps(asdict(order)))
        born = await self.process.wait_for_line(rf"^born {name} (\d+)$")
        child = _Child(self.process, int(born[1]))
        return Process(child, output_path=self._folder / f"{name}.out", name=name)


class _Child:
    """A grandchild of ours: its end is told by its parent."""

    stdin: IO[bytes] | None = None

    def __init__(self, parent: Process, pid: int) -> None:
        self._parent = parent
        self.pid = pid

    def poll(self) -> int | None:
        ends = [line.split() for line in self._parent.output.splitlines() if line.startswith("ended ")]
        return next((int(code) for _, pid, code in ends if int(pid) == self.pid), None)

    def wait(self) -> int:
        while (code := self.poll()) is None:
            if self._parent.code is not None:
                return -signal.SIGKILL
            select.select([], [], [], LOOK_EVERY)
        return code


def nursery(folder: Path, *, name: str = "nursery") -> Nursery:
    command = [sys.executable, "-m", "tests.support.nursery"]
    return Nursery(Process.started(command, folder=folder, env=processes.environment(), name=name), folder)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    alive: set[int] = set()
    _say(READY)
    try:
        while _told(alive):
            _tell_of_the_dead(alive)
    finally:
        for pid in alive:
            os.kill(pid, signal.SIGKILL)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _told(alive: set[int]) -> bool:
    ready, _, _ = select.select([0], [], [], LOOK_EVERY)
    if not ready:
        return True
    line = _line()
    if not line:
        return False
    order = Order(**json.loads(line))
    pid = _forked(order)
    alive.add(pid)
    _say(f"born {order.name} {pid}")
    return True


def _line() -> bytes:
    """Unbuffered: what a buffer holds back, select does not see."""
    line = bytearray()
    while (octet := os.read(0, 1)) and octet != b"\n":
        line += octet
    return bytes(line)


def _tell_of_the_dead(alive: set[int]) -> None:
    for pid in list(alive):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            alive.discard(pid)
            _say(f"ended {pid} {os.waitstatus_to_exitcode(status)}")


def _forked(order: Order) -> int:
    """Returns in the parent, once the child leads a group of its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        os.read(reading, 1)
        os.close(reading)
        return pid
    code = 1
    try:
        os.setsid()
        os.write(writing, b".")
        os.close(reading)
        os.close(writing)
        code = _lived(order)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _lived(order: Order) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    output = os.open(Path(order.folder) / f"{order.name}.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.chdir(order.folder)
    os.environ.update(order.settings)
    sabotage.carry_out(Plan(**order.plan))
    sys.argv = ["memo", "worker"]
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    main()
