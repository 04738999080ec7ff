"""What happens to the database while an edition leaves: each thing that workers, tick, desk and readers ask, once or twice."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.clock import SystemClock
from service.database import Database
from service.deadlines import pings, verdicts
from service.delivery import (
    choosing,
    closing,
    messages,
    notice_rows,
    outcome,
    pace_rows,
    paging,
    reaching,
    recording,
    relays,
    spans,
    steering,
)
from service.delivery.fence import Take
from service.delivery.outcome import Phase, Reply
from service.delivery.reaching import FromHere
from service.delivery.recording import Recorded, SpanBatch
from service.delivery.spans import Pinning
from service.desk import deliveries, newsletter_view, overview, sending_view
from service.editions import lateness, occurrences, queries
from service.editions.models import Edition, Fate, Occurrence
from service.ledger import fanout, notices, progress, rows
from service.ledger.models import DeliveryState, Run, Span
from service.ops import figures
from service.rendering.rendition import RenditionUnreadable
from service.subscribers import audience, optout, register
from service.suppressions import register as suppressions
from service.suppressions.models import Reason
from service.tokens import new_uid
from service.workers import present
from service.workers import register as register_of_workers
from service.workers.register import Identity
from tests.support.plans import Net
from tests.support.plenty import Plenty

P = ParamSpec("P")
T = TypeVar("T")
RELAY = "relay.example.org"
WAIT = timedelta(minutes=2)
PEPPER = "a pepper for tests only"


class Drive:
    def __init__(self, net: Net, held: Database, plenty: Plenty) -> None:
        self._net, self._database, self._plenty = net, held, plenty
        self._now = SystemClock().now()

    async def all(self) -> None:
        await self._tick()
        taken = await self._take("take")
        await self._send(taken)
        await self._lose(await self._take("take"))
        await self._expire()
        await self._desk()
        await self._readers()
        await self._notices()
        await self._watching()
        await self._end()

    async def _read(
        self, name: str, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._net.step(name):
            return await self._database.read(function, *args, **kwargs)

    async def _write(
        self, name: str, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._net.step(name):
            return await self._database.write(function, *args, **kwargs)

    async def _tick(self) -> None:
        await self._read("tick: slots", occurrences.is_anything_due, self._now)
        await self._read("tick: fan-outs", fanout.unfinished)
        await self._write("fan-out", fanout.carry_on, self._plenty.edition_id, audience.statement)
        assert await self._read("tick: spans", spans.due, RELAY)
        await self._read("tick: notices", notice_rows.due, RELAY)
        await self._read("tick: work", closing.has_work)
        await self._write("tick: sweep", closing.sweep_cancelled)
        await self._write("tick: close", closing.close_ended, pepper=PEPPER, now=self._now)

    async def _take(self, name: str) -> Take:
        pinning = Pinning(self._now, "key")
        taken = await self._write(
            name, spans.take, holder="one", relay=RELAY, pinning=pinning, uncertain_wait=WAIT
        )
        assert taken is not None
        return taken

    async def _send(self, taken: Take) -> None:
        await self._read("pace", pace_rows.standing, RELAY)
        wanted = paging.Page(size=20, progressed=True)
        await self._read("page to look at", paging.clean, taken, wanted)
        last = await self._write("page", paging.open_page, taken, wanted)
        assert last is not None
        page = await self._read("rows", paging.rows, taken, replace(wanted, last=last))
        with suppress(RenditionUnreadable):  # its bytes are not looked at
            await self._read("mould", messages.mould, taken.pins["rendition"])
        numbers = [row.number for row in page]
        done = [Recorded(number, DeliveryState.ACCEPTED, 1, 0, "250 ok") for number in numbers[:-1]]
        await self._write("commit", recording.commit, [SpanBatch(taken, done, [], numbers[-1:])])
        await self._write("renew", spans.renew, taken)
        await self._read("progress", progress.of, self._plenty.edition_id)
        await self._write("relay", relays.note_problem, RELAY, "421 later")
        await self._write("relay", relays.note_success, RELAY)
        for holder in ("one", "another"):
            here = FromHere(holder, was_accepted=False, lasts=timedelta())
            await self._read("who gets through", reaching.others_get_through, here)
        await self._write("let go", spans.let_go, taken, in_flight=numbers[-1:])
        late = SpanBatch(taken, [Recorded(numbers[-1], DeliveryState.ACCEPTED, 1, 0, "250 ok")])
        await self._write("commit after letting go", recording.commit, [late])

    async def _lose(self, taken: Take) -> None:
        """Its holder dies with a message under way, and wakes up late."""
        await self._write("commit", recording.commit, [SpanBatch(taken, [], [], [taken.first])])
        await self._database.write(_all_stale)
        other = await self._take("take over")
        late = SpanBatch(taken, [Recorded(taken.first, DeliveryState.ACCEPTED, 1, 0, "250 ok")])
        await self._write("late commit", recording.commit, [late])
        await self._write("let go", spans.let_go, other, in_flight=[])

    async def _expire(self) -> None:
        taken = await self._take("take")
        await self._database.write(_given_up, self._plenty.edition_id, -timedelta(hours=1))
        await self._write("page past the end", paging.open_page, taken, paging.Page(size=20, progressed=True))
        await self._database.write(_given_up, self._plenty.edition_id, timedelta(hours=1))
        if self._database.is_sqlite:
            await self._write("start", spans.let_everything_go)
        else:
            await self._write("let go", spans.let_go, taken, in_flight=[])

    async def _desk(self) -> None:
        plenty = self._plenty
        await self._read("desk: today", overview.today, now=self._now)
        await self._read("desk: newsletter", newsletter_view.of, plenty.slug, now=self._now)
        await self._read("desk: edition", sending_view.of, plenty.edition_uid, now=self._now)
        for state, address, after in (
            (None, None, 0), (DeliveryState.REFUSED, None, 0), (DeliveryState.HELD, None, 0),
            (None, "reader77@example.org", 0), (None, "er77", 100),
        ):  # fmt: skip
            await self._read(
                "desk: deliveries",
                deliveries.find,
                plenty.edition_uid,
                (*rows.in_state(state), *rows.with_address(address)),
                after=after,
            )
        await self._read("api: deliveries", rows.matching, plenty.edition_id, (), after=500)
        await self._read("audience", audience.count, plenty.newsletter_id)
        await self._write(
            "pause", steering.pause, plenty.edition_uid, reason="a look", now=self._now, actor="test"
        )
        await self._write("resume", steering.resume, plenty.edition_uid, now=self._now, actor="test")

    async def _readers(self) -> None:
        uid = self._plenty.subscription_uid
        await self._read("reader: look", optout.look, uid)
        await self._write("reader: leave", optout.end, uid, method="test", now=self._now)
        cause = suppressions.Cause(Reason.COMPLAINT, "test")
        await self._write(
            "reader: complains",
            suppressions.suppress,
            "reader9@example.org",
            cause,
            pepper=PEPPER,
            now=self._now,
        )
        await self._read("reader: found", register.find_by_address, "reader9@example.org")
        await self._read("api: suppressions", suppressions.page)

    async def _notices(self) -> None:
        new: dict[str, Any] = {"address": "ann@example.org", "payload": {}, "now": self._now}
        await self._write("notice: queue", notices.queue, "confirm", **new)
        taken = await self._write("notice: take", notice_rows.take, RELAY, uncertain_wait=WAIT)
        assert taken is not None
        await self._write("notice: begin", notice_rows.begin, taken, b"Subject: hello")
        judged = outcome.of(Reply(Phase.DOT, 250, "ok"))
        await self._write(
            "notice: record", notice_rows.record, taken, judged, relay=RELAY, uncertain_wait=WAIT, chance=0.5
        )

    async def _watching(self) -> None:
        one = Identity(new_uid(), "one", "one", 1, "0.1.0")
        await self._write("worker: beat", register_of_workers.beat, one, {})
        taken = await self._take("take")
        await self._read("workers", present.everybody)
        await self._read("metrics", figures.read, clock_now=self._now)
        await self._read("health", lateness.overdue, self._now)
        await self._write("worker: tidy", register_of_workers.forget_old)
        await self._database.write(_in_a_slot, self._plenty.edition_id, timedelta(0))
        assert not await self._read("deadlines: before", verdicts.ready)
        await self._database.write(_in_a_slot, self._plenty.edition_id, -timedelta(hours=1))
        (verdict,) = await self._read("deadlines: after", verdicts.ready)
        await self._write("deadlines: give", verdicts.give, verdict)
        await self._read("pings: due", pings.is_any_due)
        await self._write("pings: claim", pings.claim)
        await self._write("let go", spans.let_go, taken, in_flight=[])

    async def _end(self) -> None:
        await self._write("cancel", steering.cancel, self._plenty.edition_uid, now=self._now, actor="test")
        edition_id, who = self._plenty.edition_id, audience.statement
        while await self._write("cancelled: write out", fanout.carry_on, edition_id, who) is not None:
            pass
        while await self._write("tick: sweep", closing.sweep_cancelled):
            pass
        closed = await self._write("tick: close", closing.close_ended, pepper=PEPPER, now=self._now)
        assert closed == [self._plenty.edition_id]


def _all_stale(session: Session) -> None:
    long_ago = database.now(session) - choosing.STALE * 2
    session.execute(sa.update(Span).where(col(Span.renewed_at).is_not(None)).values(renewed_at=long_ago))


def _in_a_slot(session: Session, edition_id: int, away: timedelta) -> None:
    edition, at = session.get_one(Edition, edition_id), database.now(session) + away
    slot = queries.occurrence(session, edition.newsletter_id, edition.local_date, edition.slot)
    slot = slot or Occurrence(
        newsletter_id=edition.newsletter_id,
        local_date=edition.local_date,
        slot=edition.slot,
        due_at=at,
        fate=Fate.EDITION,
        edition_id=edition.id,
        at=at,
    )
    slot.due_at = at
    session.add(slot)


def _given_up(session: Session, edition_id: int, after: timedelta) -> None:
    session.get_one(Run, edition_id).give_up_at = database.now(session) + after
    session.flush()
