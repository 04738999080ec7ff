"""What this machine remembers of its database, in a file outside of it: lineage and generation, written after each commit of them.

So the file is never ahead of the database it was written for. If it is, that database is gone and an older copy stands in its place.
"""

import hashlib
import json
import os
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from service.backups.models import Continuity
from service.settings import Settings

OLDER = "The database is an older copy of itself: this machine has seen it further on."
OTHER = "The database is another one than this machine knows, or a copy from before a backup was restored."
FROM_ELSEWHERE = "The database was put here from elsewhere: this machine has not seen it before."


@dataclass(frozen=True)
class Marker:
    lineage: uuid.UUID
    generation: int


def place(chosen: Settings) -> Path:
    """Beside a SQLite file; in the data folder for PostgreSQL, one for each database."""
    url = sa.make_url(chosen.database)
    if chosen.is_sqlite:
        return Path(url.database or "memo.sqlite3").with_suffix(".marker")
    named = f"{url.host or url.query.get('host')}:{url.port or 5432}/{url.database}"
    return chosen.data_dir / f"database-{hashlib.sha256(named.encode()).hexdigest()[:12]}.marker"


def read(path: Path) -> Marker | None:
    """None if there is none, or none that can be read."""
    try:
        found = json.loads(path.read_text())
        return Marker(uuid.UUID(found["lineage"]), int(found["generation"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, marker: Marker) -> None:
    """Whole or not at all, and on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        json.dump({"lineage": str(marker.lineage), "generation": marker.generation}, file)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def objection(marker: Marker | None, row: Continuity, *, is_sqlite: bool) -> str | None:
    """Why this database must not be sent from before a person has looked; None if it goes on from where this machine saw it last.

    Without a marker a worker of PostgreSQL is a new machine. A SQLite file belongs to one machine: there somebody has moved it.
    """
    if marker is None:
        return FROM_ELSEWHERE if is_sqlite and row.generation else None
    if marker.lineage == row.lineage:
        return OLDER if marker.generation > row.generation else None
    is_known = str(marker.lineage) in row.forebears
    return None if is_known or not row.generation else OTHER
