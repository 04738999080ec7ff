"""Threads in which lists are read: few, and their own. A long list takes one for seconds, and asyncio's have the tick, rendering and
signing to do.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

AT_ONCE = 2
_pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="memo-import")
P = ParamSpec("P")
R = TypeVar("R")


async def run(read: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """As `asyncio.to_thread`."""
    work = partial(copy_context().run, partial(read, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_pool, work)
