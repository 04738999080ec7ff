"""Evidence from this machine and its database."""

import asyncio
import importlib.metadata
import re
import shutil
import stat
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa

from service import schema
from service.clock import Clock
from service.database import Database
from service.doctor import facts, machine_verdict, secret_verdict
from service.doctor.facts import Basics
from service.doctor.findings import Finding
from service.doctor.machine_verdict import Disk
from service.doctor.secret_verdict import SecretFile
from service.settings import Settings

ANSWER_SECONDS = 8


async def database(chosen: Settings, opened: Database, clock: Clock) -> tuple[list[Finding], Basics | None]:
    """Findings about it; the basics only if its tables fit this program, so that more can be read."""
    place = sqlite_file(chosen)
    if place is not None and not place.exists():
        return machine_verdict.no_tables(f"There is no database at {place}."), None
    before = clock.now()
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            found = await opened.read(facts.basics)
    except Exception as error:  # whatever a driver raises; its text may hold the address and the password
        return machine_verdict.no_database(_words(error)), None
    newest = schema.newest_step()
    judged = [
        *machine_verdict.durability(found.durability, is_sqlite=opened.is_sqlite),
        machine_verdict.database_clock(_skew(before, found.now, clock.now())),
        *machine_verdict.schema(found.steps, newest),
    ]
    return judged, found if found.steps == (newest,) else None


def files(chosen: Settings) -> list[Finding]:
    """The disk, and the file with the secret key."""
    return [
        *machine_verdict.disk(_disk(chosen)),
        secret_verdict.judged(_secret(chosen), is_sqlite=chosen.is_sqlite),
    ]


def zones(names: tuple[str, ...], clock: Clock) -> list[Finding]:
    wanted = {name: _has_zone(name) for name in names}
    try:
        version = importlib.metadata.version("tzdata")
    except importlib.metadata.PackageNotFoundError:
        version = "of the system"
    return list(machine_verdict.zones(wanted, version, clock.now().date()))


def sqlite_file(chosen: Settings) -> Path | None:
    """None beside PostgreSQL."""
    path = sa.make_url(chosen.database).database if chosen.is_sqlite else None
    return Path(path) if path else None


def _skew(before: datetime, theirs: datetime, after: datetime) -> timedelta:
    """By how much their clock lies outside of the time in which they were asked: a slow answer is no wrong clock."""
    return theirs - min(max(theirs, before), after)


def _disk(chosen: Settings) -> Disk:
    file = sqlite_file(chosen)
    folder = (file.parent if file is not None else chosen.data_dir).resolve()
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    size = file.stat().st_size if file is not None and file.exists() else 0
    return Disk(str(folder), usage.free, usage.total, size)


def _secret(chosen: Settings) -> SecretFile:
    place = chosen.data_dir / "secret-key"
    parts = [part for part in re.split(r"[,\s]+", chosen.secret_key.strip()) if part]
    if parts:
        return SecretFile(str(place), None, min(map(len, parts)))
    return SecretFile(str(place), stat.S_IMODE(place.stat().st_mode) if place.exists() else None)


def _has_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing within {ANSWER_SECONDS} s"
    return type(error).__name__
