"""SQLite's one writer: a thread with the only connection that writes. What has piled up shares one commit.

calls -> [queue] -> BEGIN IMMEDIATE, each call (in a savepoint, unless it comes alone), COMMIT -> answers
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlmodel import Session

from service import handed, prepared, sqlite
from service.handed import Call
from service.writes import Writes

T = TypeVar("T")

BATCH_CALLS = 512
# What SQLite says of a view that it does not know, and of one without its trigger.
_UNKNOWN = ("no such table", "cannot modify")


class SqliteWriter:
    def __init__(self, url: str, writes: Writes) -> None:
        self._writes = writes
        self._engine = sqlite.engine(url, connections=1, query_only=False)
        self._connection: sa.Connection | None = None  # the thread's own
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_forever, name="memo-write", daemon=True)
        self._thread.start()

    async def call(
        self,
        function: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *,
        is_plain: bool = False,
    ) -> T:
        """Run it and commit, then answer. `is_plain`: it takes the driver's connection instead of a session, and writes once."""
        if not self._thread.is_alive():
            raise RuntimeError("the database is closed")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._writes.timed():
            self._calls.put(Call(function, args, kwargs, loop, future, is_plain))
            return await future

    async def close(self) -> None:
        self._calls.put(None)
        await asyncio.to_thread(self._thread.join)
        self._engine.dispose()

    def _write_forever(self) -> None:
        while (first := self._calls.get()) is not None:
            calls, closing = self._piled_up(first)
            try:
                self._commit(calls)
            except BaseException as error:
                self._let_go_of_the_connection()
                for call in calls:
                    call.error = call.error or error
            handed.answer(calls)
            if closing:
                break
        self._let_go_of_the_connection()

    def _piled_up(self, first: Call) -> tuple[list[Call], bool]:
        calls = [first]
        while len(calls) < BATCH_CALLS:
            try:
                call = self._calls.get_nowait()
            except queue.Empty:
                break
            if call is None:
                return calls, True
            calls.append(call)
        return calls, False

    def _commit(self, calls: list[Call]) -> None:
        """A call that comes alone needs no savepoint: its transaction goes with it."""
        connection = self._connection = self._connection or self._engine.connect()
        if len(calls) == 1 and calls[0].is_plain:
            calls[0].answer = _plain_answer_committed(connection, calls[0])
            return
        with connection.begin():
            if len(calls) == 1:
                calls[0].answer = _answer(connection, calls[0])
                return
            for call in calls:
                try:
                    call.answer = _answer_or_undo(connection, call)
                except Exception as error:
                    call.error = error

    def _let_go_of_the_connection(self) -> None:
        """After a failure the next commit begins with a fresh one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sa.exc.SQLAlchemyError, OSError):
                connection.close()


@dataclass(frozen=True, slots=True)
class OneWrite:
    """A statement that writes, and a question behind it whose one value is the answer. `needs`: definitions of what is temporary
    (views, triggers) and so has to be made on each connection, once. Texts and values are the driver's.
    """

    write: str
    values: Sequence[Any]
    question: str
    asked: Sequence[Any]
    needs: Sequence[str] = ()

    def answer(self, driver: sqlite3.Connection) -> Any:
        try:
            driver.execute(self.write, self.values)
        except sqlite3.OperationalError as error:
            if not (self.needs and str(error).startswith(_UNKNOWN)):
                raise
            for definition in self.needs:
                driver.execute(definition)
            driver.execute(self.write, self.values)
        return driver.execute(self.question, self.asked).fetchone()[0]


class PlainCalls:
    """Writes that go to the driver past SQLAlchemy; one that comes alone is a transaction of its own, without BEGIN and COMMIT. For what
    the sender does hundreds of times a second: each step of a statement lets go of the interpreter's lock, and the loop is at it.
    """

    def __init__(self, writer: SqliteWriter) -> None:
        self._writer = writer

    async def run(self, one: OneWrite) -> Any:
        """Its answer, once it is committed. Raises DBAPIError, after which it may be written: it must be safe to run twice."""
        return await self._writer.call(one.answer, (), {}, is_plain=True)


def _plain_answer_committed(connection: sa.Connection, call: Call) -> Any:
    driver = _driver(connection)
    with _told_as_sqlalchemy_does():
        if driver.in_transaction:
            raise sqlite3.ProgrammingError("a transaction was left open: this would not be committed")
        return call.function(driver)


@contextmanager
def _told_as_sqlalchemy_does() -> Iterator[None]:
    """Whoever asked tries again after a DBAPIError, and after nothing else."""
    try:
        yield
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance("a plain call", (), error, sqlite3.Error) from error


def _answer_or_undo(connection: sa.Connection, call: Call) -> Any:
    """In a savepoint, so that a call that fails takes nobody with it. In the driver's words: SQLAlchemy's own costs more than a call."""
    prepared.execute(connection, "SAVEPOINT a_call", ())
    try:
        answer = _answer(connection, call)
    except Exception:
        prepared.execute(connection, "ROLLBACK TO a_call", ())
        prepared.execute(connection, "RELEASE a_call", ())
        raise
    prepared.execute(connection, "RELEASE a_call", ())
    return answer


def _answer(connection: sa.Connection, call: Call) -> Any:
    if call.is_plain:
        with _told_as_sqlalchemy_does():
            return call.function(_driver(connection))
    with Session(connection, expire_on_commit=False, join_transaction_mode="rollback_only") as session:
        answer = call.function(session, *call.args, **call.kwargs)
        session.flush()
        return answer


def _driver(connection: sa.Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.driver_connection)
