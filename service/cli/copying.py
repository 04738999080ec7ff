"""A backup made and put back, step by step, on either database. The commands around it ask and tell."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from sqlmodel import Session

from service import database, migrations, schema
from service.backups import continuity, copies, marker, postgresql_copy, sqlite_copy, standstill
from service.backups.copies import Contents, NotACopy, NotEmpty
from service.backups.marker import Marker
from service.backups.standstill import Standstill
from service.cli import opening
from service.clock import SystemClock
from service.database import Database
from service.dependencies import has_signing_keys, opened
from service.errors import Conflict
from service.schema import SchemaOutOfDate
from service.settings import Settings

T = TypeVar("T")
FOLDER = "backups"
ACTOR = "the command line"


class NoDatabase(Conflict):
    """There is no database here that could be backed up. Look at MEMO_DATABASE_URL and MEMO_DATA_DIR."""


class FromTheFuture(NotACopy):
    """This was made by a newer version of Morning Memo. Install that version, then restore the backup."""


@dataclass(frozen=True)
class Made:
    """`contents` is None if the database is not at the version of this program: it is copied as it is."""

    path: Path
    contents: Contents | None
    is_seen_here: bool


@dataclass(frozen=True)
class PutBack:
    standstill: Standstill
    aside: Path | None
    foreign_secrets: list[str] = field(default_factory=list)


def back_up(chosen: Settings, target: Path | None) -> Made:
    """To that file, or a new one in that folder, or in the data folder. Raises what keeps it from being made or read."""
    if chosen.is_sqlite and not sqlite_copy.place(chosen.database).exists():
        raise NoDatabase
    path = _file(chosen, target)
    is_current = _is_current(chosen)
    contents = opening.run(_on(chosen, _announced)) if is_current else None
    _copy(chosen, path)
    is_seen_here = opening.run(_on(chosen, _remembered)) if is_current else False
    return Made(path, contents, is_seen_here)


def what_is_there(chosen: Settings) -> Contents | None:
    """None if it is empty; a database of another version counts as one with a newsroom in it."""
    if chosen.is_sqlite and not sqlite_copy.place(chosen.database).exists():
        return None
    if not _is_current(chosen):
        return Contents(0, 0, 0, 0, 0, None) if _has_any_table(chosen) else None
    found = opening.run(_read(chosen, copies.contents))
    return None if found.is_empty else found


def put_back(chosen: Settings, source: Path, *, replace: bool) -> PutBack:
    """Sending is on hold afterwards. Raises AtWork, NotEmpty, NotACopy; what was there before is kept as a file."""
    if chosen.is_sqlite:
        with sqlite_copy.nobody_sends(sqlite_copy.place(chosen.database)):
            done = _into_sqlite(chosen, source, replace=replace)
    else:
        postgresql_copy.ensure_nobody_is_at_work(chosen.database)
        done = _into_postgresql(chosen, source, replace=replace)
    one = opening.run(_read(chosen, continuity.row))
    marker.write(marker.place(chosen), Marker(one.lineage, one.generation))
    return done


def _into_sqlite(chosen: Settings, source: Path, *, replace: bool) -> PutBack:
    _not_from_the_future(sqlite_copy.check(source))
    _may_be_replaced(chosen, replace=replace)
    target = sqlite_copy.place(chosen.database)
    aside = target.with_name(f"{target.stem}-replaced-{_stamp()}{target.suffix}")
    found: list[Standstill] = []

    def prepare(partial: Path) -> None:
        url = f"sqlite:///{partial.resolve()}"
        migrations.upgrade(url)
        found.append(_stopped(url))

    was_there = sqlite_copy.put_in_place(source, target, aside, prepare)
    return PutBack(found[0], aside if was_there else None, _foreign_secrets(chosen))


def _into_postgresql(chosen: Settings, source: Path, *, replace: bool) -> PutBack:
    url = chosen.database
    client = postgresql_copy.client_for(url, chosen.postgresql_programs)
    postgresql_copy.check(client, source)
    was_there = _may_be_replaced(chosen, replace=replace)
    aside = None
    if was_there:
        aside = chosen.data_dir / FOLDER / f"memo-replaced-{_stamp()}.dump"
        postgresql_copy.make(client, aside)
    if _has_any_table(chosen):
        _not_from_the_future(postgresql_copy.step_of(url))
        migrations.downgrade(url)
        postgresql_copy.drop_version(url)
    postgresql_copy.put_back(client, source, str(sa.make_url(url).database))
    migrations.upgrade(url)
    return PutBack(_stopped(url), aside, _foreign_secrets(chosen))


def _copy(chosen: Settings, path: Path) -> None:
    if chosen.is_sqlite:
        sqlite_copy.make(sqlite_copy.place(chosen.database), path)
    else:
        client = postgresql_copy.client_for(chosen.database, chosen.postgresql_programs)
        postgresql_copy.make(client, path)


def _file(chosen: Settings, target: Path | None) -> Path:
    name = f"memo-{_stamp()}.{'sqlite3' if chosen.is_sqlite else 'dump'}"
    if target is None:
        return chosen.data_dir / FOLDER / name
    return target / name if target.is_dir() else target


def _stamp() -> str:
    return f"{SystemClock().now():%Y%m%d-%H%M%S}"


def _is_current(chosen: Settings) -> bool:
    try:
        schema.ensure_current(chosen.database)
    except SchemaOutOfDate:
        return False
    return True


def _has_any_table(chosen: Settings) -> bool:
    return schema.on_connection(
        chosen.database, lambda connection: sa.inspect(connection).has_table("alembic_version")
    )


def _not_from_the_future(step: str) -> None:
    if step > schema.newest_step():
        raise FromTheFuture


def _may_be_replaced(chosen: Settings, *, replace: bool) -> bool:
    """Whether there is anything to keep."""
    found = what_is_there(chosen)
    if found is not None and not replace:
        raise NotEmpty(f"There is a newsroom in this database already ({found}). {NotEmpty.__doc__}")
    return found is not None


async def _announced(held: Database, names: dict[str, str], path: Path) -> Contents:
    if not await held.read(standstill.is_older, marker.read(path)):
        await held.write(continuity.copying, names)
    return await held.read(copies.contents)


async def _remembered(held: Database, names: dict[str, str], path: Path) -> bool:
    """From here on the copy is older than what this machine has seen, so putting it back by hand is noticed, too.

    Not if this database is itself one that no worker of this machine has looked at: its start is to find the marker as it was.
    """
    if await held.read(standstill.is_older, marker.read(path)):
        return False
    marker.write(path, await held.write(continuity.beat, names))
    return True


async def _on(chosen: Settings, act: Callable[[Database, dict[str, str], Path], Awaitable[T]]) -> T:
    async with opened(chosen) as resources:
        return await act(resources.database, resources.secret_names(), marker.place(chosen))


async def _read(chosen: Settings, function: Callable[[Session], T]) -> T:
    held = database.connect(chosen.database)
    try:
        return await held.read(function)
    finally:
        await held.close()


def _stopped(url: str) -> Standstill:
    async def stop() -> Standstill:
        held = database.connect(url)
        try:
            return await held.write(_stop)
        finally:
            await held.close()

    return opening.run(stop())


def _stop(session: Session) -> Standstill:
    known = continuity.last_known(continuity.row(session))
    when = f" of {known:%Y-%m-%d %H:%M:%S} UTC" if known is not None else ""
    reason = f"A backup{when} was restored."
    return standstill.begin(session, reason, now=SystemClock().now(), actor=ACTOR)


def _foreign_secrets(chosen: Settings) -> list[str]:
    """The names of keys that this service has not, or has others of."""
    one = opening.run(_read(chosen, continuity.row))
    if not has_signing_keys(chosen):
        return sorted(one.secrets)

    async def names() -> dict[str, str]:
        async with opened(chosen) as resources:
            return resources.secret_names()

    ours = opening.run(names())
    return sorted(name for name, value in one.secrets.items() if ours.get(name) != value)
