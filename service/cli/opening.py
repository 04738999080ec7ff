"""What every command begins with: the settings, a loop, and what a process holds."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

import uvloop

from service import logs
from service import settings as service_settings
from service.dependencies import Resources, opened
from service.settings import Settings

T = TypeVar("T")


def settings() -> Settings:
    chosen = service_settings.load()
    logs.configure(form=chosen.log_format, level=chosen.log_level.upper())
    return chosen


def run(coroutine: Coroutine[None, None, T]) -> T:
    sys.setswitchinterval(0.00003)  # the writer thread and the loop hand over to each other all the time
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


async def with_resources(chosen: Settings, function: Callable[[Resources], Awaitable[T]]) -> T:
    async with opened(chosen) as resources:
        return await function(resources)
