"""Whose certificates we trust, read once for all connections: a context of its own for each is 0.9 MB and 20 ms of a processor."""

import asyncio
import ssl
import threading
from functools import lru_cache
from pathlib import Path

_ONE_AT_A_TIME = threading.Lock()
READ_AGAIN_SECONDS = 3_600  # an authority that the system has come to trust, or trusts no longer


async def context(ca_file: Path | None) -> ssl.SSLContext:
    """The system's authorities and those in that file, as they are now. Raises OSError (ssl.SSLError is one)."""
    hour = int(asyncio.get_running_loop().time() // READ_AGAIN_SECONDS)
    return await asyncio.to_thread(_of_now, ca_file, hour)


def _of_now(ca_file: Path | None, hour: int) -> ssl.SSLContext:
    with _ONE_AT_A_TIME:  # connections begin together
        return _read(ca_file, ca_file.stat().st_mtime_ns if ca_file else 0, hour)


@lru_cache(maxsize=2)
def _read(ca_file: Path | None, changed: int, hour: int) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if ca_file is not None:
        made.load_verify_locations(cafile=ca_file)
    return made
