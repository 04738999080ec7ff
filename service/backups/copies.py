"""What every copy needs: a file that is there whole or not at all, for its owner's eyes, and what is in it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from service.accounts.models import Account
from service.backups import continuity
from service.editions.models import Edition
from service.errors import Conflict, Invalid
from service.ledger.models import Run
from service.newsletters.models import Newsletter
from service.subscribers.models import Subscriber


class NotACopy(Invalid):
    """This file is no backup of Morning Memo."""


class AtWork(Conflict):
    """Somebody is at work on this database. Stop every memo serve and memo worker first."""


class NotEmpty(Conflict):
    """There is a newsroom in this database already. With --replace the backup takes its place; what is there now is kept as a file."""


@dataclass(frozen=True)
class Contents:
    newsletters: int
    readers: int
    accounts: int
    editions: int
    under_way: int
    copied_at: datetime | None

    @property
    def is_empty(self) -> bool:
        return not (self.newsletters or self.readers or self.accounts)

    def __str__(self) -> str:
        under_way = f", {self.under_way:,} of them under way" if self.under_way else ""
        return f"{self.newsletters:,} newsletters, {self.readers:,} readers, {self.editions:,} editions{under_way}"


def contents(session: Session) -> Contents:
    open_runs = sa.select(sa.func.count()).where(col(Run.ended_at).is_(None))
    return Contents(
        newsletters=_count(session, Newsletter),
        readers=_count(session, Subscriber),
        accounts=_count(session, Account),
        editions=_count(session, Edition),
        under_way=session.execute(open_runs).scalar_one(),
        copied_at=continuity.last_known(continuity.row(session)),
    )


def _count(session: Session, table: type[SQLModel]) -> int:
    return int(session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@contextmanager
def made_whole(path: Path) -> Iterator[Path]:
    """An empty file of mode 0600 beside it to write into; on the disk and in its place when the block ends without an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """A new name is on the disk only once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
