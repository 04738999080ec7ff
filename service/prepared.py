"""Statements that run for every commit and every page of a send: put into words once, and handed to the driver as they are.

A Core statement costs SQLAlchemy more for each execution than its work costs the database; one that is `Prepared` leaves out the
looking up and the handling of results. What it returns is what the driver returns: SQLite's times and JSON are texts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Compiled
from sqlalchemy.sql.compiler import SQLCompiler

Encoder = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Worded:
    text: str
    names: tuple[str, ...]  # of its values, in their order
    constants: Mapping[str, Any]
    encoders: tuple[Encoder | None, ...]


class Prepared:
    """`run` takes the values of its bind parameters by name; those that the statement itself has need not be given."""

    def __init__(self, statement: sa.Update | sa.Select[Any]) -> None:
        self._statement = statement
        self._worded: dict[str, _Worded] = {}

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> sa.CursorResult[Any]:
        worded = self._worded.get(connection.dialect.name)
        if worded is None:
            worded = self._worded[connection.dialect.name] = _worded(self._statement, connection.dialect)
        given = {**worded.constants, **values}
        encoded = tuple(
            given[name] if encoder is None else encoder(given[name])
            for name, encoder in zip(worded.names, worded.encoders, strict=True)
        )
        return connection.exec_driver_sql(worded.text, encoded)


def _worded(statement: sa.Update | sa.Select[Any], dialect: sa.Dialect) -> _Worded:
    compiled: Compiled = statement.compile(dialect=dialect)
    if not isinstance(compiled, SQLCompiler) or compiled.positiontup is None:
        raise TypeError("drivers whose parameters have places, not names")
    names = tuple(compiled.positiontup)
    return _Worded(
        text=compiled.string,
        names=names,
        constants={name: bind.effective_value for name, bind in compiled.binds.items() if not bind.required},
        encoders=tuple(
            compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names
        ),
    )
