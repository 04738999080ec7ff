"""The product at work: `memo serve` in a process of its own, an edition sent by its API, and somebody who signs up meanwhile."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import psutil
from sqlmodel import Session

from bench import ledger, processes, readers
from bench.bases import Base, Copy
from bench.processes import Measured
from bench.sink import Sink
from service import database
from service.clock import SystemClock
from service.database import Database
from service.demo import sample, visitor
from service.media import register
from tests.support.processes import Process, free_port, memo

NEWCOMER = "newcomer@example.org"
LOOK_EVERY = 0.1
SLOWEST = 50  # messages a second; less is no measurement but a fault
NOTICE_WITHIN = 60.0
SHARES = 10
Companion = Callable[[str], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Order:
    """What the product is asked to do; `relay_url` may name something in front of the sink."""

    readers: int
    connections: int
    relay_url: str
    folder: Path
    ca_file: Path | None = None
    companion: Companion | None = None

    @property
    def patience(self) -> float:
        """Seconds."""
        return 120 + self.readers / SLOWEST

    def beside(self, companion: Companion) -> "Order":
        """The same with something that goes on meanwhile; it is told the database's URL."""
        return replace(self, companion=companion)


@dataclass(frozen=True)
class Sent(Measured):
    """Seconds are from asking for the start to the last accept."""

    first_accepted_s: float = 0.0
    seconds_under_way: float = 0.0  # from the first accept to the last
    notice_s: float = 0.0
    last_to_first: float = 0.0  # rate of the last tenth to that of the first
    idle_memory_mb: float = 0.0  # before the start
    early_memory_mb: float = 0.0  # the peak when a tenth had gone

    @property
    def rate_under_way(self) -> float:
        return self.messages / self.seconds_under_way


@dataclass(frozen=True)
class Seen:
    """From outside, while it sends. `notice_s`: from asking for a confirmation, while half is still to go, to its accept."""

    started_at: datetime
    cpu_seconds: float
    peak_memory_mb: float
    idle_memory_mb: float
    early_memory_mb: float
    notice_s: float


class NotStarted(Exception):
    """The product did not take the edition."""


async def send(base: Base, sink: Sink, order: Order) -> Sent:
    """One edition on a fresh database, to its end. Raises DoesNotAddUp, NotDurable, NotStarted."""
    async with base.copy(order.readers) as copy, opened(copy.url) as held:
        before = sink.taken()
        async with serving(copy, order) as (process, base_url), _companion(order, copy.url):
            seen = await _observed(held, process, base_url, copy, order)
        # After the end of the process: what it may still have had under way is counted too.
        taken = sink.taken() - before
        found = await held.read(ledger.account)
        first, last = await held.read(ledger.share_rates, max(2, order.readers // SHARES))
    ledger.check(found, readers=order.readers, connections=order.connections, taken=taken)
    return Sent(
        messages=order.readers,
        seconds=(found.last_at - seen.started_at).total_seconds(),
        cpu_seconds=seen.cpu_seconds,
        peak_memory_mb=seen.peak_memory_mb,
        first_accepted_s=(found.first_at - seen.started_at).total_seconds(),
        seconds_under_way=(found.last_at - found.first_at).total_seconds(),
        notice_s=seen.notice_s,
        last_to_first=last / first,
        idle_memory_mb=seen.idle_memory_mb,
        early_memory_mb=seen.early_memory_mb,
    )


async def _observed(held: Database, process: Process, base_url: str, copy: Copy, order: Order) -> Seen:
    await until(held, process, order, _has_tried_its_pictures)
    used, idle = _cpu_seconds(process), processes.peak_memory_mb(process.pid)
    started_at = SystemClock().now()
    await start(base_url, copy)
    await until(held, process, order, ledger.is_past, max(1, order.readers // SHARES))
    early = processes.peak_memory_mb(process.pid)
    await until(held, process, order, ledger.is_past, max(1, order.readers // 2))
    notice_s = await signed_up(held, base_url)
    await until(held, process, order, ledger.has_ended)
    return Seen(
        started_at=started_at,
        cpu_seconds=_cpu_seconds(process) - used,
        peak_memory_mb=processes.peak_memory_mb(process.pid),
        idle_memory_mb=idle,
        early_memory_mb=early,
        notice_s=notice_s,
    )


def _has_tried_its_pictures(session: Session) -> bool:
    """An edition that was made a moment ago looks for the pictures of its articles first; one that was made at night has."""
    return not register.is_any_due(session, SystemClock().now())


def _companion(order: Order, url: str) -> AbstractAsyncContextManager[None]:
    return nullcontext() if order.companion is None else order.companion(url)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """To read beside the product; nothing is written this way."""
    held = database.connect(url)
    try:
        yield held
    finally:
        await held.close()


@asynccontextmanager
async def serving(copy: Copy, order: Order) -> AsyncIterator[tuple[Process, str]]:
    port = free_port()
    settings = {
        "MEMO_DATA_DIR": str(order.folder),
        "MEMO_DATABASE_URL": copy.url.replace("+asyncpg", ""),
        "MEMO_RELAY_URL": order.relay_url,
        "MEMO_RELAY_CONNECTIONS": str(order.connections),
        "MEMO_PUBLIC_URL": readers.PUBLIC_URL,
        "MEMO_PORT": str(port),
        "MEMO_LOG_LEVEL": "WARNING",
    }
    if order.ca_file is not None:
        settings["MEMO_RELAY_CA_FILE"] = str(order.ca_file)
    base_url = f"http://127.0.0.1:{port}"
    async with memo("serve", folder=order.folder, settings=settings) as process:
        await process.wait_for_page(f"{base_url}/healthz")
        yield process, base_url


async def start(base_url: str, copy: Copy, uid: uuid.UUID | None = None, *, lane: str = "scheduled") -> None:
    """The edition that waits, or another one. Raises NotStarted."""
    answer = await visitor.post_json(
        f"{base_url}/api/v1/editions/{uid or copy.prepared.edition_uid}/send",
        {"lane": lane},
        key=copy.prepared.api_key,
        idempotency_key=uuid.uuid4().hex,
    )
    if answer.status != 202:
        raise NotStarted(f"The edition was not started: {answer.status} {answer.text[:300]}")


async def signed_up(held: Database, base_url: str) -> float:
    """Seconds from somebody's signing up to the accept of the message that asks to confirm it."""
    asked_at = SystemClock().now()
    form = {"email": NEWCOMER, "first_name": "Nora", "page": "", "website": ""}
    answer = await visitor.post_form(f"{base_url}/n/{sample.SLUG}", form)
    if answer.status != 200:
        raise NotStarted(f"The sign-up was not taken: {answer.status} {answer.text[:300]}")
    async with asyncio.timeout(NOTICE_WITHIN):
        while (accepted_at := await held.read(ledger.notice_accepted_at, NEWCOMER)) is None:
            await asyncio.sleep(LOOK_EVERY)
    return (accepted_at - asked_at).total_seconds()


async def until(held: Database, process: Process, order: Order, ended: ledger.Question, *args: int) -> None:
    """Raises Died, with the end of what it printed, for a product that has ended: nothing can be waited for then."""
    async with asyncio.timeout(order.patience):
        while not await held.read(ended, *args):
            process.check_alive("the end of what it sends")
            await asyncio.sleep(LOOK_EVERY)


def _cpu_seconds(process: Process) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)
