"""Imports that are due are carried on, a piece at a time, so that whoever sends meanwhile gets their turn with the database.

The rows say what is due: whoever takes an import moves `due_at` ahead with every piece, so one that a killed process was at is found
again. Its file is read from the beginning up to the cursor, which takes a fraction of entering it, and tells rows that come twice.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Protocol

from service import logs
from service.clock import Clock
from service.database import Database
from service.imports import candidates, entering, reading
from service.imports.candidates import Candidate, Fault
from service.imports.entering import Taken

log = logs.get(__name__)

PIECE_ROWS, LEAST_ROWS = 250, 50
# On SQLite one thread writes: a piece that takes longer keeps an edition's outcomes waiting, so the next one is smaller. PostgreSQL has
# others write meanwhile, and there smaller pieces would only be more round trips.
LONG_SECONDS, SHORT_SECONDS = 0.05, 0.02
GIVES_WAY = 1.0  # times as long as entering the piece took
LONGEST_REST_SECONDS = 1.0

Rows = Iterator[Candidate | Fault]
Told = Callable[[int], None]


class Holder(Protocol):
    """What of a process's resources is needed here."""

    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def pepper(self) -> str: ...


async def carry_on_due(held: Holder, stopping: asyncio.Event) -> None:
    """Every import that is due, one after the other; what another process is at is left to it."""
    while not stopping.is_set() and await held.database.read(entering.is_any_due, held.clock.now()):
        taken = await held.database.write(entering.take, now=held.clock.now())
        if taken is None:
            return
        await carry_on(held, taken, stopping)


async def carry_on(held: Holder, taken: Taken, stopping: asyncio.Event, told: Told | None = None) -> None:
    """To its end, or until we stop; `told` hears how many rows have been dealt with."""
    log.info("import.carried_on", import_id=taken.id, cursor=taken.cursor)
    rows = candidates.of_file(taken.data, taken.layout)
    cursor = await reading.run(_skip, rows, taken.cursor)
    pace, clock = _Pace(has_one_writer=held.database.is_sqlite), asyncio.get_running_loop()
    while not stopping.is_set():
        part = await reading.run(_next_piece, taken, rows, cursor, pace.rows, held.pepper)
        began = clock.time()
        if not await held.database.write(entering.enter, part, now=held.clock.now()):
            return
        cursor += len(part.rows)
        if told is not None:
            told(cursor)
        if part.is_last:
            log.info("import.done", import_id=taken.id, rows=cursor)
            return
        await _rest(stopping, pace.after(clock.time() - began))
    await held.database.write(entering.let_go, taken.id, now=held.clock.now())


class _Pace:
    """How many rows go into one write, and how long everybody else has the database afterwards."""

    def __init__(self, *, has_one_writer: bool) -> None:
        self._has_one_writer = has_one_writer
        self.rows = PIECE_ROWS

    def after(self, seconds: float) -> float:
        if self._has_one_writer and seconds > LONG_SECONDS:
            self.rows = max(LEAST_ROWS, self.rows // 2)
        elif self._has_one_writer and seconds < SHORT_SECONDS:
            self.rows = min(PIECE_ROWS, self.rows * 2)
        return min(GIVES_WAY * seconds, LONGEST_REST_SECONDS)


def _skip(rows: Rows, count: int) -> int:
    return sum(1 for _ in islice(rows, count))


def _next_piece(taken: Taken, rows: Rows, cursor: int, count: int, pepper: str) -> entering.Piece:
    found = list(islice(rows, count))
    return entering.piece(taken, cursor, found, pepper=pepper, is_last=len(found) < count)


async def _rest(stopping: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()
