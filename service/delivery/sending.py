"""Sending: spans are taken and their rows given, page by page, to the connections. Every step is first in the ledger.

    take a span -> a page of its rows -> errands (-> the signing desk) -> carriers (one for each connection) -> let the span go

The next page is fetched while the last one is still on its way; it begins behind the last row read, so nothing is read twice.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace

import sqlalchemy as sa

from service import logs
from service.delivery import halting, messages, mingling, paging, reaching, signing, spans
from service.delivery.carrying import Carrier, Shift
from service.delivery.committer import Committer
from service.delivery.fence import Take
from service.delivery.halting import SENDER, Halt
from service.delivery.holding import Holding
from service.delivery.office import Office
from service.delivery.paging import Page, Row
from service.delivery.sameness import SameRefusals
from service.delivery.signing import SigningDesk
from service.delivery.spans import Pinning
from service.errors import Conflict, MemoError

log = logs.get(__name__)

PAGE_ROWS_FIRST = 50
PAGE_ROWS_MOST = 1_000
RENEW_SECONDS = 3.0
DRAIN_SECONDS = 8.0
MOULDS_KEPT = 8


class Sender:
    def __init__(self, office: Office) -> None:
        self._office = office
        self._committer = Committer(office.database)
        self._shift = Shift(
            office, self._committer, SameRefusals(office.database, office.clock, self._committer)
        )
        self._page_rows = PAGE_ROWS_FIRST  # what the last page took about a second for
        self.has_unanswered = False  # spans were let go while a message of theirs was still without an answer
        self._signing = SigningDesk(office, self._shift)

    async def run(self) -> None:
        """Keep the connections and the committer going until cancelled."""
        gate, seats = self._shift.gate, self._shift.seats
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._committer.run())
                group.create_task(self._signing.run())
                group.create_task(gate.run())
                group.create_task(seats.run(gate.drop_unwanted))
                for _ in range(self._office.connections):
                    group.create_task(Carrier(self._shift).run())
        finally:
            await seats.give_all_back()
            await gate.close()

    def drain(self) -> None:
        """Begin no new message; what is under way gets a few seconds for its answer."""
        self._shift.draining.set()
        self._shift.one_begun.set()

    @property
    def is_draining(self) -> bool:
        return self._shift.draining.is_set()

    async def send_due(self) -> None:
        """Take spans, the best first, until none is left to take."""
        office = self._office
        while not self.is_draining and await self._may_take():
            await self._shift.gate.look()
            selectors = await self._signing.active()
            pinning = Pinning(office.clock.now(), office.keys.fingerprint(), selectors)
            taken = await office.database.write(
                spans.take,
                holder=office.holder,
                relay=office.relay.name,
                pinning=pinning,
                uncertain_wait=office.uncertain_wait,
            )
            if taken is None:
                return
            self._shift.span_was_taken()
            await self._send_span(taken)
            await (
                self._shift.unmade.settled()
            )  # else what it let go is taken again and again until the pause is written

    async def _may_take(self) -> bool:
        office, seats = self._office, self._shift.seats
        if not await reaching.may_try(office):
            return False
        if office.standing_by.has_to_ask(office.relay.name):
            async with seats.one() as may_ask:
                if not (may_ask and await reaching.may_take(office)):
                    return False
        return await seats.ready()

    async def _send_span(self, taken: Take) -> None:
        holding = Holding(taken)
        renewing = asyncio.create_task(self._renew(holding))
        self._shift.gate.hold(holding)
        try:
            await self._send_pages(holding)
        finally:
            self._shift.gate.let_go(holding)
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing
            await self._committer.write(taken)
            left = self._committer.in_flight(taken)
            self.has_unanswered |= bool(left)
            await self._office.database.write(spans.let_go, taken, in_flight=left)
            self._committer.forget(taken)

    async def _send_pages(self, holding: Holding) -> None:
        taken, clock = holding.taken, asyncio.get_running_loop()
        gate, draining = self._shift.gate, self._shift.draining
        behind = taken.first - 1
        size = gate.first_page(max(self._page_rows, gate.least_page), taken.edition_id)
        while self._shift.goes_on(holding):
            await self._room_for_errands(taken.edition_id, size)
            await gate.look()
            if holding.is_outranked:
                break
            page = Page(behind=behind, size=size, progressed=holding.progressed)
            last, rows, is_last = await self._page(taken, page)
            await self._know_moulds({(row.pins or taken.pins)["rendition"] for row in rows})
            started = clock.time()
            if not await self._give_out(holding, mingling.mingled(rows), started):
                break
            await holding.down_to(len(rows) // 2, draining, DRAIN_SECONDS)
            if len(rows) >= min(size // 2, PAGE_ROWS_FIRST):
                pace = len(rows) / 2 / max(clock.time() - started, 0.001)
                self._page_rows = size = int(min(PAGE_ROWS_MOST, max(gate.least_page, pace)))
            if is_last:
                break
            behind = last
        await holding.down_to(0, draining, DRAIN_SECONDS)

    async def _page(self, taken: Take, page: Page) -> tuple[int, list[Row], bool]:
        """The last number looked at, the rows to send, and whether there is nothing more to do here."""
        database = self._office.database
        rows = await database.read(paging.clean, taken, page)
        if rows is not None:
            return (rows[-1].number if rows else 0), rows, len(rows) < page.size
        last = await database.write(paging.open_page, taken, page)
        if last is None:
            return 0, [], True
        return last, await database.read(paging.rows, taken, replace(page, last=last)), False

    async def _give_out(self, holding: Holding, rows: list[Row], read_at: float) -> bool:
        """To the connections, or first to the signing desk; False if the edition cannot be signed as it has to be, and so stops."""
        taken, give = holding.taken, self._shift.gate.give
        if "dkim" not in taken.pins and not any(row.pins and "dkim" in row.pins for row in rows):
            for row in rows:
                give(holding.errand(row, read_at))
            return True
        places = [signing.place_of(row.pins or taken.pins) for row in rows]
        try:
            await self._signing.know(taken.pins, {place for place in places if place})
        except MemoError as problem:
            await self._pause(holding, problem.message)
            return False
        for row, place in zip(rows, places, strict=True):
            errand = holding.errand(row, read_at)
            if place is None:
                give(errand)
            else:
                self._signing.give(errand)
        return True

    async def _pause(self, holding: Holding, problem: str) -> None:
        office, edition = self._office, self._shift.moulds[holding.taken.pins["rendition"]].edition_uid
        reason = f"Its messages cannot be signed with DKIM: {problem}"
        log.warning("edition.paused", edition=str(edition), reason=reason)
        with suppress(Conflict):  # somebody was faster
            await office.database.write(
                halting.halt, edition, Halt(reason, SENDER, holding.taken.turn), now=office.clock.now()
            )
        holding.is_fenced = True

    def _has_room(self, edition_id: int, size: int) -> bool:
        gate = self._shift.gate
        ahead = gate.ahead_count(edition_id) + self._signing.waiting_count(edition_id)
        return ahead * gate.edition_count <= max(self._office.connections, size)

    async def _room_for_errands(self, edition_id: int, size: int) -> None:
        """A slow relay is not given more than the connections can carry before it is stale; of each edition under way as much."""
        while not (self._has_room(edition_id, size) or self.is_draining):
            self._shift.one_begun.clear()
            await self._shift.one_begun.wait()

    async def _renew(self, holding: Holding) -> None:
        """A fallen fence is seen here when no commit asks: nobody waits for the last answers of a span that was stopped."""
        taken = holding.taken
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            try:
                stands = await self._office.database.write(spans.renew, taken)
                holding.is_fenced = not stands
            except (sa.exc.SQLAlchemyError, OSError) as error:
                log.warning("span.not_renewed", span=taken.span_id, problem=str(error).splitlines()[0])

    async def _know_moulds(self, renditions: set[int]) -> None:
        moulds = self._shift.moulds
        for rendition in renditions - moulds.keys():
            moulds[rendition] = await self._office.database.read(messages.mould, rendition)
        while len(moulds) > MOULDS_KEPT and (old := next(iter(moulds))) not in renditions:
            del moulds[old]
