"""A relay that takes everything: postfix's smtp-sink, so that what is measured is the sender. It counts, and can keep what it takes."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

HINT = (
    "{} is missing: it comes with postfix (Debian: sudo apt-get install postfix, as type 'No configuration')."
)
OUTSIDE_THE_PATH = "/usr/sbin:/usr/local/sbin"
START_WITHIN = 5.0
BACKLOG = "1000"
COUNTED = re.compile(rb"mesg=(\d+)\s*\r")
TAIL = 400


class PostfixMissing(Exception):
    def __init__(self, program: str) -> None:
        super().__init__(HINT.format(program))


@dataclass(frozen=True)
class Sink:
    port: int
    counts_path: Path
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"smtp://{self.host}:{self.port}?tls=none"

    def taken(self) -> int:
        """Messages taken since it started, by its own running count (`smtp-sink -c`)."""
        with self.counts_path.open("rb") as file:
            file.seek(max(0, self.counts_path.stat().st_size - TAIL))
            found = COUNTED.findall(file.read())
        return int(found[-1]) if found else 0


def program(name: str) -> str:
    """Where a program of postfix is; its folders are not on everybody's path."""
    found = shutil.which(name) or shutil.which(name, path=OUTSIDE_THE_PATH)
    if found is None:
        raise PostfixMissing(name)
    return found


@asynccontextmanager
async def running(
    folder: Path, *, keep_in: Path | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Sink]:
    """With `keep_in` each message becomes a file there, its envelope in front as `X-Rcpt-Args` and the like."""
    port = _free_port(host)
    counts_path = folder / f"sink-{port}.counts"
    command = [program("smtp-sink"), *_as_whom(), "-c"]
    if keep_in is not None:
        command += ["-d", f"{keep_in}/message."]
    with counts_path.open("wb") as counts:
        process = await asyncio.create_subprocess_exec(*command, f"{host}:{port}", BACKLOG, stdout=counts)
    try:
        await _answers(host, port)
        yield Sink(port, counts_path, host)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _as_whom() -> tuple[str, ...]:
    """It does not run as root; as somebody else it cannot change who it is."""
    return ("-u", "nobody") if os.geteuid() == 0 else ()


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


async def _answers(host: str, port: int) -> None:
    async with asyncio.timeout(START_WITHIN):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
