"""What a busy machine kept from a test, so that a figure can be judged all the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Lag:
    """How long this process was kept from its work meanwhile, by a machine that had others to do."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @asynccontextmanager
    async def measured(self) -> AsyncIterator["Lag"]:
        task = asyncio.create_task(self._measure())
        try:
            yield self
        finally:
            task.cancel()

    async def _measure(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            late = loop.time() - before - 0.005
            self.seconds += late if late > 0.02 else 0.0
