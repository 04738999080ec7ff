"""The priority lane: notices have a connection of their own, so a confirmation never waits behind an edition."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from service import addresses, logs
from service.delivery import (
    notice_messages,
    notice_rows,
    outcome,
    pace_rows,
    reaching,
    samples,
    signing,
    silence,
)
from service.delivery.exchange import Envelope
from service.delivery.figures import NOTICE_LANE
from service.delivery.notice_messages import NotNeeded, Stationery
from service.delivery.notice_rows import TakenNotice
from service.delivery.office import Office
from service.delivery.outcome import Outcome, Verdict
from service.delivery.patience import Patience
from service.delivery.seats import Seats
from service.delivery.sending import RENEW_SECONDS
from service.delivery.sharing import SeatLane
from service.delivery.signing import KeyRing
from service.delivery.transport import RelayDown, Transport
from service.errors import MemoError
from service.ledger.alarms import ALARM
from service.ledger.models import NoticeState

log = logs.get(__name__)

PUT_OFF = timedelta(minutes=1)


class NoticeLane:
    def __init__(self, office: Office, stationery: Stationery) -> None:
        self._office = office
        self._stationery = stationery
        self._transport = Transport(office.relay, office.timeouts, office.limits)
        self._ring = KeyRing(office.database, office.keys)
        self._patience = Patience()
        self._one_at_a_time = asyncio.Lock()
        self._calling: asyncio.Task[None] | None = None
        self._calls_ahead = True
        self._draining = False

    def drain(self) -> None:
        self._draining = True

    async def close(self) -> None:
        await self._transport.close()

    async def send_due(self) -> None:
        """Send notices, the oldest first, until none is due."""
        office = self._office
        if not await reaching.may_take(office):
            return
        async with self._one_at_a_time, self._seated() as may_send:
            while may_send and not self._draining and await reaching.may_take(office):
                taken = await office.database.write(
                    notice_rows.take, office.relay.name, uncertain_wait=office.uncertain_wait
                )
                if taken is None:
                    return
                await self._send(taken)

    @asynccontextmanager
    async def _seated(self) -> AsyncIterator[bool]:
        """Where connections are shared, the one for notices is ours for so long. False: another worker has it, and sends what there is."""
        bench = self._office.bench(SeatLane.NOTICES)
        if not bench.is_shared:
            yield True
            return
        seats = Seats(self._office.database, bench, lambda: True)
        renewing = asyncio.create_task(seats.run())
        try:
            if is_ready := await seats.ready():
                await seats.take()
            yield is_ready
        finally:
            renewing.cancel()
            await asyncio.wait({renewing})
            await self._transport.close()
            await seats.give_all_back()

    async def _send(self, taken: TakenNotice) -> None:
        try:
            envelope = await self._envelope(taken)
            # Where one after the other cannot be made, the relay is not called for each.
            self._calls_ahead = envelope is not None or self._calling is None
            is_connected = envelope is not None and await self._is_connected(taken)
        finally:
            await self._call_no_longer()
        if envelope is not None and is_connected:
            await self._send_now(taken, envelope)

    def _call_ahead(self) -> None:
        """Somebody waits for it before a screen: the relay is called while the message is made."""
        if self._calls_ahead:
            self._calling = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        await silence.connect(self._office, self._transport)

    async def _call_no_longer(self) -> None:
        calling, self._calling = self._calling, None
        if calling is not None:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

    async def _is_connected(self, taken: TakenNotice) -> bool:
        """At the moment that its token says. False: the relay is down, and the notice waits as it was."""
        database, name = self._office.database, self._office.relay.name
        if taken.is_limited:
            await asyncio.sleep(await database.write(pace_rows.notice_delay, name))
        try:
            if self._calling is not None:
                await self._calling
            await self._connect()  # once more, for it may have hung up since
        except RelayDown as problem:
            log.warning("relay.problem", relay=name, problem=problem.message)
            await database.write(notice_rows.untouched, taken)
            if taken.is_limited:
                await database.write(pace_rows.give_back, name, 1)
            await reaching.note_out_of_reach(self._office, problem.message)
            return False
        return True

    async def _send_now(self, taken: TakenNotice, envelope: Envelope) -> None:
        database = self._office.database
        if not await database.write(notice_rows.begin, taken, envelope.message):
            return
        judged = await self._handed_over(taken, envelope)
        if reaching.is_of_the_relay(self._office, judged):
            log.warning("relay.problem", relay=self._office.relay.name, problem=str(judged.reply))
            await reaching.note_reply(self._office, judged)
        if outcome.leaves_the_row(judged) and self._patience.lasts((0, taken.notice.id)):
            await database.write(notice_rows.untouched, taken)
            return
        self._patience.end((0, taken.notice.id))
        wait, chance = self._office.uncertain_wait, random.random()  # noqa: S311 - jitter, no secret
        name = self._office.relay.name
        await database.write(
            notice_rows.record, taken, judged, relay=name, uncertain_wait=wait, chance=chance
        )
        log.info("notice.attempted", notice=str(taken.notice.uid), kind=taken.notice.kind,
                 address=addresses.masked(envelope.rcpt_to), verdict=judged.verdict.value)  # fmt: skip

    async def _handed_over(self, taken: TakenNotice, envelope: Envelope) -> Outcome:
        """Kept alive while the relay is slow, so that nobody takes it for a dead sender's."""
        renewing = asyncio.create_task(self._renew(taken))
        try:
            judged = outcome.of(await self._transport.carry(envelope))
        finally:
            renewing.cancel()
        self._office.figures.note(NOTICE_LANE, judged)
        if judged.reply.code:
            self._office.standing_by.heard(self._office.relay.name)
        if judged.verdict is Verdict.ACCEPTED:
            self._office.standing_by.accepted(self._office.relay.name)
        return judged

    async def _renew(self, taken: TakenNotice) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self._office.database.write(notice_rows.renew, taken)

    async def _envelope(self, taken: TakenNotice) -> Envelope | None:
        """None: there is nothing to send, which is recorded."""
        database = self._office.database
        try:
            return self._sent_from(taken, await self._made(taken))
        except NotNeeded as reason:
            await database.write(notice_rows.not_sent, taken, reason.message, NoticeState.EXPIRED)
        except signing.CANNOT_SIGN as problem:  # a person can put the key back: unsigned is worse than late
            log.error("notice.not_signed", notice=str(taken.notice.uid), problem=problem.message)
            await database.write(notice_rows.put_off, taken, problem.message, PUT_OFF)
        except MemoError as problem:
            log.error("notice.cannot_be_made", notice=str(taken.notice.uid), problem=problem.message)
            await database.write(notice_rows.not_sent, taken, problem.message, NoticeState.HELD)
        except (
            Exception
        ) as error:  # ours, or the machine's: the oldest comes first, and would keep all others waiting
            why = f"A fault of our own, {type(error).__name__}"
            log.exception("notice.not_made", notice=str(taken.notice.uid), problem=why)
            await database.write(notice_rows.put_off, taken, why, PUT_OFF)
        return None

    async def _made(self, taken: TakenNotice) -> Envelope:
        """The pinned bytes if there are any: a second attempt is the same message."""
        notice, now = taken.notice, self._office.clock.now()
        if notice.kind in samples.KINDS and notice.message is not None:
            test = Envelope(str(notice.payload["from"]), notice.address, notice.message)
            self._call_ahead()
            return test if notice.attempts else await self._signed(test, now)
        gathered = await self._office.database.read(notice_messages.contents, notice, self._stationery, now)
        self._call_ahead()
        if notice.message is not None:
            return Envelope(gathered.mail_from, gathered.facts.to_address, notice.message)
        envelope = await asyncio.to_thread(notice_messages.rendered, gathered, self._stationery)
        try:
            return await self._signed(envelope, now)
        except signing.CANNOT_SIGN:
            if notice.kind != ALARM:
                raise
            return envelope  # which may be what tells of that very key

    def _sent_from(self, taken: TakenNotice, envelope: Envelope) -> Envelope:
        """The envelope's sender is not a part of the message, so a retry may have another."""
        paths = self._office.return_paths
        return replace(envelope, mail_from=paths.of_notice(taken.notice.id)) if paths else envelope

    async def _signed(self, envelope: Envelope, now: datetime) -> Envelope:
        return (
            await signing.signed_notice(self._ring, envelope, now)
            if self._office.keeps_our_bytes
            else envelope
        )
