"""The store as a folder: each picture a file, under the first two digits of its name."""

import asyncio
import os
import tempfile
from pathlib import Path

from service.errors import Unavailable


class StoreFailed(Unavailable):
    """The pictures' store cannot be used at the moment."""


class Folder:
    def __init__(self, place: Path) -> None:
        self.place = place

    async def put(self, name: str, body: bytes) -> None:
        try:
            await asyncio.to_thread(self._put, name, body)
        except OSError as error:
            raise StoreFailed(f"The picture cannot be kept in {self.place}: {error.strerror}.") from error

    async def get(self, name: str) -> bytes | None:
        try:
            return await asyncio.to_thread(self._file(name).read_bytes)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreFailed(f"A picture in {self.place} cannot be read: {error.strerror}.") from error

    async def remove(self, name: str) -> None:
        try:
            await asyncio.to_thread(self._file(name).unlink, missing_ok=True)
        except OSError as error:
            raise StoreFailed(f"A picture in {self.place} cannot be removed: {error.strerror}.") from error

    async def close(self) -> None:
        """A folder holds nothing open."""

    def _file(self, name: str) -> Path:
        return self.place / name[:2] / name

    def _put(self, name: str, body: bytes) -> None:
        """Whole or not at all, for somebody may ask for it at any moment."""
        file = self._file(name)
        if file.exists():
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=file.parent, prefix=".")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(body)
                out.flush()
                os.fsync(out.fileno())
            Path(partial).replace(file)
        finally:
            Path(partial).unlink(missing_ok=True)
