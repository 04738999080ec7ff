"""What can be done to a real worker from inside, because nobody outside sees the moment.

A *fate* ends or stops the process at the n-th moment of a kind:

    take               a span was taken, its COMMIT has not begun
    taken              that COMMIT is done, nobody has heard of it
    before-commit      outcomes and intents are written, their COMMIT has not begun (the short way is one statement: just before it)
    inside-commit      at some moment of that COMMIT
    after-commit       that COMMIT is done, no connection has heard of it
    between-statements in the midst of the long way's statements, with locks held
    reopen             a span's rows were opened again, their COMMIT has not begun
    reopened           that COMMIT is done, nobody has heard of it

And two builds that must be noticed: one without the barrier (a message leaves before its intent is written) and one without
the fence (nobody asks whether the span is still ours). Only names are wrapped that the protocol itself has.
"""

import asyncio
import os
import random
import signal
import statistics
import threading
import time
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine.default import DefaultDialect
from sqlmodel import Session, col

from service import database, prepared
from service.delivery import (
    carrying,
    fence,
    paging,
    recording,
    recording_at_once,
    recording_on_sqlite,
    reopening,
    seats,
    spans,
)
from service.delivery.committer import Committer
from service.ledger.models import Span
from service.prepared import Prepared


class Point(StrEnum):
    TAKE = "take"
    TAKEN = "taken"
    BEFORE_COMMIT = "before-commit"
    INSIDE_COMMIT = "inside-commit"
    AFTER_COMMIT = "after-commit"
    BETWEEN_STATEMENTS = "between-statements"
    REOPEN = "reopen"
    REOPENED = "reopened"


AT_TAKING = {Point.TAKE, Point.TAKEN}
AT_REOPENING = {Point.REOPEN, Point.REOPENED}
BEFORE_ITS_COMMIT = {Point.TAKE, Point.BEFORE_COMMIT, Point.REOPEN}


@dataclass(frozen=True)
class Plan:
    """`nth`: how many such moments it lives to see, the last one included."""

    point: Point | None = None
    nth: int = 1
    stops: bool = False  # and can be continued; else it is killed
    without_barrier: bool = False
    without_fence: bool = False


def carry_out(plan: Plan) -> None:
    committer: Any = Committer
    if plan.without_barrier:
        committer.begin = _begin_at_once
    if plan.without_fence:
        _ask_nothing()
    if plan.point is not None:
        Fate(plan.point, plan.nth, signal.SIGSTOP if plan.stops else signal.SIGKILL).watch()


def _begin_at_once(*_: object, **__: object) -> "asyncio.Future[bool]":
    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    answer.set_result(True)
    return answer


def _ask_nothing() -> None:
    """Every statement that is under the fence, with a fence that always stands; and rows read long ago are good for ever."""
    carrying.PAGE_STALE_SECONDS = 1e9
    _keep_the_connections()
    for module, name, statement in statements_without_fence():
        setattr(module, name, statement)


def _keep_the_connections() -> None:
    """Whoever slept through its lease of connections would close them first, or hear that others have them now."""
    lease, seats.VALID_SECONDS = seats.VALID_SECONDS, 1e9
    every_worker: Any = seats.Seats
    original, kept = every_worker._renew, 0

    async def renew(self: Any, wanted: int) -> None:
        nonlocal kept
        before, has_slept = self._given, self._now() - self._renewed_at > lease
        await original(self, wanted)
        if has_slept:
            kept = max(kept, before)
        self._given = max(self._given, kept)

    every_worker._renew = renew


def statements_without_fence() -> list[tuple[Any, str, Any]]:
    """Module, name and replacement. The values of a fence are still given, and mean nothing."""
    asked = [sa.bindparam(name, type_=sa.BigInteger()) for name in ("the_epoch", "the_edition", "the_turn")]
    nothing = (col(Span.id) == sa.bindparam("the_span"), *(each.is_not(None) for each in asked))
    renewed = sa.update(Span).where(*nothing).values(renewed_at=database.utc_now())
    return [
        (recording, "_FENCED", recording._span(nothing)),
        (
            recording_at_once,
            "_ON_POSTGRESQL",
            recording_at_once._commit("$3 :: bigint[] IS NOT NULL", "TRUE"),
        ),
        (recording_on_sqlite, "_COMMIT", recording_on_sqlite._commit("TRUE", "TRUE")),
        (fence, "RENEW_FENCED", Prepared(renewed)),
        (fence, "RENEW_PROGRESSED", Prepared(renewed.values(deaths=0))),
        (spans, "_RENEWED", renewed.returning(sa.literal(True))),
        (paging, "_STANDS", paging._stands(nothing)),
    ]


