"""Statements that run for every commit and every page of a send: put into words once, and handed to the driver as they are.

A Core statement costs SQLAlchemy more for each execution than its work costs the database; one that is prepared leaves out the
looking up and the handling of results. What comes back is what the driver gives: SQLite's times are texts (`moment`).
On SQLite the driver is asked at once; errors come as SQLAlchemy's all the same.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler


class Found(Protocol):
    """Of a driver's cursor what both have."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> Sequence[Any]: ...


@dataclass(frozen=True, slots=True)
class _Worded:
    text: str
    names: tuple[str, ...]  # of its values, in their order
    constants: Mapping[str, Any]
    encoders: tuple[Callable[[Any], Any] | None, ...]


class Prepared:
    """`run` takes the values of its bind parameters by name; those that the statement itself has need not be given."""

    def __init__(self, statement: sa.ClauseElement) -> None:
        self._statement = statement
        self._worded: dict[str, _Worded] = {}

    def run(self, connection: sa.Connection, values: Mapping[str, Any] | None = None) -> Found:
        worded = self._worded.get(connection.dialect.name)
        if worded is None:
            worded = self._worded[connection.dialect.name] = _worded(self._statement, connection.dialect)
        given = {**worded.constants, **(values or {})}
        encoded = tuple(
            given[name] if encoder is None else encoder(given[name])
            for name, encoder in zip(worded.names, worded.encoders, strict=True)
        )
        return execute(connection, worded.text, encoded)


class PreparedRows:
    """All rows of a query, each a list with its JSON decoded: they come as one text. SQLite's driver lets go of the interpreter's lock for
    each row it steps to, and has to win it back from a loop that is busy; PostgreSQL's has each row go through four layers. Give the
    query a limit, for its order; its values are what JSON can say.
    """

    def __init__(self, query: sa.Select[Any]) -> None:
        self._query = query
        self._text: dict[str, Prepared] = {}

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> list[list[Any]]:
        dialect = connection.dialect.name
        if dialect not in self._text:
            self._text[dialect] = self._as_text(is_postgresql=dialect == "postgresql")
        (text,) = self._text[dialect].run(connection, values).fetchone()
        rows: list[list[Any]] = json.loads(text or "[]")
        return rows

    def _as_text(self, *, is_postgresql: bool) -> Prepared:
        columns = self._query.subquery().columns
        if is_postgresql:
            row = sa.func.json_build_array(*columns)
            return Prepared(sa.select(sa.cast(sa.func.json_agg(row), sa.Text)))
        values = [sa.func.json(one) if isinstance(one.type, sa.JSON) else one for one in columns]
        return Prepared(sa.select(sa.func.json_group_array(sa.func.json_array(*values))))


def execute(connection: sa.Connection, text: str, values: tuple[Any, ...]) -> Found:
    """In the driver's own words: `?` on SQLite, `$1` on PostgreSQL."""
    if connection.dialect.name != "sqlite":
        return connection.exec_driver_sql(text, values)
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    try:
        return driver.execute(text, values)
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance(text, values, error, sqlite3.Error) from error


def moment(value: Any) -> datetime:
    """A time as a driver gives it, aware and in UTC."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _worded(statement: sa.ClauseElement, dialect: sa.Dialect) -> _Worded:
    compiled = statement.compile(dialect=dialect)
    if not isinstance(compiled, SQLCompiler) or compiled.positiontup is None:
        raise TypeError("only for drivers whose parameters have places, not names")
    names = tuple(compiled.positiontup)
    return _Worded(
        text=compiled.string,
        names=names,
        constants={name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required},
        encoders=tuple(
            compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names
        ),
    )
