"""The two databases: filled once for each number of readers, copied for each run, and asked whether they really wait for the disk."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session

from bench import newsroom
from bench.newsroom import Prepared
from service import database, migrations
from tests.support.postgres import Postgres

SYNCHRONOUS_FULL = 2  # https://sqlite.org/pragma.html#pragma_synchronous
# Others of PostgreSQL's synchronous_commit return before the write is on disk.
WAITING = {"on", "remote_apply"}


class NotDurable(AssertionError):
    """A database that does not wait for the disk is quicker, and proves nothing."""


@dataclass(frozen=True)
class Copy:
    url: str
    prepared: Prepared


class Base(Protocol):
    def copy(self, readers: int) -> AbstractAsyncContextManager[Copy]:
        """A database of its own with so many readers, gone afterwards. The first of a number takes longer: it fills the original."""
        ...


class SqliteBase:
    def __init__(self, folder: Path, pepper: str) -> None:
        self._folder = folder
        self._pepper = pepper
        self._filled: dict[int, Prepared] = {}
        self._numbers = count(1)

    @asynccontextmanager
    async def copy(self, readers: int) -> AsyncIterator[Copy]:
        original = await self.original(readers)
        folder = self._folder / f"sqlite-run-{next(self._numbers)}"
        folder.mkdir()
        path = folder / "memo.sqlite3"
        await asyncio.to_thread(shutil.copyfile, _path(original.url), path)
        try:
            await check_durable(_sqlite_url(path))
            yield Copy(_sqlite_url(path), original.prepared)
        finally:
            shutil.rmtree(folder)

    async def original(self, readers: int) -> Copy:
        """Only to be read and copied."""
        if readers not in self._filled:
            url = original_url(self._folder, readers)
            await asyncio.to_thread(migrations.upgrade, url)
            # Closing the last connection moves the log into the file, so that the file is the whole database.
            self._filled[readers] = await newsroom.prepare(url, readers, pepper=self._pepper)
        return Copy(original_url(self._folder, readers), self._filled[readers])


class PostgresqlBase:
    def __init__(self, server: Postgres, pepper: str) -> None:
        self._server = server
        self._pepper = pepper
        self._filled: dict[int, Prepared] = {}
        self._numbers = count(1)

    @asynccontextmanager
    async def copy(self, readers: int) -> AsyncIterator[Copy]:
        original, prepared = await self._original(readers)
        # Each by another name: the product would take a second one for an older copy of the first, and hold its mail.
        name = f"bench_run_{next(self._numbers)}"
        url = await asyncio.to_thread(self._server.create_database, name, template=original)
        try:
            await check_durable(url)
            yield Copy(url, prepared)
        finally:
            await asyncio.to_thread(self._server.drop_database, name)

    async def _original(self, readers: int) -> tuple[str, Prepared]:
        name = f"bench_{readers}"
        if readers not in self._filled:
            url = await asyncio.to_thread(self._server.create_database, name)
            await asyncio.to_thread(migrations.upgrade, url)
            self._filled[readers] = await newsroom.prepare(url, readers, pepper=self._pepper)
            await asyncio.to_thread(self._server.tidy, name)
        return name, self._filled[readers]


async def check_durable(url: str) -> None:
    """Asked through the connection that the product writes with. Raises NotDurable."""
    opened = database.connect(url)
    try:
        await opened.write(_sqlite_waits if opened.is_sqlite else _postgresql_waits)
    finally:
        await opened.close()


def original_url(folder: Path, readers: int) -> str:
    """Where SQLite's original is, once it is filled."""
    return _sqlite_url(folder / f"sqlite-{readers}.sqlite3")


def _path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def _sqlite_waits(session: Session) -> None:
    synchronous = session.execute(sa.text("PRAGMA synchronous")).scalar_one()
    journal = session.execute(sa.text("PRAGMA journal_mode")).scalar_one()
    if int(synchronous) < SYNCHRONOUS_FULL or journal == "off":
        raise NotDurable(f"SQLite: synchronous is {synchronous}, journal_mode {journal}.")


def _postgresql_waits(session: Session) -> None:
    for name, allowed in {
        "fsync": {"on"},
        "full_page_writes": {"on"},
        "synchronous_commit": WAITING,
    }.items():
        value = session.execute(sa.select(sa.func.current_setting(name))).scalar_one()
        if value not in allowed:
            raise NotDurable(f"PostgreSQL: {name} is {value}.")