class Fate:
    def __init__(self, point: Point, nth: int, number: signal.Signals) -> None:
        self._point = point
        self._left = nth
        self._signal = number
        self._doomed: Any = None  # the driver's connection whose commit is the one
        self._usual: deque[float] = deque([0.001], maxlen=50)
        self._original_commit: Any = DefaultDialect.do_commit

    def watch(self) -> None:
        if self._point in AT_TAKING:
            spans.take = self._watched(spans.take)
        elif self._point in AT_REOPENING:
            reopening.carry_on = self._watched(reopening.carry_on)
        else:
            recording.commit = self._watched(recording.commit)
            recording_at_once.commit = self._watched_at_once(recording_at_once.commit)
        fate = self

        def do_commit(dialect: DefaultDialect, connection: Any) -> None:
            fate.commit(dialect, connection)

        every_dialect: Any = DefaultDialect
        every_dialect.do_commit = do_commit
        if self._point is Point.BETWEEN_STATEMENTS:
            event.listen(sa.Engine, "after_cursor_execute", self._after_statement)
            original = prepared.execute

            def execute(connection: sa.Connection, text: str, values: tuple[Any, ...]) -> Any:
                found = original(connection, text, values)
                fate._after_statement(connection)
                return found

            prepared.execute = execute

    def commit(self, dialect: DefaultDialect, connection: Any) -> None:
        is_the_one = self._doomed is not None and self._doomed is _driver_connection(connection)
        if is_the_one and self._point in BEFORE_ITS_COMMIT:
            self._strike()
        if is_the_one and self._point is Point.INSIDE_COMMIT:
            wait = random.uniform(0, statistics.median(self._usual))
            threading.Thread(target=self._strike_after, args=(wait,), daemon=True).start()
        began = time.perf_counter()
        self._original_commit(dialect, connection)
        self._usual.append(time.perf_counter() - began)
        if is_the_one:
            self._strike()

    def _watched(self, function: Any) -> Any:
        def watched(session: Session, *args: Any, **kwargs: Any) -> Any:
            if self._point is Point.BETWEEN_STATEMENTS:
                self._count(session, True)
            answer = function(session, *args, **kwargs)
            if self._point is not Point.BETWEEN_STATEMENTS:
                self._count(session, answer)
            return answer

        return watched

    def _watched_at_once(self, function: Any) -> Any:
        """One statement has nothing between, and its own end is the COMMIT."""

        async def watched(at_once: Any, batches: Any) -> Any:
            is_the_one = self._left == 1
            if self._point is Point.BETWEEN_STATEMENTS:
                return {}  # the long way
            if is_the_one and self._point is Point.BEFORE_COMMIT:
                self._strike()
            if is_the_one and self._point is Point.INSIDE_COMMIT:
                wait = random.uniform(0, statistics.median(self._usual))
                threading.Thread(target=self._strike_after, args=(wait,), daemon=True).start()
            began = time.perf_counter()
            answer = await function(at_once, batches)
            self._usual.append(time.perf_counter() - began)
            if any(answer.values()) and self._left > 0:
                self._left -= 1
                if not self._left:
                    self._strike()
            return answer

        return watched

    def _count(self, session: Session, answer: Any) -> None:
        if (
            answer and self._left > 0
        ):  # a take that found no span, a commit whose fence fell: no moment of its kind
            self._left -= 1
            if not self._left:
                self._doomed = _driver_connection(session.connection().connection)

    def _after_statement(self, connection: sa.Connection, *_: Any) -> None:
        if self._doomed is not None and self._doomed is _driver_connection(connection.connection):
            self._strike()

    def _strike_after(self, wait: float) -> None:
        time.sleep(wait)
        self._strike()

    def _strike(self) -> None:
        self._doomed = None
        self._left = 0
        os.kill(os.getpid(), self._signal)


def _driver_connection(pooled: Any) -> Any:
    return getattr(pooled, "driver_connection", pooled)
