"""How a queue hands its nudges to a handler, the same on both databases."""

import asyncio
from datetime import timedelta

from pgqueuer import PgQueuer

from service import logs
from service.jobs import Handler, Kind

log = logs.get(__name__)

HEARTBEAT = timedelta(seconds=10)
POLL = timedelta(seconds=2)  # a lost LISTEN falls back to this silently


async def serve(queue: PgQueuer, kind: Kind, handler: Handler, at_once: int) -> None:
    # An entry point's own limit counts the jobs of every worker, dead ones too: a killed worker would keep the next one waiting.
    place = asyncio.Semaphore(at_once)

    async def nudged(_job: object) -> None:
        async with place:
            try:
                await handler()
            except Exception:
                log.exception("jobs.handler_failed", kind=kind.value)

    queue.entrypoint(kind.value)(nudged)
    await queue.run(
        dequeue_timeout=POLL, batch_size=1, max_concurrent_tasks=max(2, at_once), heartbeat_timeout=HEARTBEAT
    )
