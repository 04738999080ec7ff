"""At which step of `alembic/` a database is, found out without Alembic: it weighs too much to be loaded only to read one row."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from service.errors import Conflict, Unavailable
from service.settings import shipped

T = TypeVar("T")


class SchemaOutOfDate(Conflict):
    """The database is not at the version this program needs. Run `memo migrate`, then start again."""


class DatabaseOutOfReach(Unavailable):
    """The database of MEMO_DATABASE_URL cannot be reached."""


def newest_step() -> str:
    """The files of the steps begin with their number, which is the revision's name."""
    return max(path.name.partition("_")[0] for path in shipped("alembic").glob("versions/[0-9]*_*.py"))


def ensure_current(url: str) -> None:
    """Raises SchemaOutOfDate unless the database is at the newest step."""
    if on_connection(url, _steps) != {newest_step()}:
        raise SchemaOutOfDate


def _steps(connection: sa.Connection) -> set[str]:
    if not sa.inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))


def on_connection(url: str, function: Callable[[sa.Connection], T]) -> T:
    """Run it in one transaction on a connection of its own. Must not be called inside a running event loop."""
    if url.startswith("sqlite"):
        path = sa.make_url(url).database
        if path and path != ":memory:":
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            return function(connection)
    return asyncio.run(_on_postgresql(url, function))


def _said(url: str, error: Exception) -> str:
    where = sa.make_url(url)
    return (
        f"The database of MEMO_DATABASE_URL cannot be used ({where.host}:{where.port or 5432}): {error}. "
        "See whether it runs, whether this machine may reach it, and whether its name, user and password are right."
    )


async def _on_postgresql(url: str, function: Callable[[sa.Connection], T]) -> T:
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(function)
    except Exception as error:
        # What the driver raises before there is a connection comes as it is; a program on SQLite does not load the driver.
        if isinstance(error, OSError) or type(error).__module__.startswith("asyncpg."):
            raise DatabaseOutOfReach(_said(url, error)) from error
        raise
    finally:
        await engine.dispose()
