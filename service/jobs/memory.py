"""Beside SQLite: nudges inside one process."""

from pgqueuer import PgQueuer
from pgqueuer.adapters.inmemory import InMemoryQueries

from service.jobs import Handler, Kind, handing


class MemoryJobs:
    def __init__(self) -> None:
        self._queues = {kind: PgQueuer.in_memory() for kind in Kind}

    async def nudge(self, kind: Kind, *keys: str) -> None:
        await handing.nudge(self._queues[kind].qm.queries, kind, keys)

    async def serve(self, kind: Kind, handler: Handler, *, at_once: int) -> None:
        await handing.serve(self._queues[kind], kind, handler, at_once)

    async def tidy(self) -> None:
        for queue in self._queues.values():
            queries = queue.qm.queries
            if isinstance(queries, InMemoryQueries):
                await queries.clear_queue_log()
                await queries.clear_statistics_log()

    async def waiting(self) -> dict[Kind, int]:
        sizes = [await queue.qm.queries.queue_size() for queue in self._queues.values()]
        return handing.waiting([one for size in sizes for one in size])

    def stop(self) -> None:
        for queue in self._queues.values():
            queue.shutdown.set()

    async def close(self) -> None:
        self.stop()
