"""Sending: spans are taken, their rows carried to the relay over a few connections, every step first in the ledger.

A connection belongs to the process; every message remembers the take it came from:

    connected -> make the message -> committer: (outcomes so far, intent) -> fence holds? -> MAIL RCPT DATA body -> outcome
    nothing at hand: commit the outcome at once, then wait for work
"""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from service import addresses, logs
from service.clock import Clock
from service.database import Database
from service.delivery import messages, outcome, paging, relays, settling, spans
from service.delivery.committer import Committer
from service.delivery.holding import Errand, Holding
from service.delivery.messages import Mould
from service.delivery.outcome import Outcome, Verdict
from service.delivery.patience import Patience
from service.delivery.sameness import SameRefusals
from service.delivery.spans import Pinning, Take
from service.delivery.transport import RelayAddress, RelayDown, Timeouts, Transport
from service.errors import MemoError
from service.tokens import Keys

log = logs.get(__name__)

PAGE_ROWS_FIRST = 50
PAGE_ROWS_MOST = 1_000
PAGE_STALE_SECONDS = 2.0
RENEW_SECONDS = 3.0
DRAIN_SECONDS = 8.0
MOULDS_KEPT = 8


@dataclass(frozen=True)
class Office:
    """What a sender works with."""

    holder: str
    database: Database
    clock: Clock
    keys: Keys
    base_url: str
    relay: RelayAddress
    timeouts: Timeouts
    connections: int
    uncertain_wait: timedelta


class Sender:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._committer = Committer(office.database)
        self._errands: asyncio.Queue[Errand] = asyncio.Queue()
        self._moulds: dict[int, Mould] = {}
        self._same = SameRefusals(office.database, office.clock)
        self._patience = Patience()
        self._draining = asyncio.Event()
        self._relay_is_known_good = False
        self._relay_waits = False

    async def run(self) -> None:
        """Keep the connections and the committer going until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._committer.run())
            for _ in range(self._office.connections):
                group.create_task(self._connection())

    def drain(self) -> None:
        """Begin no new message; what is under way gets a few seconds for its answer."""
        self._draining.set()

    @property
    def is_draining(self) -> bool:
        return self._draining.is_set()

    async def send_due(self) -> None:
        """Take spans, the best first, until none is left to take."""
        office = self._office
        while not self._draining.is_set():
            pinning = Pinning(office.clock.now(), office.keys.fingerprint())
            taken = await office.database.write(
                spans.take,
                holder=office.holder,
                relay=office.relay.name,
                pinning=pinning,
                uncertain_wait=office.uncertain_wait,
            )
            if taken is None:
                return
            await self._send_span(taken)

    async def _send_span(self, taken: Take) -> None:
        holding = Holding(taken)
        renewing = asyncio.create_task(self._renew(taken))
        try:
            await self._send_pages(holding)
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            await self._committer.write(taken)
            left = self._committer.in_flight(taken)
            await self._office.database.write(spans.let_go, taken, in_flight=left)
            self._committer.forget(taken)

    async def _send_pages(self, holding: Holding) -> None:
        database, taken, size = self._office.database, holding.taken, PAGE_ROWS_FIRST
        clock = asyncio.get_running_loop()
        while not (holding.is_fenced or self._draining.is_set()):
            if await database.read(spans.is_outranked, taken, self._office.relay.name):
                return
            last = await database.write(paging.open_page, taken, size=size, progressed=holding.progressed)
            if last is None:
                return
            rows = await database.read(paging.rows, taken, last)
            await self._know_moulds({(row.pins or taken.pins)["rendition"] for row in rows})
            started = clock.time()
            self._relay_waits = False
            for row in rows:
                self._errands.put_nowait(holding.errand(row, started))
            await holding.settled(self._draining, DRAIN_SECONDS)
            # The next page must not read a row whose outcome is known but not yet in it: it would go out twice.
            await self._committer.write(taken)
            pace = len(rows) / max(clock.time() - started, 0.001)
            size = int(min(PAGE_ROWS_MOST, max(self._office.connections, pace)))

    async def _renew(self, taken: Take) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._office.database.write(spans.renew, taken)

    async def _know_moulds(self, renditions: set[int]) -> None:
        for rendition in renditions - self._moulds.keys():
            self._moulds[rendition] = await self._office.database.read(messages.mould, rendition)
        while len(self._moulds) > MOULDS_KEPT and (old := next(iter(self._moulds))) not in renditions:
            del self._moulds[old]

    async def _connection(self) -> None:
        transport = Transport(self._office.relay, self._office.timeouts)
        try:
            while True:
                errand = await self._errands.get()
                try:
                    await self._carry(transport, errand)
                finally:
                    errand.done()
                if self._errands.empty():
                    await self._committer.write(errand.taken)
        finally:
            await transport.close()

    async def _carry(self, transport: Transport, errand: Errand) -> None:
        """One message, or nothing at all: a row that is not begun stays as it was and is read again."""
        age = asyncio.get_running_loop().time() - errand.read_at
        if (
            self._draining.is_set()
            or errand.holding.is_fenced
            or age > PAGE_STALE_SECONDS
            or self._relay_waits
        ):
            return
        try:
            await transport.ready()
        except RelayDown as error:
            self._relay_waits = True
            await self._relay_problem(error.message)
            return
        taken, row = errand.taken, errand.row
        pins = row.pins or taken.pins
        mould = self._moulds[pins["rendition"]]
        try:
            envelope = messages.make(mould, row, pins, keys=self._office.keys, base_url=self._office.base_url)
        except (MemoError, ValueError, KeyError) as error:
            self._committer.report(taken, settling.cannot_be_made(row, str(error)))
            errand.holding.progressed = True
            return
        if not await self._committer.begin(taken, row.number):
            errand.holding.is_fenced = True
            return
        judged = outcome.of(await transport.hand_over(envelope))
        await self._settle(errand, mould, judged)

    async def _settle(self, errand: Errand, mould: Mould, judged: Outcome) -> None:
        taken, row = errand.taken, errand.row
        log.debug("delivery.attempted", address=addresses.masked(row.address), reply=str(judged.reply))
        if outcome.moves_the_relays_clock(judged):
            self._relay_waits |= outcome.leaves_the_row(judged)
            await self._relay_problem(str(judged.reply))
        if outcome.leaves_the_row(judged) and self._patience.lasts((taken.edition_id, row.number)):
            self._committer.untouched(taken, row.number)
            return
        self._patience.end((taken.edition_id, row.number))
        wait, chance = self._office.uncertain_wait, random.random()  # noqa: S311 - jitter, no secret
        recorded = settling.recorded(row, taken, judged, uncertain_wait=wait, chance=chance)
        self._committer.report(taken, recorded)
        errand.holding.progressed = True
        if judged.verdict is Verdict.ACCEPTED and not self._relay_is_known_good:
            self._relay_is_known_good = True
            await self._office.database.write(relays.note_success, self._office.relay.name)
        await self._same.note(mould.edition_uid, row, judged)

    async def _relay_problem(self, problem: str) -> None:
        self._relay_is_known_good = False
        log.warning("relay.problem", relay=self._office.relay.name, problem=problem)
        await self._office.database.write(relays.note_problem, self._office.relay.name, problem)
