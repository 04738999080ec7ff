"""Statements put into words once for a whole test run: each test has a database of its own, and with it an engine that knows none yet.

It was a fifth of the processor time of a test of the desk.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

_cache: LRUCache[Any, Any] = LRUCache(4_000)


def share() -> None:
    """From now on, for every engine of this process. Engines of one kind speak alike, and that is what they are compared by."""
    for kind in (SQLiteDialect_pysqlite, PGDialect_asyncpg):
        setattr(kind, "__eq__", _are_alike)  # noqa: B010 - a method may not be assigned to
        setattr(kind, "__hash__", _kind_hash)  # noqa: B010
    event.listen(sa.Engine, "engine_connect", _with_the_cache)


def _are_alike(one: object, other: object) -> bool:
    return type(one) is type(other)


def _kind_hash(one: object) -> int:
    return hash(type(one))


def _with_the_cache(connection: sa.Connection) -> None:
    connection.execution_options(compiled_cache=_cache)
