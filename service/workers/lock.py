"""The right to send from a SQLite database: a lock file beside it, held for life by one process. PostgreSQL has any number of senders."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from service.errors import Conflict


class AlreadySending(Conflict):
    """Another process is already sending from this SQLite database; only one can. Stop it first, or move to PostgreSQL."""


@contextmanager
def right_to_send(database_url: str) -> Iterator[None]:
    url = sa.make_url(database_url)
    if url.get_backend_name() != "sqlite":
        yield
        return
    path = Path(url.database or "memo.sqlite3").with_suffix(".sending")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadySending from error
        yield
