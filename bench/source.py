"""The reference: postfix's smtp-source, which sends one message again and again and knows nothing of readers."""

import asyncio
from pathlib import Path

from bench import sink
from bench.processes import Measured, SenderFailed, Stopwatch


async def measure(relay_port: int, message: Path, *, messages: int, connections: int) -> Measured:
    """`smtp-source -d`: as many sessions as we have connections, each kept open."""
    command = [
        sink.program("smtp-source"),
        "-d",
        *("-s", str(connections)),
        *("-m", str(messages)),
        *("-F", str(message)),
        *("-f", "memo@ledger.example.org"),
        *("-t", "reader@example.org"),
        f"127.0.0.1:{relay_port}",
    ]
    watch = Stopwatch()
    process = await asyncio.create_subprocess_exec(*command)
    if await process.wait():
        raise SenderFailed(f"smtp-source ended with {process.returncode}.")
    return Measured(messages, watch.seconds)
