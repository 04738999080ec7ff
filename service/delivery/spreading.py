"""What a worker's tick carries on of editions under way: canaries decided, audiences written out, ended runs opened again."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
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
ELSEWHERE_SECONDS = (
    1.0  # what could not be written out is looked at again after that: paused, it may have been resumed
)


class Holder(Protocol):
    """What of a process's resources is needed here."""

    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def jobs(self) -> Jobs: ...


async def nudge(held: Holder, *, is_at_it: bool = False) -> None:
    """Decide what can be decided, and have somebody carry on what is not done. Who is at it sees what comes by itself."""
    for edition_id in await held.database.read(canary.decidable):
        verdict = await held.database.write(canary.decide, edition_id, now=held.clock.now())
        log.info("edition.canary", edition_id=edition_id, verdict=verdict)
    if is_at_it:
        return
    if await held.database.read(fanout.unfinished) or await held.database.read(reopening.unfinished):
        await held.jobs.nudge(Kind.CHORE, launch.FAN_OUT)


@dataclass(frozen=True)
class _Waiting:
    """Editions whose audience is to be written out, and whether all of them are far ahead; ended ones that are opened again."""

    editions: list[int]
    is_far_ahead: bool
    reopened: list[int]


class _Elsewhere:
    """Editions that could not be written out a moment ago: done, stopped, or somebody else is at it."""

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._until: dict[int, float] = {}

    def note(self, edition_id: int) -> None:
        self._until[edition_id] = self._time() + ELSEWHERE_SECONDS

    def now(self) -> set[int]:
        return {edition_id for edition_id, until in self._until.items() if self._time() < until}


async def carry_on(held: Holder, stopping: asyncio.Event) -> None:
    """Every fan-out and every reopening that is not done, a chunk of each in turn; each is at once a span for somebody. What is left
    when the worker is stopping is carried on by whoever comes next.
    """
    nudged: Counter[int] = Counter()
    elsewhere = _Elsewhere()
    last, clock = 0, asyncio.get_running_loop()
    waiting = await held.database.read(_look, elsewhere)
    while not stopping.is_set():
        began, is_written = clock.time(), False
        if waiting.editions:
            last = next((one for one in sorted(waiting.editions) if one > last), min(waiting.editions))
            is_written = await _write_out(held, last, nudged)
            if not is_written:
                elsewhere.note(last)
        took = min(clock.time() - began, LONGEST_SECONDS)
        reopened = [one for one in waiting.reopened if await _reopen(held, one)]
        if not (waiting.editions or reopened):
            return
        rest = GIVES_WAY * took if is_written and not reopened else 0.0
        waiting = await _given_way(held, elsewhere, stopping, rest)


async def _given_way(
    held: Holder, elsewhere: _Elsewhere, stopping: asyncio.Event, seconds: float
) -> _Waiting:
    """What there is to do after so long, or sooner: when something else comes, or what is being written out is not far ahead."""
    before = await held.database.read(_look, elsewhere)
    found = before
    while (
        seconds > 0 and before.editions and found == before and before.is_far_ahead and not stopping.is_set()
    ):
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, LOOK_SECONDS)):
                await stopping.wait()
        if (seconds := seconds - LOOK_SECONDS) > 0:
            found = await held.database.read(_look, elsewhere)
    return found


def _look(session: Session, elsewhere: _Elsewhere) -> _Waiting:
    away = elsewhere.now()
    editions = [one for one in fanout.unfinished(session) if one not in away]
    ahead = (fanout.rows_ahead(session, one) for one in editions)
    return _Waiting(editions, all(rows >= AHEAD_ROWS for rows in ahead), reopening.unfinished(session))


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
