"""What a worker's tick carries on of editions under way: canaries decided, audiences written out, ended runs opened again."""

import asyncio
from collections import Counter
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
GIVES_WAY = 9  # times as long as it took to write the chunk


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


async def carry_on(held: Holder) -> None:
    """Every fan-out and every reopening that is not done, a chunk of each in turn; each is at once a span for somebody."""
    nudged: Counter[int] = Counter()
    clock = asyncio.get_running_loop()
    while True:
        began = clock.time()
        written = [
            one for one in await held.database.read(fanout.unfinished) if await _write_out(held, one, nudged)
        ]
        took = clock.time() - began
        reopened = [one for one in await held.database.read(reopening.unfinished) if await _reopen(held, one)]
        if not (written or reopened):
            return
        if written and not reopened and await held.database.read(_is_far_ahead, written):
            await asyncio.sleep(GIVES_WAY * took)


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
