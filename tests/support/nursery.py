"""Commands of ours without the wait: one process imports the product, and forks itself for each command asked for.

`memo worker` spends two seconds on imports; a test that kills thirty of them has no such time. The child runs the very command. What
starting takes by itself is tested in tests/service/command, with commands that are started as anybody starts them.

In a process of its own, one for the whole run: python -m tests.support.nursery, told on standard input, see Order; its end is every
child's end.
"""

import atexit
import importlib
import itertools
import json
import os
import pkgutil
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

import service
from service import cli
from tests.support import processes, sabotage
from tests.support.processes import Process
from tests.support.sabotage import Plan

READY = "ready"
LOOK_EVERY = 0.01


@dataclass(frozen=True)
class Order:
    """`output`, `errors` and `told` are files; without errors of its own a child writes both to its output."""

    number: int
    folder: str
    arguments: list[str]
    environment: dict[str, str]
    output: str
    errors: str = ""
    told: str = os.devnull
    plan: dict[str, Any] = field(default_factory=dict)


class _Child:
    """A grandchild of ours: its end is told by its parent."""

    stdin: IO[bytes] | None = None

    def __init__(self, parent: Process, pid: int, number: int) -> None:
        self._parent = parent
        self._end = re.compile(rf"^ended {number} (-?\d+)$", re.MULTILINE)
        self.pid = pid

    def poll(self) -> int | None:
        found = self._end.search(self._parent.output)
        return int(found[1]) if found else None

    def wait(self) -> int:
        while (code := self.poll()) is None:
            if self._parent.code is not None:
                return -signal.SIGKILL
            time.sleep(LOOK_EVERY)
        return code


class _Parent:
    def __init__(self) -> None:
        self.room = Path(tempfile.mkdtemp(prefix="memo-nursery-"))
        command = [sys.executable, "-m", "tests.support.nursery"]
        self._process = Process.started(
            command, folder=self.room, env=processes.environment(), name="nursery"
        )
        self._numbers = itertools.count(1)
        atexit.register(self._end)
        self._said(READY)

    def child(self, order: dict[str, Any]) -> _Child:
        number = next(self._numbers)
        self._process.tell(json.dumps({"number": number, **order}))
        return _Child(self._process, int(self._said(rf"^born {number} (\d+)$")[1]), number)

    def _said(self, pattern: str) -> re.Match[str]:
        until = time.monotonic() + 60
        while (found := re.search(pattern, self._process.output, re.MULTILINE)) is None:
            self._process.check_alive(f"a line like {pattern!r}")
            assert time.monotonic() < until, f"The nursery never said {pattern!r}."
            time.sleep(LOOK_EVERY / 5)
        return found

    def _end(self) -> None:
        self._process.kill9()
        shutil.rmtree(self.room, ignore_errors=True)


@lru_cache(maxsize=1)
def _parent() -> _Parent:
    return _Parent()


def memo(
    *arguments: str,
    folder: Path,
    settings: Mapping[str, str] | None = None,
    name: str | None = None,
    plan: Plan | None = None,
) -> Process:
    """`memo ARGUMENTS` in this folder, at work. Use it with `async with`, or stop it."""
    name = name or f"memo-{arguments[0]}"
    output = folder / f"{name}.out"
    output.touch()  # whoever looks at once finds nothing yet, instead of no file
    child = _parent().child(
        {
            "folder": str(folder),
            "arguments": list(arguments),
            "environment": processes.environment(settings),
            "output": str(output),
            "plan": asdict(plan or Plan()),
        }
    )
    return Process(child, output_path=output, name=name)


def ran(
    folder: Path, *arguments: str, told: str = "", settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`memo ARGUMENTS` to its end, with that on its standard input."""
    room = Path(tempfile.mkdtemp(dir=_parent().room))
    said, complained, typed = room / "out", room / "err", room / "in"
    typed.write_text(told, encoding="utf-8")
    child = _parent().child(
        {
            "folder": str(folder),
            "arguments": list(arguments),
            "environment": processes.environment(settings),
            "output": str(said),
            "errors": str(complained),
            "told": str(typed),
        }
    )
    code = child.wait()
    return subprocess.CompletedProcess(
        arguments, code, said.read_text("utf-8"), complained.read_text("utf-8")
    )


class Nursery:
    """Workers of one test; whoever is left at its end goes with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[Process] = []

    async def __aenter__(self) -> "Nursery":
        return self

    async def __aexit__(self, *_: object) -> None:
        for child in self._children:
            if child.code is None:
                child.kill9()

    async def worker(self, name: str, settings: dict[str, str], plan: Plan | None = None) -> Process:
        """`memo worker` with these settings."""
        child = memo("worker", folder=self._folder, settings=settings, name=name, plan=plan)
        self._children.append(child)
        return child


def nursery(folder: Path) -> Nursery:
    return Nursery(folder)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    alive: dict[int, int] = {}  # process id -> the order's number
    for module in pkgutil.walk_packages(service.__path__, "service."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
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


def _told(alive: dict[int, int]) -> bool:
    ready, _, _ = select.select([0], [], [], LOOK_EVERY)
    if not ready:
        return True
    line = _line()
    if not line:
        return False
    order = Order(**json.loads(line))
    pid = _forked(order)
    alive[pid] = order.number
    _say(f"born {order.number} {pid}")
    return True


def _line() -> bytes:
    """Unbuffered: what a buffer holds back, select does not see."""
    line = bytearray()
    while (octet := os.read(0, 1)) and octet != b"\n":
        line += octet
    return bytes(line)


def _tell_of_the_dead(alive: dict[int, int]) -> None:
    for pid in list(alive):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            number = alive.pop(pid)
            _say(f"ended {number} {os.waitstatus_to_exitcode(status)}")


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
    output = os.open(order.output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    errors = os.open(order.errors, os.O_WRONLY | os.O_CREAT, 0o644) if order.errors else output
    for source, target in ((os.open(order.told, os.O_RDONLY), 0), (output, 1), (errors, 2)):
        os.dup2(source, target)
    os.chdir(order.folder)
    random.seed()  # or every child would wait the same chance delays
    os.environ.clear()
    os.environ.update(order.environment)
    sabotage.carry_out(Plan(**order.plan))
    sys.argv = ["memo", *order.arguments]
    try:
        cli.main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    main()
