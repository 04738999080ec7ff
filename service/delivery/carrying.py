"""One connection at work: it belongs to the process, and every message remembers the take it came from.

    announce n                       MAIL RCPT DATA
    committer: outcome n-1, intent n
    354 and the commit               fence fallen? close the connection: behind a 354 there is no way back
    the message n, and behind it announce n+1 if there is one at hand
    the reply to n                   outcome n
    nothing at hand: outcome n is committed at once, then wait for work

No byte of a message leaves before the commit of its intent has returned.
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import sqlalchemy as sa

from service import logs
from service.delivery import outcome, provider_groups, reaching, recovery, relays, settling, silence, slowings
from service.delivery.committer import Committer
from service.delivery.exchange import Envelope, Exchange
from service.delivery.gate import Gate
from service.delivery.holding import Errand, Holding
from service.delivery.messages import Mould
from service.delivery.office import Office
from service.delivery.outcome import Outcome, Verdict
from service.delivery.pace_rows import Standing
from service.delivery.patience import Patience
from service.delivery.sameness import SameRefusals
from service.delivery.seats import Seats
from service.delivery.sharing import SeatLane
from service.delivery.transport import RelayDown, Transport
from service.delivery.unmade import Unmade

log = logs.get(__name__)

PAGE_STALE_SECONDS = 2.0
FENCED = "The edition was stopped, or another worker has it: this message must not be sent."


@dataclass
class Shift:
    """What the connections of one sender share."""

    office: Office
    committer: Committer
    same: SameRefusals
    gate: Gate = field(init=False)
    seats: Seats = field(init=False)
    patience: Patience = field(default_factory=Patience)
    moulds: dict[int, Mould] = field(default_factory=dict)
    one_begun: asyncio.Event = field(default_factory=asyncio.Event)
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    relay_is_known_good: bool = False
    relay_waits: bool = False  # nothing begins until a span could be taken again
    signed_count: int = 0  # errands that wait with a message made and signed ahead
    _noting: int = 0
    _cleared: Standing | None = None

    def __post_init__(self) -> None:
        office = self.office
        self.gate = Gate(office.database, office.relay.name, connections=office.connections,
                         is_wanted=self.is_wanted, drop=self.drop, put_off=self.put_off)  # fmt: skip
        self.unmade = Unmade(self.office)
        self.seats = Seats(office.database, office.bench(SeatLane.EDITIONS), lambda: bool(self.gate.holdings))

    def is_wanted(self, errand: Errand) -> bool:
        """Whether it may still begin. What is not begun stays as it was and is read again."""
        age = asyncio.get_running_loop().time() - errand.read_at
        return self.goes_on(errand.holding) and age <= PAGE_STALE_SECONDS

    def goes_on(self, holding: Holding) -> bool:
        is_stopped = self.draining.is_set() or self.relay_waits or not self.seats.granted
        is_stopped |= holding.is_fenced or self.unmade.is_stopping(holding.taken)
        return not (is_stopped or holding.is_outranked)

    def put_signed(self, errand: Errand) -> None:
        self.signed_count += 1
        self.gate.give(errand)

    def drop(self, errand: Errand) -> None:
        """It may not begin any more: its row stays as it was."""
        self.signed_count -= errand.made is not None
        self.one_begun.set()
        errand.done()

    def put_off(self, errand: Errand, seconds: float, why: str) -> None:
        """Later, and no try counted: its provider takes little now."""
        self.signed_count -= errand.made is not None
        self.committer.report(errand.taken, settling.put_off(errand.row, timedelta(seconds=seconds), why))
        self.committer.flush(errand.taken)
        errand.holding.progressed = True
        self.one_begun.set()
        errand.done()

    async def slow_down(self, judged: Outcome, address: str) -> None:
        """The relay, or a provider behind it, has asked for less: every worker reads it within a second, this one at once."""
        provider = provider_groups.of(address) if recovery.asks_of_provider(judged) else slowings.WHOLE
        try:
            await self.office.database.write(slowings.note, self.office.relay.name, provider, judged)
            await self.gate.look_anew()
        except (sa.exc.SQLAlchemyError, OSError) as error:
            log.warning("relay.slowing_not_noted", problem=str(error).splitlines()[0])

    def stand_still(self) -> None:
        """Nothing begins until a span could be taken again."""
        self.relay_waits = True
        self.gate.drop_unwanted()

    def span_was_taken(self) -> None:
        """Spans are only given out while the relay's clock does not say later; once what is known of it is written, that counts."""
        if not self._noting:
            self.relay_waits = False

    async def note_relay_problem(self, problem: str, judged: Outcome | None = None) -> None:
        """The relay's matter, or, without a reply of it, that of this worker's way to it: no reader is touched."""
        self.relay_is_known_good = False
        log.warning("relay.problem", relay=self.office.relay.name, problem=problem)
        self._noting += 1
        try:
            if judged is None:
                await reaching.note_out_of_reach(self.office, problem)
            else:
                await reaching.note_reply(self.office, judged)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            log.warning("relay.problem_not_noted", problem=str(error).splitlines()[0])
        finally:
            self._noting -= 1

    async def note_accepted(self) -> None:
        """Written only while the row may show a problem, whoever has noted it: once for each look at it."""
        self.office.standing_by.accepted(self.office.relay.name)
        standing = self.gate.standing
        if self.relay_is_known_good and (standing is self._cleared or not standing.shows_problem):
            return
        self.relay_is_known_good, self._cleared = True, standing
        try:
            await self.office.database.write(relays.note_success, self.office.relay.name)
        except (sa.exc.SQLAlchemyError, OSError):
            self.relay_is_known_good = False


