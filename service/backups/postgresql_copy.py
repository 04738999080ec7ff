"""A PostgreSQL database copied by pg_dump in its custom format, checked by reading all of it, and put back by pg_restore.

pg_dump reads one moment and locks nothing that sending needs.
"""

import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from service import schema
from service.backups import clients, copies
from service.backups.clients import Client, ClientFailed
from service.backups.copies import AtWork, NotACopy
from service.workers.register import GONE_AFTER

MAGIC = b"PGDMP"
LEAVING_SECONDS = (
    3.0  # who has closed a connection, as we have just before, is listed until the server has seen it
)


def make(client: Client, target: Path) -> None:
    with copies.made_whole(target) as partial:
        client.run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={partial}")
        check(client, partial)


def check(client: Client, path: Path) -> None:
    """Unpack every row of it without a database. Raises NotACopy."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise NotACopy(f"{path} is no backup of a PostgreSQL database (pg_dump, custom format).")
    try:
        client.run("pg_restore", "--file=/dev/null", str(path))
    except ClientFailed as error:
        raise NotACopy(f"{path} cannot be read as a backup. {error.message}") from error


def put_back(client: Client, source: Path, database: str) -> None:
    """All of it or nothing, into a database without tables."""
    options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
    client.run("pg_restore", *options, f"--dbname={database}", str(source))


def client_for(url: str, folder: Path | None) -> Client:
    return clients.for_server(url, schema.on_connection(url, _major), folder)


def step_of(url: str) -> str:
    """At which step its schema is."""
    found = schema.on_connection(
        url, lambda connection: connection.scalars(sa.text("SELECT version_num FROM alembic_version")).all()
    )
    return max(found, default="")


def ensure_nobody_is_at_work(url: str) -> None:
    """Our own connections, and workers whose row was renewed a moment ago, on whatever machine."""
    others = schema.on_connection(url, _others)
    if others:
        raise AtWork(
            f"At work on this database: {', '.join(others)}. Stop every memo serve and memo worker first; one that was killed "
            f"counts for {GONE_AFTER.seconds} seconds more."
        )


def drop_version(url: str) -> None:
    """What `memo migrate` leaves on the way down, and pg_restore would trip over."""
    schema.on_connection(
        url, lambda connection: connection.execute(sa.text("DROP TABLE IF EXISTS alembic_version"))
    )


def _major(connection: sa.Connection) -> int:
    return int(connection.execute(sa.text("SHOW server_version_num")).scalar_one()) // 10_000


def _others(connection: sa.Connection) -> list[str]:
    workers: Sequence[str] = []
    if sa.inspect(connection).has_table("workerprocess"):
        workers = connection.scalars(_WORKERS, {"age": float(GONE_AFTER.seconds)}).all()
    ends = time.monotonic() + LEAVING_SECONDS
    while (found := connection.scalars(_CONNECTED).all()) and not workers and time.monotonic() < ends:
        time.sleep(0.05)
        connection.execute(
            sa.text("SELECT pg_stat_clear_snapshot()")
        )  # else it stays what it was until the commit
    return [*workers, *found]


_WORKERS = sa.text(
    "SELECT DISTINCT 'worker ' || name FROM workerprocess "
    "WHERE stopped_at IS NULL AND seen_at > now() - make_interval(secs => :age)"
)
_CONNECTED = sa.text(
    "SELECT DISTINCT 'a process on ' || coalesce(host(client_addr), 'this machine') FROM pg_stat_activity "
    "WHERE datname = current_database() AND application_name = 'morning-memo' AND pid <> pg_backend_pid()"
)
