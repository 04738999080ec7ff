"""The worker: the timetable (APScheduler only ticks) and the long-running tasks. What must survive a crash is a row.

Every second: plan due slots and editions -> launch them; carry on fan-outs; nudge due spans and notices; sweep and close runs.
Any number of workers may tick on PostgreSQL. On SQLite the right to send is a lock file, held for life by one process.
"""

import asyncio
import fcntl
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from service import logs
from service.accounts import replies, signin
from service.articles import polling
from service.delivery import closing, dkim_keys, launch, notice_rows, reopening, spans, transport
from service.delivery.carrying import Office
from service.delivery.notice_lane import NoticeLane
from service.delivery.notice_messages import Stationery
from service.delivery.sending import Sender
from service.delivery.transport import Timeouts
from service.dependencies import Resources
from service.editions import occurrences
from service.errors import Conflict, MemoError
from service.jobs import Kind
from service.ledger import fanout, partitions
from service.subscribers import audience, cooldowns

log = logs.get(__name__)

SPANS_AT_ONCE = 3
TICK_SECONDS = 1
FEED_SECONDS = 60
STOP_SECONDS = 12


class AlreadySending(Conflict):
    """Another process is already sending from this SQLite database; only one can. Stop it first, or move to PostgreSQL."""


class Worker:
    def __init__(self, resources: Resources, relay_url: str) -> None:
        """`relay_url` is the relay's, or that of the built-in mailbox."""
        chosen = resources.settings
        self._resources = resources
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._office = Office(
            holder=self.name,
            database=resources.database,
            clock=resources.clock,
            keys=resources.keys,
            base_url=chosen.base_url,
            relay=transport.read_address(
                relay_url, ehlo_name=chosen.greeting_name, ca_file=chosen.relay_ca_file
            ),
            timeouts=Timeouts(
                chosen.relay_connect_timeout, chosen.relay_reply_timeout, chosen.relay_dot_timeout
            ),
            connections=chosen.relay_connections,
            uncertain_wait=chosen.uncertain_after,
        )
        stationery = Stationery(resources.keys, resources.templates, chosen.base_url)
        self._sender = Sender(self._office)
        self._notices = NoticeLane(self._office, stationery)
        self._tasks: list[asyncio.Task[None]] = []
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Worker"]:
        """Work until the block is left; then begin nothing new, wait for answers under way, and let everything go."""
        with _right_to_send(self._resources):
            if self._resources.database.is_sqlite:
                await self._resources.database.write(spans.let_everything_go)
            self._start()
            try:
                yield self
            finally:
                await self._stop()

    def _start(self) -> None:
        jobs = self._resources.jobs
        self._tasks = [
            asyncio.create_task(self._sender.run()),
            asyncio.create_task(jobs.serve(Kind.SPAN, self._sender.send_due, at_once=SPANS_AT_ONCE)),
            asyncio.create_task(jobs.serve(Kind.NOTICE, self._notices.send_due, at_once=1)),
            asyncio.create_task(jobs.serve(Kind.CHORE, self._fan_out, at_once=1)),
        ]
        tick = _unharmed(self.tick)
        self._tasks.append(
            asyncio.create_task(tick())
        )  # what was due while nobody worked waits no second longer
        self._scheduler.add_job(tick, "interval", seconds=TICK_SECONDS)
        self._scheduler.add_job(_unharmed(self.poll_feeds), "interval", seconds=FEED_SECONDS)
        self._scheduler.add_job(_unharmed(self.tidy), "interval", hours=1)
        self._scheduler.start()

    async def _stop(self) -> None:
        self._scheduler.shutdown(wait=False)
        self._sender.drain()
        self._notices.drain()
        self._resources.jobs.stop()
        sender, *serving = self._tasks
        await asyncio.wait(serving, timeout=STOP_SECONDS)
        for task in (*serving, sender):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._notices.close()

    async def tick(self) -> None:
        await self._launch_planned()
        database, jobs, relay = self._resources.database, self._resources.jobs, self._office.relay.name
        if await database.read(fanout.unfinished) or await database.read(reopening.unfinished):
            await jobs.nudge(Kind.CHORE, launch.FAN_OUT)
        for span_id in await database.read(spans.due, relay):
            await jobs.nudge(Kind.SPAN, f"span-{span_id}")
        if await database.read(notice_rows.due, relay):
            await jobs.nudge(Kind.NOTICE, "due")
        if await database.read(closing.has_work):
            await database.write(closing.sweep_cancelled)
            await database.write(
                closing.close_ended, pepper=self._resources.pepper, now=self._resources.clock.now()
            )

    async def poll_feeds(self) -> None:
        await polling.poll_due(self._resources.database, self._resources.fetcher, self._resources.clock)

    async def tidy(self) -> None:
        await self._resources.jobs.tidy()
        await self._resources.database.write(partitions.ensure)
        now = self._resources.clock.now()
        await self._resources.database.write(cooldowns.sweep, now=now)
        await self._resources.database.write(replies.forget_old, now=now)
        await self._resources.database.write(signin.forget_expired, now=now)
        await self._resources.database.write(dkim_keys.lock_anew, self._resources.keys)

    async def _launch_planned(self) -> None:
        now = self._resources.clock.now()
        if not await self._resources.database.read(occurrences.is_anything_due, now):
            return
        for edition_uid in await self._resources.database.write(occurrences.plan, now):
            try:
                await launch.launch(self._resources, edition_uid, actor="the timetable")
            except MemoError as error:
                log.warning("edition.not_started", edition=str(edition_uid), problem=error.message)

    async def _fan_out(self) -> None:
        """Carry on every fan-out and every reopening that is not done, chunk by chunk; each is at once a span for somebody."""
        database = self._resources.database
        for edition_id in await database.read(fanout.unfinished):
            nudged = 0
            while (
                span_id := await database.write(fanout.carry_on, edition_id, audience.statement)
            ) is not None:
                if (nudged := nudged + 1) <= spans.NUDGES_AT_ONCE:
                    await self._resources.jobs.nudge(Kind.SPAN, f"span-{span_id}")
        for edition_id in await database.read(reopening.unfinished):
            while (step := await database.write(reopening.carry_on, edition_id)) is not None:
                if step.span_id is not None:
                    await self._resources.jobs.nudge(Kind.SPAN, f"span-{step.span_id}")


def _unharmed(function: Callable[[], Awaitable[None]]) -> Callable[[], Coroutine[Any, Any, None]]:
    """A tick that fails is logged, and the next one comes."""

    async def ticked() -> None:
        try:
            await function()
        except (MemoError, sa.exc.SQLAlchemyError, OSError):
            log.exception("worker.tick_failed", task=function.__name__)

    return ticked


@contextmanager
def _right_to_send(resources: Resources) -> Iterator[None]:
    if not resources.database.is_sqlite:
        yield
        return
    path = Path(sa.make_url(resources.settings.database).database or "memo.sqlite3").with_suffix(".sending")
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadySending from error
        yield
