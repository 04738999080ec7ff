"""One sender and one lane for notices, at work for the relay in use. When that changes the old ones drain and new ones begin.

    every second   who is in use? (a row says it to every worker)   another one -> drain, begin anew
    handed over    now and then: does the main relay let us in?      yes -> back

What an old sender has not yet heard an answer to stays as after any other drain: its span's next holder finds it in flight.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta

from sqlmodel import Session

from service import logs
from service.clock import Clock
from service.database import Database
from service.delivery import relay_choice, relay_register, relay_trial, relays
from service.delivery.models import Relay
from service.delivery.notice_lane import NoticeLane
from service.delivery.notice_messages import Stationery
from service.delivery.office import Office
from service.delivery.relay_choice import InUse
from service.delivery.relay_register import Greeting
from service.delivery.sending import Sender
from service.delivery.standing_by import StandingBy
from service.delivery.transport import RelayAddress
from service.errors import MemoError
from service.tokens import Keys

log = logs.get(__name__)


@dataclass(frozen=True)
class Premises:
    """`own` is the relay that the process was started with: MEMO_RELAY_URL's (`is_setting`), or the built-in mailbox; or none.
    `others_can_use`: whether another worker is alive that can use the relay of this name.
    """

    database: Database
    clock: Clock
    keys: Keys
    stationery: Stationery
    greeting: Greeting
    own: RelayAddress | None
    is_setting: bool
    patience: timedelta
    office_for: Callable[[RelayAddress, Relay | None], Office]
    standing_by: StandingBy = field(default_factory=StandingBy)
    others_can_use: Callable[[Session, str], bool] = lambda _, __: False


class RelaySwitch:
    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._at_work: _AtWork | None = None
        self._leaving: set[asyncio.Task[None]] = set()
        self._asking: asyncio.Task[None] | None = None
        self._unreadable: set[str] = set()
        self._is_draining = False

    @property
    def relay(self) -> str | None:
        """The name of the one in use; None while there is none to send through."""
        return self._at_work.office.relay.name if self._at_work else None

    async def follow(self) -> None:
        """Be at work for the relay that is in use now. Called before anything is sent, and at every tick."""
        if self._is_draining:
            return
        found = await self._look()
        if found.is_handed_over and found.main is not None and not found.main_rests:
            self._ask(found.main)
        chosen = found.fallback if found.is_handed_over else found.main
        address = await self._address(chosen, may_be_mailbox=found.is_none_registered)
        office = self._premises.office_for(address, chosen) if address is not None else None
        if self._at_work is not None and self._at_work.is_broken:
            self._give_up(self._at_work)
        if not self._is_draining and office != (self._at_work.office if self._at_work else None):
            self._change(office)

    async def send_due(self) -> None:
        if (working := self._at_work) is not None:
            await working.do(working.sender.send_due())

    async def send_notices(self) -> None:
        if (working := self._at_work) is not None:
            await working.do(working.notices.send_due())

    def drain(self) -> None:
        """Begin nothing new; what is under way gets a few seconds for its answer."""
        self._is_draining = True
        if self._at_work is not None:
            self._at_work.drain()

    async def close(self) -> None:
        tasks = [*self._leaving, *([self._asking] if self._asking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._at_work is not None:
            await self._at_work.close()
            self._at_work = None

    async def _look(self) -> InUse:
        premises = self._premises
        setting = premises.own.name if premises.own is not None and premises.is_setting else ""
        found = await premises.database.read(relay_choice.in_use, setting, patience=premises.patience)
        if found.is_given_up and found.main is not None:
            moment = premises.clock.now()
            await premises.database.write(
                relay_choice.hand_over, found.main.uid, patience=premises.patience, moment=moment
            )
            found = await premises.database.read(relay_choice.in_use, setting, patience=premises.patience)
        return found

    async def _address(self, chosen: Relay | None, *, may_be_mailbox: bool = False) -> RelayAddress | None:
        premises = self._premises
        if chosen is None:
            return premises.own if may_be_mailbox and not premises.is_setting else None
        if chosen.is_from_setting:
            return premises.own
        try:
            found = relay_register.address_of(chosen, premises.keys, premises.greeting)
        except MemoError as error:
            await self._note_unreadable(chosen.name, error.message)
            return None
        if chosen.name in self._unreadable:
            self._unreadable.discard(chosen.name)
            premises.standing_by.end(chosen.name)
        return found

    async def _note_unreadable(self, name: str, problem: str) -> None:
        """Keys are each process's own: whoever has another than the rest stands by for itself."""
        premises = self._premises
        if premises.standing_by.is_waiting(name):
            return
        if await premises.database.read(premises.others_can_use, name):
            self._unreadable.add(name)
            premises.standing_by.begin(name, problem)
        else:
            premises.standing_by.end(name)
            await premises.database.write(relays.note_problem, name, problem, is_down=True)

    def _change(self, office: Office | None) -> None:
        old = self._at_work
        self._at_work = _AtWork(office, self._premises.stationery) if office is not None else None
        if old is None:
            return
        log.info("relay.changed", before=old.office.relay.name, now=self.relay)
        old.drain()
        self._keep(asyncio.create_task(old.leave()))

    def _give_up(self, broken: "_AtWork") -> None:
        """What it had in flight is uncertain, as after any other death; its spans are free when they are stale."""
        self._at_work = None
        self._keep(asyncio.create_task(broken.close()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _ask(self, main: Relay) -> None:
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._asked(main))

    async def _asked(self, main: Relay) -> None:
        """Whether it lets us in again, and would take a message: a relay may greet us and still be closed."""
        premises = self._premises
        address = await self._address(main)
        if address is None:
            return
        problem = await relay_trial.lets_us_in(address, premises.clock)
        if problem is not None:
            said = f"The relay {main.name} is still out of reach: {problem}"
            await premises.database.write(relays.note_problem, main.name, said, is_down=True)
            return
        await premises.database.write(relay_choice.bring_back, main.uid, moment=premises.clock.now())


class _AtWork:
    """A sender and a lane of one relay, from their first errand to their last answer."""

    def __init__(self, office: Office, stationery: Stationery) -> None:
        self.office = office
        self.sender = Sender(office)
        self.notices = NoticeLane(office, stationery)
        self._running = asyncio.create_task(self.sender.run())
        self._running.add_done_callback(self._ended)
        self._left = asyncio.Event()
        self._calls: set[asyncio.Task[None]] = set()

    @property
    def is_broken(self) -> bool:
        """The sender goes on until it is told to end: one that has ended by itself cannot go on."""
        return self._running.done()

    async def do(self, work: Coroutine[None, None, None]) -> None:
        """Return when it is done, or when another relay is in use: whoever woke us is free then, and the work ends by itself."""
        task = asyncio.create_task(work)
        self._calls.add(task)
        task.add_done_callback(self._ended)
        left = asyncio.create_task(self._left.wait())
        try:
            await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            left.cancel()

    def drain(self) -> None:
        self.sender.drain()
        self.notices.drain()

    async def leave(self) -> None:
        """Let everything go in peace. A message that still waits for its answer is waited for: a late accept counts."""
        self._left.set()
        try:
            if self._calls:
                await asyncio.wait(self._calls)
            if self.sender.has_unanswered:
                await asyncio.sleep(self.office.timeouts.dot)
        finally:
            await self.close()

    async def close(self) -> None:
        self._left.set()
        tasks = [*self._calls, self._running]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.notices.close()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._calls.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("relay.work_failed", relay=self.office.relay.name, exc_info=error)
