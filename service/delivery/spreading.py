"""What a worker's tick carries on of editions under way: canaries decided, audiences written out, ended runs opened again."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from typing import Protocol

from sqlmodel import Session

from service import logs
from service.clock import Clock
from service.database import Database
from service.delivery import canary, launch, reopening, spans
from service.jobs import Jobs, Kind
from service.ledger import fanout
from service.subscribers import audience

log = logs.get(__name__)

# So many rows ahead of the connections, writing out gives way to the outcomes: one database writes both, and the last reader's row is
# not needed before the last minute. On SQLite a million rows in one go took a sixth off the rate of the first hundred thousand.
AHEAD_ROWS = 20_000
GIVES_WAY = 19  # times as long as it took to write the chunk
LONGEST_SECONDS, LOOK_SECONDS = 0.3, 0.2


class Holder(Protocol):
    """What of a process's resources is needed here."""

    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def jobs(self) -> Jobs: ...


async def nudge(held: Holder) -> None:
    """Decide what can be decided, and have somebody carry on what is not done."""
    for edition_id in await held.database.read(canary.decidable):
        verdict = await held.database.write(canary.decide, edition_id, now=held.clock.now())
        log.info("edition.canary", edition_id=edition_id, verdict=verdict)
    if await held.database.read(fanout.unfinished) or await held.database.read(reopening.unfinished):
        await held.jobs.nudge(Kind.CHORE, launch.FAN_OUT)


async def carry_on(held: Holder, stopping: asyncio.Event) -> None:
    """Every fan-out and every reopening that is not done, a chunk of each in turn; each is at once a span for somebody. What is left
    when the worker is stopping is carried on by whoever comes next.
    """
    nudged: Counter[int] = Counter()
    elsewhere: set[int] = set()  # done, or somebody else is at it
    last = 0
    while not stopping.is_set():
        editions = await _unfinished(held, elsewhere)
        took = None
        if editions:
            last = next((one for one in sorted(editions) if one > last), min(editions))
            took = await _timed(_write_out(held, last, nudged))
            if took is None:
                elsewhere.add(last)
        reopened = [one for one in await held.database.read(reopening.unfinished) if await _reopen(held, one)]
        if not (editions or reopened):
            return
        if took is not None:
            await _give_way(held, elsewhere, stopping, GIVES_WAY * min(took, LONGEST_SECONDS))


async def _unfinished(held: Holder, elsewhere: set[int]) -> list[int]:
    return [one for one in await held.database.read(fanout.unfinished) if one not in elsewhere]


async def _timed(work: Coroutine[None, None, bool]) -> float | None:
    """Seconds; None if nothing was done."""
    clock = asyncio.get_running_loop()
    began = clock.time()
    return clock.time() - began if await work else None


async def _give_way(held: Holder, elsewhere: set[int], stopping: asyncio.Event, seconds: float) -> None:
    """As long as all that is being written out is far ahead, and nothing else comes that is to be written out."""
    before = await _unfinished(held, elsewhere)
    while before and seconds > 0 and await held.database.read(_is_far_ahead, before):
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LOOK_SECONDS)):
                await stopping.wait()
        seconds -= LOOK_SECONDS
        reopened = await held.database.read(reopening.unfinished)
        if stopping.is_set() or reopened or await _unfinished(held, elsewhere) != before:
            return


async def _write_out(held: Holder, edition_id: int, nudged: Counter[int]) -> bool:
    """One chunk. False: it was the last, or somebody else is at it."""
    span_id = await held.database.write(fanout.carry_on, edition_id, audience.statement)
    if span_id is None:
        return False
    nudged[edition_id] += 1
    if nudged[edition_id] <= spans.NUDGES_AT_ONCE:
        await held.jobs.nudge(Kind.SPAN, f"span-{span_id}")
    return True


async def _reopen(held: Holder, edition_id: int) -> bool:
    step = await held.database.write(reopening.carry_on, edition_id)
    if step is None:
        return False
    if step.span_id is not None:
        await held.jobs.nudge(Kind.SPAN, f"span-{step.span_id}")
    return True


def _is_far_ahead(session: Session, editions: list[int]) -> bool:
    return all(fanout.rows_ahead(session, edition_id) >= AHEAD_ROWS for edition_id in editions)
