"""PostgreSQL's own programs for copies, found in a version that fits the server."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from service.errors import Unavailable

USUAL_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
SSL_WORDS = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")


class ClientMissing(Unavailable):
    """There is no pg_dump here that can read this server."""


class ClientFailed(Unavailable):
    """PostgreSQL's program ended with an error."""


@dataclass(frozen=True)
class Client:
    """`pg_dump` and `pg_restore` of one version, and how they reach the database."""

    folder: Path
    environment: dict[str, str]

    def run(self, program: str, *arguments: str) -> None:
        """Raises ClientFailed with what it said last."""
        command = [str(self.folder / program), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, check=False)  # noqa: S603
        if done.returncode:
            said = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
            why = " ".join(said[-2:])[:500] or f"exit code {done.returncode}"
            raise ClientFailed(f"{program} failed: {why}")


def for_server(url: str, major: int, folder: Path | None) -> Client:
    """The oldest of those here that are not older than the server: pg_dump refuses a newer server."""
    found = {version: where for where in _folders(folder) if (version := _version(where)) is not None}
    fitting = min((version for version in found if version >= major), default=None)
    if fitting is not None:
        return Client(found[fitting], _environment(url))
    here = f"the newest one found is {max(found)}" if found else "none was found"
    raise ClientMissing(
        f"A backup of PostgreSQL {major} needs pg_dump and pg_restore of version {major} or newer; {here}. Install the package "
        f"postgresql-client-{major} (of apt.postgresql.org, if your system has only older ones), or say in MEMO_POSTGRESQL_PROGRAMS "
        "in which folder they are."
    )


def _folders(folder: Path | None) -> list[Path]:
    if folder is not None:
        return [folder]
    on_path = shutil.which("pg_dump")
    found = [place for pattern in USUAL_FOLDERS for place in sorted(Path("/").glob(pattern.lstrip("/")))]
    return [*found, *([Path(on_path).parent] if on_path else [])]


def _version(folder: Path) -> int | None:
    if not (folder / "pg_restore").exists():
        return None
    try:
        said = subprocess.run(  # noqa: S603
            [str(folder / "pg_dump"), "--version"], capture_output=True, text=True, check=False, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(said.stdout)
    return int(match[1]) if match else None


def _environment(url: str) -> dict[str, str]:
    """As libpq wants it; on a command line everybody could read the password."""
    parts = sa.make_url(url)
    ssl = str(parts.query.get("sslmode") or parts.query.get("ssl") or "")
    told = {
        "PGHOST": str(parts.host or parts.query.get("host") or ""),
        "PGPORT": str(parts.port or parts.query.get("port") or ""),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": parts.database or "",
        "PGSSLMODE": ssl if ssl in SSL_WORDS else "require" if ssl == "true" else "",
        "PGAPPNAME": "morning-memo backup",
        "PGCONNECT_TIMEOUT": "15",
    }
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("PG") or name == "PGPASSFILE"
    }
    return inherited | {name: value for name, value in told.items() if value}
