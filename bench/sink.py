"""A relay that takes everything: postfix's smtp-sink, so that what is measured is the sender."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

HINT = "smtp-sink is missing: it comes with postfix (Debian: sudo apt-get install postfix, as type 'No configuration')."
START_WITHIN = 5.0


class SinkMissing(Exception):
    def __init__(self) -> None:
        super().__init__(HINT)


@asynccontextmanager
async def running() -> AsyncIterator[int]:
    """The port it listens on, on loopback."""
    program = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        raise SinkMissing
    port = _free_port()
    # It does not run as root; as somebody else it cannot change who it is.
    who = ("-u", "nobody") if os.geteuid() == 0 else ()
    process = await asyncio.create_subprocess_exec(program, *who, f"127.0.0.1:{port}", "1000")
    try:
        await _answers(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _answers(port: int) -> None:
    async with asyncio.timeout(START_WITHIN):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
