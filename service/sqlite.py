"""How SQLite is opened: WAL, every commit on disk, foreign keys held, and transactions that begin when we say so."""

import sqlite3

import sqlalchemy as sa
from sqlalchemy import event

from service import prepared

BUSY_MILLISECONDS = 10_000
READER_CACHE = (
    -256
)  # KiB for each; the system keeps the file's pages once more, and four usual caches are 8 MB of the process
BEGIN = "BEGIN IMMEDIATE"  # a transaction that reads first fails at once if another one writes in between


def engine(url: str, *, connections: int, query_only: bool) -> sa.Engine:
    made = sa.create_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,  # an error's text goes into logs; its statement's values may be a reader's
        connect_args={"check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000},
    )

    @event.listens_for(made, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = (
            None  # the driver's own BEGIN comes too late: lost updates without an error
        )
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_MILLISECONDS}",
            "journal_size_limit=67108864",
            f"query_only={'ON' if query_only else 'OFF'}",
            *([f"cache_size={READER_CACHE}"] if query_only else []),
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(made, "begin")
    def _begin(connection: sa.Connection) -> None:
        prepared.execute(connection, "BEGIN" if query_only else BEGIN, ())

    return made
