"""How a queue hands its nudges to a handler, the same on both databases."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from pgqueuer import PgQueuer
from pgqueuer.domain.models import QueueStatistics

from service import logs
from service.jobs import Handler, Kind

log = logs.get(__name__)

HEARTBEAT = timedelta(seconds=10)
POLL = timedelta(seconds=2)  # what is heard without LISTEN


def waiting(counted: Sequence[QueueStatistics]) -> dict[Kind, int]:
    """Of what the queue has counted, that which no handler has been given."""
    queued = [one for one in counted if one.status == "queued"]
    return {kind: sum(one.count for one in queued if one.entrypoint == kind.value) for kind in Kind}


async def serve(
    queue: PgQueuer, kind: Kind, handler: Handler, at_once: int, *, ends_when_deaf: bool = False
) -> None:
    """`ends_when_deaf`: raises FailingListenerError some seconds after its LISTEN was lost; else it goes on by polling."""
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
        dequeue_timeout=POLL,
        batch_size=1,
        max_concurrent_tasks=max(2, at_once),
        heartbeat_timeout=HEARTBEAT,
        shutdown_on_listener_failure=ends_when_deaf,
    )
