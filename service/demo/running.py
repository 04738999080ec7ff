"""`memo demo`: start everything afresh in one process, and say what to try."""

import contextlib
import fcntl
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from service import migrations, serving, settings, signals
from service.demo import newsroom, sample
from service.demo.sample import Sample
from service.errors import Conflict
from service.serving import Served
from service.settings import Settings

FOLDER = Path("var") / "demo"
USUAL_PORT = 8300


@dataclass(frozen=True)
class Demo:
    served: Served
    sample: Sample

    @property
    def base_url(self) -> str:
        return self.served.resources.settings.base_url


class AlreadyRunning(Conflict):
    """A demonstration runs in this folder already, and a second one would take its data away: end that one, or use another folder."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Raises AlreadyRunning. The lock ends with the process, however that ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning from error
        yield


def fresh_settings(folder: Path, newsroom_port: int, *, port: int) -> Settings:
    """A new SQLite database below that folder; nothing of the environment's settings is used but the host's own defaults."""
    shutil.rmtree(folder, ignore_errors=True)
    chosen = settings.load(
        data_dir=folder,
        database_url=f"sqlite:///{(folder / 'memo.sqlite3').resolve()}",
        relay_url="",
        public_url="",
        host="127.0.0.1",
        port=port,
        mailbox_port=0,
        fetch_allow=f"localhost:{newsroom_port}",
    )
    migrations.upgrade(chosen.database)
    return chosen


@asynccontextmanager
async def up(chosen: Settings, sockets: list[socket.socket]) -> AsyncIterator[Demo]:
    async with serving.up(chosen, with_worker=True) as served:
        base = served.resources.settings.base_url
        async with newsroom.open_to_readers(sockets, base) as newsroom_url:
            yield Demo(served, await sample.prepare(served.resources, newsroom_url))


async def run(chosen: Settings, sockets: list[socket.socket]) -> None:
    async with up(chosen, sockets) as demo:
        print(_tour(demo), flush=True)
        await signals.until_signal()


def usual_or_free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
    return USUAL_PORT


def _tour(demo: Demo) -> str:
    base, room = demo.base_url, demo.sample.newsroom_url
    return f"""
Morning Memo is up, with a sample newsroom beside it. Nothing leaves this computer.

  1  Read an article and sign up at its end      {room}/
  2  Open the message that asks if it is you     {base}/mailbox
  3  Confirm, then look at the sign-up page      {base}/n/{sample.SLUG}
  4  Be the editor: preview, test, send          {base}/desk
       sign in with {sample.ACCOUNT} and the password "{sample.PASSWORD}"
  5  Read the memo that arrived                  {base}/mailbox
  6  Be a program: make an edition of what is new
       curl -H 'Authorization: Bearer {demo.sample.api_key}' -H 'Content-Type: application/json' \\
            -d '{{"newsletter": "{sample.SLUG}", "automatic": true}}' {base}/api/v1/editions

Ctrl-C ends it. The next start is a fresh one."""
