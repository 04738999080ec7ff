"""One process: the web server, and beside it the worker and the built-in mailbox, started and stopped in the right order.

At SIGTERM or Ctrl-C: the worker begins nothing new and waits for answers under way, streams end, then the server stops.
"""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import uvicorn
from sse_starlette.sse import AppStatus

from service import signals
from service.app import create_app
from service.delivery import relay_choice
from service.dependencies import Resources, opened
from service.errors import Conflict, Invalid
from service.settings import Settings
from service.worker import Worker

GRACE_SECONDS = 3


class PortTaken(Conflict):
    """The port is in use by another program. Stop that one, or choose another port with MEMO_PORT."""


class MailboxBesideRelay(Invalid):
    """MEMO_MAILBOX_PORT is set beside MEMO_RELAY_URL, but the built-in mailbox never runs beside a real relay: unset one of the two."""


@dataclass(frozen=True)
class Served:
    """A process that is up."""

    resources: Resources
    worker: Worker | None
    relay_url: str | None
    is_kept_here: bool  # the built-in mailbox takes what there is


@asynccontextmanager
async def up(chosen: Settings, *, with_worker: bool) -> AsyncIterator[Served]:
    """The whole process, ready for readers, until the block is left. Port 0 is replaced by a free one."""
    _refuse_mailbox_beside_relay(chosen)
    listening = _listen(chosen.host, chosen.port)
    chosen = chosen.model_copy(update={"port": listening.getsockname()[1]})
    async with AsyncExitStack() as stack:
        stack.callback(_let_streams_run)
        resources = await stack.enter_async_context(opened(chosen))
        await stack.enter_async_context(_web(resources, listening))
        relay_url = chosen.relay_url or None
        worker = None
        if with_worker:
            relay_url = relay_url or await _mailbox(stack, resources)
            worker = await stack.enter_async_context(Worker(resources, relay_url).running())
        stack.push_async_callback(_end_streams)
        is_kept_here = worker is not None and not chosen.relay_url
        if is_kept_here:
            is_kept_here = not await resources.database.read(relay_choice.has_any)
        yield Served(resources, worker, relay_url, is_kept_here)


async def serve(chosen: Settings, *, with_worker: bool, announce: Callable[[Served], None]) -> None:
    async with up(chosen, with_worker=with_worker) as served:
        stop = signals.signalled()
        announce(served)
        await stop.wait()


class WebServer(uvicorn.Server):
    """Signals are ours: the server must be the last to stop, not the first."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.is_up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _web(resources: Resources, listening: socket.socket) -> AsyncIterator[None]:
    proxies = resources.settings.trusted_proxies
    config = uvicorn.Config(
        create_app(resources),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GRACE_SECONDS,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=proxies or None,
        server_header=False,
    )
    server = WebServer(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    await server.is_up.wait()
    try:
        yield
    finally:
        server.should_exit = True
        await serving


async def _mailbox(stack: AsyncExitStack, resources: Resources) -> str:
    from service.mailbox.catcher import Catcher  # beside a real relay it never runs

    catcher = Catcher(resources.settings, resources.database, resources.clock)
    await catcher.start()
    stack.push_async_callback(catcher.stop)
    return catcher.relay_url


async def _end_streams() -> None:
    AppStatus.should_exit = True


def _let_streams_run() -> None:
    """The flag belongs to the interpreter, not to this server: the next one in it must find it unset."""
    AppStatus.should_exit = False


def _refuse_mailbox_beside_relay(chosen: Settings) -> None:
    if chosen.relay_url and "mailbox_port" in chosen.model_fields_set:
        raise MailboxBesideRelay


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} is in use by another program. Stop that one, or set MEMO_PORT."
            ) from error
        raise Invalid(
            f"Cannot listen on {host}:{port}: {error.strerror}. Check MEMO_HOST and MEMO_PORT."
        ) from error
    return listening
