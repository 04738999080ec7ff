"""A SQLite database copied while others write to it, checked, and put in the place of another.

`VACUUM INTO` reads one moment and keeps nobody from writing; unlike a copy page by page it leaves nothing of what was deleted.
"""

import fcntl
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from service.backups import copies
from service.backups.copies import AtWork, NotACopy

MAGIC = b"SQLite format 3\x00"
WAIT_SECONDS = 60


class Broken(NotACopy):
    """This backup is damaged; take another one."""


def place(url: str) -> Path:
    return Path(sa.make_url(url).database or "memo.sqlite3")


def make(source: Path, target: Path) -> None:
    """Whoever reads the source may take a minute to make room: it is no reason to fail."""
    with copies.made_whole(target) as partial:
        with closing(sqlite3.connect(source, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
            connection.execute("VACUUM INTO ?", (str(partial),))
        check(partial)


def check(path: Path) -> str:
    """Read every page of it; returns at which step its schema is. Raises NotACopy."""
    with path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise NotACopy(f"{path} is no backup of a SQLite database.")
    try:
        with closing(
            sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            if found != ["ok"]:
                raise Broken(f"{path} is damaged ({'; '.join(found)[:200]}); take another backup.")
            return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
    except (sqlite3.DatabaseError, TypeError) as error:
        raise Broken(f"{path} cannot be read as a backup ({error}); take another one.") from error


@contextmanager
def nobody_sends(target: Path) -> Iterator[None]:
    """The right to send is a locked file beside the database; while we hold it no worker begins."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.with_suffix(".sending").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AtWork(f"A worker sends from {target}. Stop memo serve and memo worker first.") from error
        yield


def put_in_place(source: Path, target: Path, aside: Path, prepare: Callable[[Path], None]) -> bool:
    """`prepare` is given a copy beside the target, which then takes its place; what stood there is kept as `aside`. Whether any did."""
    with copies.made_whole(target) as partial:
        shutil.copyfile(source, partial)
        prepare(partial)
        _alone(partial)
        was_there = target.exists()
        if was_there:
            _alone(target)
            target.replace(aside)
    return was_there


def _alone(path: Path) -> None:
    """One whole file without a write-ahead log beside it: only to be had if nobody else has it open."""
    try:
        with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise AtWork(f"Another process has {path} open ({error}). Stop memo serve first.") from error
    if mode != "delete":
        raise AtWork(f"Another process has {path} open. Stop memo serve first.")
