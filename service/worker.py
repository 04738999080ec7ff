"""The worker: the timetable (APScheduler only ticks) and the long-running tasks. What must survive a crash is a row.

Every second: plan due slots and editions -> launch them; carry on fan-outs; take up due spans, nudge for notices; sweep and close runs.
Any number of workers may tick on PostgreSQL. On SQLite the right to send is a lock file, held for life by one process.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlmodel import Session

from service import logs, upkeep
from service.articles import polling
from service.backups.vigil import Vigil
from service.bounces import refusals
from service.bounces.hooks import handling as relay_events
from service.bounces.inbox import InboxReader, listening
from service.deadlines import foresight, pings
from service.delivery import (
    closing,
    notice_rows,
    profiles,
    relay_register,
    seat_rows,
    sharing,
    spans,
    spreading,
    transport,
)
from service.delivery.departures import Departures
from service.delivery.figures import Figures
from service.delivery.limits import Limits, Timeouts
from service.delivery.models import Relay
from service.delivery.notice_messages import Stationery
from service.delivery.office import Office
from service.delivery.relay_register import Greeting
from service.delivery.relay_switch import Premises, RelaySwitch
from service.delivery.transport import RelayAddress
from service.dependencies import Resources
from service.imports import carrying
from service.jobs import Kind
from service.media import copying
from service.workers import lock, present
from service.workers.duties import Duties
from service.workers.pulse import OnStep, Pulse
from service.workers.supervision import Supervisor

log = logs.get(__name__)

SPANS_AT_ONCE = 3
TICK_SECONDS = 1
TIDY_SECONDS = 3600
FEED_SECONDS = 5
DEADLINE_SECONDS = 5
AHEAD_SECONDS = 60
BOUNCE_SECONDS = 5
PICTURE_SECONDS = 3
IMPORT_SECONDS = 2
STOP_SECONDS = 12


class Worker:
    def __init__(self, resources: Resources, relay_url: str | None) -> None:
        """`relay_url` is MEMO_RELAY_URL, or that of the built-in mailbox; None: only what the register of relays has."""
        chosen = resources.settings
        self._stopping = asyncio.Event()
        self._supervisor = Supervisor(self._stopping)
        self._duties = Duties(resources.jobs, self._supervisor)
        self._resources = resources = replace(resources, jobs=self._duties)
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._figures = Figures()  # of whatever relay is in use
        on_step = OnStep(upkeep.clock_went_back, partial(upkeep.move_readers, resources.database))
        self.pulse = Pulse(resources.database, self.name, self._facts, on_step)
        greeting = Greeting(chosen.greeting_name, chosen.relay_ca_file)
        own = None
        if relay_url is not None:
            own = transport.read_address(relay_url, ehlo_name=greeting.ehlo_name, ca_file=greeting.ca_file)
        self._return_paths = resources.return_paths
        self._inbox = InboxReader(resources.database, resources.clock, resources.means, chosen.relay_ca_file)
        self._setting = own if relay_url == chosen.relay_url else None
        self._switch = RelaySwitch(
            Premises(
                database=resources.database,
                clock=resources.clock,
                keys=resources.keys,
                stationery=Stationery(resources.keys, resources.templates, chosen.base_url),
                greeting=greeting,
                own=own,
                is_setting=self._setting is not None,
                patience=chosen.fallback_after,
                office_for=self._office,
                standing_by=self._figures.standing_by,
                others_can_use=self.pulse.is_another_able,
            )
        )
        self._vigil = Vigil(resources.database, resources.clock, chosen, resources.secret_names())
        self._departures = Departures(resources, self._supervisor.begin)
        self._is_fanning_out = self._is_importing = False
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Worker"]:
        """Work until the block is left; then begin nothing new, wait for answers under way, and let everything go."""
        with lock.right_to_send(self._resources.settings.database):
            await self._resources.database.write(self._begin)
            await self._switch.follow()
            chosen = self._resources.settings
            mail = listening(self._inbox, chosen.bounce_address, chosen.greeting_name)
            async with self._vigil.kept(), mail, self.pulse.beating():
                self._start()
                try:
                    yield self
                finally:
                    await self._stop()

    def _begin(self, session: Session) -> None:
        is_alone = self._resources.database.is_sqlite
        if is_alone:
            spans.let_everything_go(session)
        seat_rows.let_go_of_the_dead(session, seat_rows.holder(self.name), is_alone=is_alone)
        relay_register.follow_setting(session, self._setting)

    def _start(self) -> None:
        duties = self._duties
        duties.keep(Kind.SPAN, self._unless_held(self._switch.send_due), at_once=SPANS_AT_ONCE)
        duties.keep(Kind.NOTICE, self._unless_held(self._switch.send_notices), at_once=1)
        duties.keep(Kind.CHORE, self._fan_out, at_once=1)
        duties.keep(Kind.FEED, self._poll_feed, at_once=polling.FEEDS_AT_ONCE)
        # What was due while nobody worked waits no second longer, and a newcomer for nobody's nudge.
        self._supervisor.begin("tick", self.tick)
        duties.begin(Kind.SPAN)
        for function, seconds in (
            (self.tick, TICK_SECONDS),
            (self.look_for_feeds, FEED_SECONDS),
            (self.watch_deadlines, DEADLINE_SECONDS),
            (self.look_ahead, AHEAD_SECONDS),
            (self.look_for_mail, BOUNCE_SECONDS),
            (self.hear_relays, BOUNCE_SECONDS),
            (self.copy_pictures, PICTURE_SECONDS),
            (self.carry_imports_on, IMPORT_SECONDS),
            (self.tidy, TIDY_SECONDS),
        ):
            self._scheduler.add_job(_unharmed(function, self._supervisor), "interval", seconds=seconds)
        self._scheduler.start()

    async def _stop(self) -> None:
        self._scheduler.shutdown(wait=False)
        self._stopping.set()
        self._switch.drain()
        self._resources.jobs.stop()
        await self._supervisor.stop(STOP_SECONDS)
        await self._switch.close()

    async def look_for_mail(self) -> None:
        """Not while an older copy of the database waits for somebody: it would take the mail away from the one that is in use."""
        if not self._vigil.is_held:
            await self._inbox.look()

    async def tick(self) -> None:
        """Each step by itself: one that fails keeps neither the others nor the pulse from coming round."""
        for step in (
            self._switch.follow,
            self._begin_unless_held,
            self._end_what_is_done,
            self._vigil.beat,
            self.pulse.beat,
        ):
            await self._supervisor.attempt(step.__qualname__, step)

    async def _begin_unless_held(self) -> None:
        if not await self._vigil.look():
            await self._begin_what_is_due()

    async def _end_what_is_done(self) -> None:
        database = self._resources.database
        if await database.read(closing.has_work):
            await database.write(closing.sweep_cancelled)
            closed = await database.write(
                closing.close_ended, pepper=self._resources.pepper, now=self._resources.clock.now()
            )
            for edition_id in closed:
                log.info("edition.ended", edition_id=edition_id)
                await refusals.strike_all(
                    database, edition_id, self._resources.pepper, self._resources.clock.now()
                )

    def _unless_held(self, handler: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def handled() -> None:
            if not self._vigil.is_held:
                await handler()

        return handled

    async def _begin_what_is_due(self) -> None:
        for step in (self._departures.begin_due, self._nudge_writers, self._nudge_senders):
            await self._supervisor.attempt(step.__qualname__, step)

    async def _nudge_writers(self) -> None:
        await spreading.nudge(self._resources, is_at_it=self._is_fanning_out)

    async def _nudge_senders(self) -> None:
        database, duties, relay = self._resources.database, self._duties, self._switch.relay
        if relay is not None:
            await duties.take_up(Kind.SPAN, lambda most: database.read(spans.due, relay, limit=most))
            if await database.read(notice_rows.due, relay):
                await duties.nudge(Kind.NOTICE, "due")

    def _office(self, relay: RelayAddress, row: Relay | None) -> Office:
        """`row` is what the register has of it; the built-in mailbox has none."""
        held, chosen = self._resources, self._resources.settings
        shared = None if row is None else row.connections or chosen.relay_connections
        return Office(
            holder=self.name,
            database=held.database,
            clock=held.clock,
            keys=held.keys,
            base_url=chosen.base_url,
            relay=relay,
            timeouts=Timeouts.of(chosen),
            limits=Limits.of(chosen),
            figures=self._figures,
            connections=sharing.for_editions(shared) if shared else chosen.relay_connections,
            shared_connections=shared,
            is_alone=held.database.is_sqlite,
            return_paths=self._return_paths
            if profiles.takes_return_paths(row.profile if row else "")
            else None,
            keeps_our_bytes=row is None or profiles.BY_KEY[row.profile].keeps_bytes,
            uncertain_wait=chosen.uncertain_after,
        )

    async def look_for_feeds(self) -> None:
        held = self._resources
        due = await held.database.read(polling.due, held.clock.now())
        await held.jobs.nudge(Kind.FEED, *(f"feed-{feed_id}" for feed_id in due))

    async def _poll_feed(self) -> None:
        await polling.poll_next(self._resources.database, self._resources.fetcher, self._resources.clock)

    async def watch_deadlines(self) -> None:
        await pings.watch(self._resources.database, self._resources.fetcher)

    async def look_ahead(self) -> None:
        await foresight.watch(self._resources.database, self._resources.clock.now())

    async def hear_relays(self) -> None:
        held = self._resources
        await relay_events.handle_all(held.database, held.clock, held.means)

    async def copy_pictures(self) -> None:
        await copying.copy_due(self._resources)

    async def carry_imports_on(self) -> None:
        """No chore of the queue: of those one is done at a time, and an edition's audience must not wait behind a list."""
        if not (self._vigil.is_held or self._is_importing):
            self._is_importing = True
            self._supervisor.begin("import", self._import)

    async def _import(self) -> None:
        try:
            await carrying.carry_on_due(self._resources, self._stopping)
        finally:
            self._is_importing = False

    async def tidy(self) -> None:
        await upkeep.tidy(self._resources)

    def _facts(self) -> dict[str, Any]:
        writes = self._resources.database.writes.as_facts()
        return {**self._figures.as_facts(), "writes": writes, present.FAILING: self._supervisor.failing()}

    async def _fan_out(self) -> None:
        self._is_fanning_out = True
        try:
            await spreading.carry_on(self._resources, self._stopping)
        finally:
            self._is_fanning_out = False


def _unharmed(
    function: Callable[[], Awaitable[None]], supervisor: Supervisor | None = None
) -> Callable[[], Coroutine[Any, Any, None]]:
    """A tick that fails is logged, and the next one comes."""

    async def ticked() -> None:
        try:
            await (supervisor or Supervisor(asyncio.Event())).attempt(function.__name__, function)
        except asyncio.CancelledError:
            return  # we stop: the timetable cancels what is under way, and would log that as an error

    return ticked
