"""The judges' programs: whether they are here, put here where npm has them, and called."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
HTML_VALIDATE = MODULES / "html-validate" / "bin" / "html-validate.mjs"
VNU = MODULES / "vnu-jar" / "build" / "dist" / "vnu.jar"
MAILAUTH = MODULES / "mailauth" / "bin" / "mailauth.js"
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
# Program and Debian package.
PROGRAMS = {
    "npm": "npm",
    "node": "nodejs",
    "java": "default-jre-headless",
    "spamassassin": "spamassassin",
    "rspamd": "rspamd",
    "rspamc": "rspamd",
}
WITHIN_SECONDS = 120.0


class Fell(Exception):
    """A program of a judge said nothing that can be read; the message has the end of what it said."""


def missing(*programs: str) -> str | None:
    """Why a judge that needs these cannot be asked here."""
    absent = [name for name in programs if shutil.which(name, path=PATH) is None]
    if not absent:
        return None
    packages = " ".join(dict.fromkeys(PROGRAMS[name] for name in absent))
    return f"{', '.join(absent)} is not installed: apt-get install {packages}"


async def fetched() -> str | None:
    """Have the packages of the lock file here; why not, if they cannot be."""
    stamp = MODULES / ".package-lock.json"
    lock = FOLDER / "package-lock.json"
    if (reason := missing("npm", "node")) is not None:
        return reason
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return None
    code, said = await _done(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], b"", FOLDER)
    if code:
        return f"npm ci failed: {said[-800:].decode(errors='replace')}"
    stamp.touch()
    return None


async def said_by(command: Sequence[str | Path], given: bytes = b"") -> bytes:
    """What a program writes, or what it complains of if it writes nothing.

    Its exit code is the judge's opinion, and opinions are read from the words.
    """
    _, said = await _done([str(part) for part in command], given, FOLDER)
    return said


async def _done(command: Sequence[str], given: bytes, folder: Path) -> tuple[int, bytes]:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "PATH": PATH},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said, complaint = await asyncio.wait_for(process.communicate(given), WITHIN_SECONDS)
    except TimeoutError:
        process.kill()
        raise Fell(f"{command[0]} took more than {WITHIN_SECONDS:.0f} s") from None
    return process.returncode or 0, said or complaint
