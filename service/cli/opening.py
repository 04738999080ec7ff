"""What every command begins with: the settings, a loop, and what a process holds."""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from service.dependencies import Resources
    from service.settings import Settings

T = TypeVar("T")

COLLECTIONS = (20_000, 10, 10)  # https://docs.python.org/3/library/gc.html#gc.set_threshold
M_ARENA_MAX = -8  # malloc.h


def settings() -> "Settings":
    from service import logs
    from service.settings import load

    chosen = load()
    logs.configure(form=chosen.log_format, level=chosen.log_level)
    return chosen


def current() -> "Settings":
    """The settings of a service whose database is ready for this program."""
    chosen = settings()
    ensure_current(chosen)
    return chosen


def ensure_current(chosen: "Settings") -> None:
    from service import schema

    schema.ensure_current(chosen.database)


def run(coroutine: Coroutine[None, None, T]) -> T:
    import uvloop

    sys.setswitchinterval(0.00003)  # the writer thread and the loop hand over to each other all the time
    _keep_memory_small()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


def _keep_memory_small() -> None:
    """What is imported by now stays: the collector need not look at it again. One arena for all threads, for they take turns anyway.

    Messages leave few cycles behind; looked for as often as usual, that took a fifteenth of a send's processor time, and no less memory.
    """
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)
    with suppress(AttributeError, OSError):  # another C library than glibc has no such setting
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


async def with_resources(chosen: "Settings", function: "Callable[[Resources], Awaitable[T]]") -> T:
    from service.dependencies import opened

    async with opened(chosen) as resources:
        return await function(resources)
