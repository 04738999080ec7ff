"""The wish to stop: SIGTERM and Ctrl-C."""

import asyncio
import signal


def signalled() -> asyncio.Event:
    """Set at SIGTERM and Ctrl-C. Ask for it before saying that anything is up: who hears that may stop us at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def until_signal() -> None:
    await signalled().wait()
