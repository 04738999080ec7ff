"""How a queue hands its nudges to a handler, the same on both databases."""

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import timedelta

from pgqueuer import PgQueuer
from pgqueuer.domain.models import QueueStatistics
from pgqueuer.ports.repository import QueueRepositoryPort

from service import logs
from service.jobs import Handler, Kind

log = logs.get(__name__)

HEARTBEAT = timedelta(seconds=10)
POLL = timedelta(seconds=2)  # what is heard without LISTEN

# How often it looks whether a place is free for a nudge that waits; whoever has a place goes on to the next work without one.
POLL_BUSY = timedelta(seconds=0.5)

HEAR_SECONDS = 10.0
NUDGE_SECONDS = 3.0  # a queue that does not answer must not hold up whoever has something to say


async def nudge(queries: QueueRepositoryPort, kind: Kind, keys: Sequence[str]) -> None:
    """In one statement: each one, even of a key that waits already, has every queue of every worker look four times. In order, so that
    two who nudge the same at once wait for each other and not in a ring.
    """
    count = len(keys)
    if count:
        await queries.enqueue(
            [kind.value] * count, [None] * count, [0] * count, dedupe_key=[*sorted(keys)], on_conflict="skip"
        )


async def told(kind: Kind, nudging: Awaitable[None]) -> bool:
    """Whether it could be said, whatever the driver's errors are: the work that was made due is committed, and stands."""
    try:
        async with asyncio.timeout(NUDGE_SECONDS):
            await nudging
    except Exception as error:
        log.warning("jobs.nobody_told", kind=kind.value, problem=str(error) or type(error).__name__)
        return False
    return True


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
    queue.qm.min_dequeue_poll_interval = POLL_BUSY
    hearing = asyncio.create_task(_ended_when_deaf(queue)) if ends_when_deaf else None
    try:
        await queue.run(
            dequeue_timeout=POLL,
            batch_size=1,
            max_concurrent_tasks=max(2, at_once),
            heartbeat_timeout=HEARTBEAT,
        )
        if hearing is not None and hearing.done():
            await hearing
    finally:
        if hearing is not None:
            hearing.cancel()


async def _ended_when_deaf(queue: PgQueuer) -> None:
    """Beside the queue's own look, whose first one comes before its LISTEN and then finds it deaf ten seconds later."""
    while True:
        await asyncio.sleep(HEAR_SECONDS)
        try:
            await queue.qm.listener_healthy(timedelta(seconds=HEAR_SECONDS))
        except Exception:
            queue.shutdown.set()
            raise
