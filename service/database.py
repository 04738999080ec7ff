"""One way to the database: `await database.read(function, …)` and `await database.write(function, …)`.

Rooms hold plain synchronous functions that take a SQLModel `Session` first. `write` is the only place that commits, and it
answers after the commit. PostgreSQL gives each call a transaction of its own. SQLite has one writer thread that owns the only
write connection: each call runs in a savepoint, and whatever has piled up shares one commit (3,000 sign-ups/s measured, against
196 with a session and a commit for each). Reads go to a small pool of connections that cannot write.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession

from service import postgresql, prepared, sqlite
from service.postgresql import AtOnce
from service.prepared import Prepared
from service.sqlite_writer import PlainCalls, SqliteWriter
from service.writes import Writes

P = ParamSpec("P")
T = TypeVar("T")
Function = Callable[Concatenate[Session, P], T]

NAMES = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
# Before any table: Alembic needs a name for each constraint, and no table needs a validator before somebody asks for one.
SQLModel.metadata.naming_convention = NAMES
SQLModel.model_config["defer_build"] = True

READERS = 4


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC in, aware UTC out; a naive time is refused. SQLite would hand back naive ones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


BigKey = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def state_column(
    states: type[StrEnum], *, default: StrEnum | None = None, index: bool = False
) -> sa.Column[Any]:
    """A state, stored as its word."""
    kind = sa.Enum(
        states,
        native_enum=False,
        length=24,
        create_constraint=False,
        values_callable=lambda members: [member.value for member in members],
    )
    return sa.Column(kind, nullable=False, default=default, index=index)


class utc_now(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """The database's own clock, to the microsecond or millisecond it has; moves on within a transaction."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(utc_now, "postgresql")
def _postgresql_now(element: utc_now, compiler: Any, **_: Any) -> str:
    return "clock_timestamp()"


@compiles(utc_now, "sqlite")
def _sqlite_now(element: utc_now, compiler: Any, **_: Any) -> str:
    return "(strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')"


class earlier(FunctionElement[datetime]):  # noqa: N801 - reads as the SQL function it is
    """`earlier(moment, seconds)`: so many seconds before it."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(earlier, "postgresql")
def _postgresql_earlier(element: earlier, compiler: Any, **options: Any) -> str:
    moment, seconds = (compiler.process(one, **options) for one in element.clauses)
    return f"({moment} - make_interval(secs => {seconds}))"


@compiles(earlier, "sqlite")
def _sqlite_earlier(element: earlier, compiler: Any, **options: Any) -> str:
    moment, seconds = (compiler.process(one, **options) for one in element.clauses)
    return f"(strftime('%Y-%m-%d %H:%M:%f', {moment}, (-{seconds}) || ' seconds') || '000')"


def now(session: Session) -> datetime:
    """What the database's clock says: the one clock that all workers share."""
    return prepared.moment(_NOW.run(session.connection()).fetchone()[0])


_NOW = Prepared(sa.select(utc_now()))


def is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


class Database(Protocol):
    @property
    def is_sqlite(self) -> bool: ...

    @property
    def writes(self) -> Writes:
        """What writing has cost this process so far."""
        ...

    @property
    def at_once(self) -> AtOnce | PlainCalls | None:
        """A short way for the sender's commits: on PostgreSQL statements that are transactions of their own, on SQLite calls
        without a session. None where there is none; `write` does the same.
        """
        ...

    @property
    def aside(self) -> AtOnce | None:
        """The same beside it, for what may wait for a lock: the sender's commits do not wait along. None on SQLite."""
        ...

    async def read(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it where writing is impossible."""
        ...

    async def write(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it and commit, then answer; an exception undoes it. It may run again after a lost race for a lock."""
        ...

    async def close(self) -> None: ...


def connect(url: str) -> Database:
    return SqliteDatabase(url) if url.startswith("sqlite") else PostgresqlDatabase(url)


class PostgresqlDatabase:
    is_sqlite = False

    def __init__(self, url: str, *, connections: int = 12) -> None:
        self._engine = postgresql.engine(url, connections=connections)
        self._reading = self._engine.execution_options(postgresql_readonly=True)
        self.writes = Writes()
        self.at_once = AtOnce(self._engine, self.writes)
        self.aside = AtOnce(self._engine, self.writes)

    async def read(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with AsyncSession(self._reading, expire_on_commit=False) as session:
            return await session.run_sync(lambda sync: function(_checked(sync), *args, **kwargs))

    async def write(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with self.writes.timed():
            return await self._write(function, *args, **kwargs)

    async def _write(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in range(1, postgresql.TRIES + 1):
            is_worked_out = False
            try:
                async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                    answer = await session.run_sync(lambda sync: function(_checked(sync), *args, **kwargs))
                    is_worked_out = True
                return answer
            except DBAPIError as error:
                # Lost before its COMMIT began, it has done nothing; lost within, nobody knows: that is the caller's to judge.
                is_lost = error.connection_invalidated and not is_worked_out
                if attempt == postgresql.TRIES or not (
                    is_lost or getattr(error.orig, "sqlstate", None) in postgresql.TRY_AGAIN
                ):
                    raise
                self.writes.retries += 1
            await asyncio.sleep(postgresql.pause(attempt))
        raise AssertionError("unreachable")

    async def close(self) -> None:
        await self.at_once.close()
        await self.aside.close()
        await self._engine.dispose()


def _checked(session: Any) -> Session:
    if not isinstance(session, Session):
        raise TypeError("rooms take a SQLModel session")
    return session


class SqliteDatabase:
    is_sqlite = True
    aside = None

    def __init__(self, url: str) -> None:
        self.writes = Writes()
        self._writer = SqliteWriter(url, self.writes)
        self.at_once = PlainCalls(self._writer)
        self._reader = sqlite.engine(url, connections=READERS, query_only=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="memo-read")

    async def read(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: self._read(function, *args, **kwargs))

    async def write(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._writer.call(function, args, kwargs)

    async def close(self) -> None:
        await self._writer.close()
        self._readers.shutdown(wait=True)
        self._reader.dispose()

    def _read(self, function: Function[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        with Session(self._reader, expire_on_commit=False) as session:
            return function(session, *args, **kwargs)
