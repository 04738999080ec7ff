"""Beside SQLite: nudges inside one process."""

from pgqueuer import PgQueuer
from pgqueuer.adapters.inmemory import InMemoryQueries

from service.jobs import Handler, Kind, handing


class MemoryJobs:
    def __init__(self) -> None:
        self._queues = {kind: PgQueuer.in_memory() for kind in Kind}
        self._is_stopped = False

    async def nudge(self, kind: Kind, *keys: str) -> bool:
        return await handing.told(kind, handing.nudge(self._queues[kind].qm.queries, kind, keys))

    async def serve(self, kind: Kind, handler: Handler, *, at_once: int) -> None:
        try:
            await handing.serve(self._queues[kind], kind, handler, at_once)
        finally:
            if not self._is_stopped:  # one that has ended cannot be run again; its nudges may be lost
                self._queues[kind] = PgQueuer.in_memory()

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
        self._is_stopped = True
        for queue in self._queues.values():
            queue.shutdown.set()

    async def close(self) -> None:
        self.stop()