class _Made(NamedTuple):
    errand: Errand
    mould: Mould
    envelope: Envelope


class _Begun(NamedTuple):
    made: _Made
    exchange: Exchange


class Carrier:
    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._transport = Transport(shift.office.relay, shift.office.timeouts, shift.office.limits)
        self._is_seated = False

    async def run(self) -> None:
        begun: _Begun | None = None
        try:
            while True:
                begun = await (self._begun() if begun is None else self._carried(begun))
        finally:
            await self._transport.close()

    async def _begun(self) -> _Begun | None:
        """Wait for work and announce it."""
        errand = await self._next_errand()
        made = self._made(errand) if errand is not None else None
        if made is None:
            return None
        if not await self._connected(made.errand):
            return None
        return _Begun(made, self._transport.announce(made.envelope))

    async def _connected(self, errand: Errand) -> bool:
        """False: the errand is given back, though there may be a connection by now."""
        shift = self._shift
        claim = silence.Claim(shift.gate, errand, shift.stand_still)
        try:
            await silence.connect(shift.office, self._transport, claim)
        except RelayDown as error:
            shift.relay_waits = True
            await shift.note_relay_problem(error.message)
            claim.let_others()
        return claim.is_held

    async def _next_errand(self) -> Errand | None:
        seats = self._shift.seats
        if not self._is_seated:
            await seats.take()
            self._is_seated = True
        errand = await seats.errand(self._shift.gate)
        if errand is None:
            self._is_seated = False
            seats.leave()
            await self._transport.close()
            seats.closed()
        return errand

    async def _carried(self, begun: _Begun) -> _Begun | None:
        """One message from its announcement to its outcome; the one announced behind it, if there is one."""
        errand, committer = begun.made.errand, self._shift.committer
        intent = committer.begin(errand.taken, errand.row.number)
        exchange = await self._transport.reopened(begun.exchange)
        if not await intent:
            errand.holding.is_fenced = True
            if not exchange.is_over:
                self._transport.drop(FENCED)
            self._shift.gate.without_token(errand).done()
            return None
        following = self._handed_over(exchange)
        reply = await exchange.settled
        await self._settle(begun.made, outcome.of(reply))
        errand.done()
        if following is None:
            committer.flush(errand.taken)
        return following

    def _handed_over(self, exchange: Exchange) -> _Begun | None:
        if exchange.is_over:
            return None
        goes_on = self._transport.has_room_behind and not self._shift.seats.is_over
        made = self._at_hand() if goes_on else None
        following = self._transport.hand_over(exchange, made.envelope if made else None)
        if made is None:
            return None
        if following is None:  # the connection has just gone: somebody else may carry it
            self._shift.signed_count += made.errand.made is not None
            self._shift.gate.errands.put_nowait(made.errand)
            return None
        return _Begun(made, following)

    def _at_hand(self) -> _Made | None:
        while (errand := self._shift.gate.at_hand()) is not None:
            if (made := self._made(errand)) is not None:
                return made
        return None

    def _made(self, errand: Errand) -> _Made | None:
        self._shift.one_begun.set()
        if errand.made is not None:
            self._shift.signed_count -= 1
        if not self._shift.is_wanted(errand):
            self._shift.gate.without_token(errand).done()
            self._shift.gate.drop_unwanted()  # one by one they would cost their edition a turn each
            return None
        office, taken, row = self._shift.office, errand.taken, errand.row
        pins = row.pins or taken.pins
        mould = self._shift.moulds[pins["rendition"]]
        try:
            envelope = errand.made or office.message(mould, row, pins)
            if isinstance(envelope, Exception):
                raise envelope
        except Exception as error:  # by whatever fault of ours: one reader's message must not end the sender
            why = self._shift.unmade.note(taken, mould.edition_uid, error)
            self._shift.committer.report(taken, settling.cannot_be_made(row, why))
            self._shift.committer.flush(taken)
            errand.holding.progressed = True
            self._shift.gate.without_token(errand).done()
            return None
        self._shift.unmade.one_was_made(taken.edition_id)
        return _Made(errand, mould, envelope)

    async def _settle(self, made: _Made, judged: Outcome) -> None:
        shift, errand = self._shift, made.errand
        taken, row = errand.taken, errand.row
        shift.office.figures.note(taken.lane, judged)
        if judged.reply.code:
            shift.office.standing_by.heard(shift.office.relay.name)
        if recovery.asks_of_provider(judged) or recovery.asks_relay_wide(judged):
            await shift.slow_down(judged, row.address)
        if reaching.is_of_the_relay(shift.office, judged):
            shift.relay_waits |= outcome.leaves_the_row(judged)
            await shift.note_relay_problem(str(judged.reply), judged)
        if (
            outcome.leaves_the_row(judged) and not judged.reply.code
        ):  # nothing was handed over, and nobody can have counted it
            shift.gate.without_token(errand)
        place = (taken.edition_id, row.number)
        if outcome.leaves_the_row(judged) and shift.patience.lasts(place):
            shift.committer.untouched(taken, row.number)
            return
        shift.patience.end(place)
        wait, chance = shift.office.uncertain_wait, random.random()  # noqa: S311 - jitter, no secret
        recorded = settling.recorded(row, taken, judged, uncertain_wait=wait, chance=chance)
        shift.committer.report(taken, recorded)
        errand.holding.progressed = True
        if judged.verdict is Verdict.ACCEPTED:
            await shift.note_accepted()
        errand.holding.is_fenced |= await shift.same.note(taken, made.mould.edition_uid, row, judged)
