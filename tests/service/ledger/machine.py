"""Workers, a desk, readers and time, in any order, against the real ledger; and what must be true after each step.

Workers are played: a body "begins" when `recording.commit` has said that its fence stands, as in `delivery.sending`. What a
worker knows vanishes when it is killed; what the relay was given does not.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from service.delivery import choosing, closing, outcome, paging, recording, settling, spans, steering
from service.delivery.fence import Take
from service.delivery.outcome import Outcome, Phase, Reply
from service.delivery.paging import Row
from service.delivery.recording import Recorded, SpanBatch
from service.delivery.spans import Pinning
from service.editions.models import State
from service.errors import Conflict
from service.ledger import fanout, progress
from service.ledger.models import OPEN, Delivery, DeliveryState, Stopped
from service.ledger.progress import Progress
from service.subscribers import audience, optout
from service.suppressions import register
from service.suppressions.models import Reason
from tests.support import ledger_stage
from tests.support.ledger_stage import PEPPER, Plan, Seen, Stage

T = TypeVar("T")
WORKERS = ("one", "two", "three")
RELAY = "relay.example.org"
UNCERTAIN_WAIT = timedelta(minutes=2)
START = datetime(2026, 3, 2, 6, tzinfo=UTC)
# Sums of these miss every wait of the ledger by seconds, so an example means the same on a slow day.
PASSED = {
    "wait 11 s": timedelta(seconds=11),
    "wait 660 s": timedelta(seconds=660),
    "wait 7300 s": timedelta(seconds=7_300),
}
# What ends everything is rare, or most of an example would have nothing left to tell.
EVENTS = (
    *["wait 11 s"] * 14, *["wait 660 s"] * 6, "wait 7300 s", *["kill"] * 8, *["late"] * 10, *["pause"] * 5, *["correct"] * 3,
    "hurry", "cancel", "leave", "complain", *["fan out"] * 4, *["tick"] * 3,
)  # fmt: skip
VERBS = (
    "carry",
    "carry",
    "begin",
    "begin",
    "begin",
    "go on",
    "go on",
    "record",
    "let go",
    "renew",
    "cannot make",
)
NEAR = timedelta(seconds=1)
ANSWERS = {
    "accepted": Reply(Phase.DOT, 250, "2.0.0 queued"),
    "refused": Reply(Phase.RCPT, 550, "5.1.1 no such user"),
    "deferred": Reply(Phase.RCPT, 450, "4.2.1 later"),
    "uncertain": Reply(Phase.DOT, 0, "connection lost after the final dot"),
    "relay": Reply(Phase.MAIL, 421, "4.7.0 throttled"),
}
REPLIES = ("accepted", "accepted", "deferred", "deferred", "refused", "uncertain", "relay")
NOT_GIVEN = {"refused", "deferred", "relay"}  # the reader certainly got nothing of that attempt
CERTAIN = {DeliveryState.EXPIRED, DeliveryState.SKIPPED, DeliveryState.CANCELLED}


class Work(NamedTuple):
    worker: str
    verb: str
    answer: str


class Happening(NamedTuple):
    event: str
    which: int
    answer: str


WORK = st.builds(Work, st.sampled_from(WORKERS), st.sampled_from(VERBS), st.sampled_from(REPLIES))
HAPPENING = st.builds(Happening, st.sampled_from(EVENTS), st.integers(0, 3), st.sampled_from(REPLIES))


@dataclass
class Body:
    """The bytes of one attempt, as the relay knows them; `answer` is None until it has spoken."""

    pins: dict[str, Any]
    answer: str | None = None

    @property
    def may_have_arrived(self) -> bool:
        return self.answer not in NOT_GIVEN


@dataclass
class Account:
    """What a worker's memory holds of one take."""

    worker: str
    taken: Take
    page: list[Row] = field(default_factory=list)
    in_flight: dict[int, tuple[Row, Body]] = field(default_factory=dict)
    outcomes: list[Recorded] = field(default_factory=list)
    is_fenced: bool = False
    is_let_go: bool = False
    progressed: bool = False

    @property
    def is_working(self) -> bool:
        return not (self.is_let_go or self.is_fenced)


class Ledger(RuleBasedStateMachine):
    """One rule with many moves: Hypothesis leaves rules out of an example at random, and stories need all of them."""

    stage: Stage  # set by the test, one for all its examples

    @initialize(
        readers=st.integers(1, 5), span_size=st.integers(1, 3), holds=st.sampled_from([False] * 5 + [True])
    )
    def open(self, readers: int, span_size: int, holds: bool) -> None:
        self.edition = self.stage.write(ledger_stage.open_edition, Plan(readers, span_size, holds))
        self.accounts: list[Account] = []
        self.bodies: dict[int, list[Body]] = {}
        self.known_accepted: set[int] = set()
        self.gone: set[int] = set()
        self.renditions = 1
        self.takes = 0
        self.seen = self._look()
        self._fan_out()

    @rule(move=st.one_of(WORK, WORK, HAPPENING))
    def step(self, move: Work | Happening) -> None:
        if isinstance(move, Work):
            self._work(move.worker, move.verb, move.answer)
        else:
            self._happen(move.event, move.which, move.answer)

    def _work(self, worker: str, verb: str, answer: str) -> None:
        account = next((one for one in self.accounts if one.worker == worker and not one.is_let_go), None)
        if account is None:
            account = self._take(worker)
            if account is not None:
                self._turn_page(account, 3)
        elif verb == "renew":
            self._write(spans.renew, account.taken)
        elif verb == "let go" or (account.is_fenced and not account.in_flight):
            self._let_go(account)
        elif verb == "record":
            self._record(account)
        else:
            self._go_on(account, verb, answer)

    def _go_on(self, account: Account, verb: str, answer: str) -> None:
        may_begin = account.page and not account.is_fenced
        if may_begin and verb == "cannot make":
            account.outcomes.append(settling.cannot_be_made(account.page.pop(0), "a field is missing"))
            account.progressed = True
        elif may_begin and (verb == "begin" or not account.in_flight):
            row = account.page.pop(0)
            if self._begin(account, row) and verb == "carry":
                self._answer(account, row.number, answer)
        elif account.in_flight:
            self._answer(account, min(account.in_flight), answer)
        else:
            self._turn_page(account, 2)
            if not account.page:
                self._let_go(account)

    def _happen(self, event: str, which: int, answer: str) -> None:
        if self.seen.run.stopped == Stopped.PAUSED.value:
            self._steer(steering.resume)
        if event in PASSED:
            self._write(ledger_stage.pass_time, self.edition.edition_id, PASSED[event])
        elif event in {"leave", "complain"}:
            self._lose_reader(_pick(sorted(self.edition.subscriptions), which), event)
        elif event == "kill":
            self._kill(_pick([*WORKERS, "all"], which))
        elif event == "late":
            self._answer_late(which, answer)
        elif event == "fan out":
            self._fan_out()
        elif event == "tick":
            self._tick()
        else:
            self._desk(event)

    def _fan_out(self) -> bool:
        return self._write(fanout.carry_on, self.edition.edition_id, audience.statement) is not None

    def _tick(self) -> None:
        self._write(closing.sweep_cancelled)
        self._write(closing.close_ended, pepper=PEPPER, now=START)

    def _lose_reader(self, subscriber: int, how: str) -> None:
        if how == "leave":
            self._write(optout.end, self.edition.subscriptions[subscriber], method="test", now=START)
        else:
            cause, wire = register.Cause(Reason.COMPLAINT, "test"), self.edition.addresses[subscriber]
            self._write(register.suppress, wire, cause, pepper=PEPPER, now=START)
        self.gone.add(subscriber)

    def _kill(self, worker: str) -> None:
        """`all`: as SQLite's only process, which starts again."""
        self.accounts = [one for one in self.accounts if worker not in (one.worker, "all")]
        if worker == "all":
            self._write(spans.let_everything_go)

    def _answer_late(self, which: int, answer: str) -> None:
        """To a worker that has let its span go, or lost it: the connection went on waiting."""
        late = [one for one in self.accounts if one.in_flight or one.outcomes]
        if late:
            account = _pick(late, which)
            if account.in_flight:
                self._answer(account, min(account.in_flight), answer)
            self._record(account)

    def _desk(self, order: str) -> None:
        """`pause` lasts until something else happens; `hurry`: the next regular edition is near, and this one is given up then."""
        if order == "pause":
            self._steer(steering.pause, reason="a look first")
        elif order == "cancel":
            self._steer(steering.cancel)
        elif order == "hurry":
            self._write(ledger_stage.soon_over, self.edition.edition_id, timedelta(seconds=60))
        else:
            self.renditions += 1
            self._write(ledger_stage.correct, self.edition.edition_id, self.renditions)

    def _steer(self, function: Callable[..., Any], **more: Any) -> None:
        try:
            self._write(function, self.edition.edition_uid, now=START, actor="test", **more)
        except Conflict:
            self._refresh()

    # One worker

    def _take(self, worker: str) -> Account | None:
        self.takes += 1
        pinning = Pinning(START + timedelta(minutes=self.takes), f"key-{self.takes}")
        before = self.seen
        taken = self._write(
            spans.take, holder=worker, relay=RELAY, pinning=pinning, uncertain_wait=UNCERTAIN_WAIT
        )
        takeable = any(_is_takeable(before, span_id, NEAR) for span_id in before.spans)
        if taken is None:
            dying = [one for one in before.spans.values() if one.deaths >= spans.DEATHS_MOST - 1]
            assert not takeable or dying, "a span that is due and free is given to whoever asks"
            return None
        assert _is_takeable(before, taken.span_id, -NEAR), "only what is due, free and not stopped"
        account = Account(worker, taken)
        self.accounts.append(account)
        return account

    def _turn_page(self, account: Account, size: int) -> None:
        if account.in_flight:
            return
        self._commit(account)
        page = paging.Page(size=size, progressed=account.progressed)
        account.page = self.stage.page(account.taken, page)
        self._refresh()
        for row in account.page:
            subscriber = self.seen.rows[row.number].subscriber_id
            assert subscriber not in self.gone, "who has left, or may not be written to, is not in a page"
        assert not account.page or self.seen.now < self.seen.run.give_up_at + NEAR

    def _begin(self, account: Account, row: Row) -> bool:
        if not self._commit(account, intent=row.number):
            account.is_fenced = True
            return False
        span = self.seen.spans[account.taken.span_id]
        assert span.epoch == account.taken.epoch, "no body begins after the span was given to somebody else"
        assert self.seen.run.stopped is None, "no body begins once pause or cancel has returned"
        assert self.seen.run.turn == account.taken.turn, "nor once it was corrected"
        assert row.number in span.in_flight, "nothing is sent that the database does not know of"
        body = Body(row.pins or account.taken.pins)
        self._check_repeat(row, body)
        self.bodies.setdefault(row.number, []).append(body)
        account.in_flight[row.number] = (row, body)
        return True

    def _check_repeat(self, row: Row, body: Body) -> None:
        earlier = [one for one in self.bodies.get(row.number, []) if one.may_have_arrived]
        if not earlier:
            assert self.seen.rows[row.number].state in OPEN, "what has ended is not sent"
            return
        assert len(earlier) == 1, "no third message"
        assert row.uncertain_count == 1, "a second one only after an uncertain first"
        assert earlier[0].pins == body.pins, "and then the same bytes"

    def _answer(self, account: Account, number: int, answer: str) -> None:
        row, body = account.in_flight.pop(number)
        body.answer = answer
        judged: Outcome = outcome.of(ANSWERS[answer])
        if outcome.leaves_the_row(judged):
            return
        recorded = settling.recorded(row, account.taken, judged, uncertain_wait=UNCERTAIN_WAIT, chance=0.5)
        account.outcomes.append(recorded)
        account.progressed = True

    def _record(self, account: Account) -> None:
        """Twice, as if the first commit's answer had been lost."""
        outcomes = list(account.outcomes)
        self._commit(account)
        account.outcomes = outcomes
        self._commit(account)

    def _commit(self, account: Account, intent: int | None = None) -> bool:
        batch = SpanBatch(
            account.taken, account.outcomes, sorted(account.in_flight), [] if intent is None else [intent]
        )
        standing = self.stage.commit([batch])
        self._refresh()
        for one in account.outcomes:
            state = self.seen.rows[one.number].state
            assert state is DeliveryState.ACCEPTED or one.state is not DeliveryState.ACCEPTED, (
                "an accept counts"
            )
            assert state not in OPEN or one.state in OPEN or one.state not in recording.FINAL
        self.known_accepted |= {one.number for one in account.outcomes if one.state is DeliveryState.ACCEPTED}
        account.outcomes = []
        span = self.seen.spans[account.taken.span_id]
        if account.is_let_go and span.epoch == account.taken.epoch:
            assert span.renewed_at is None, "a late answer does not take the span again"
        if account.is_let_go and not account.in_flight and account in self.accounts:
            self.accounts.remove(account)
        return (account.taken.span_id, account.taken.epoch) in standing

    def _let_go(self, account: Account) -> None:
        self._commit(account)
        was_mine = self.seen.spans[account.taken.span_id].epoch == account.taken.epoch
        self._write(spans.let_go, account.taken, in_flight=sorted(account.in_flight))
        account.is_let_go, account.page = True, []
        if not account.in_flight:
            self.accounts.remove(account)
        span = self.seen.spans[account.taken.span_id]
        if was_mine:
            assert span.renewed_at is None and span.counts == _counted(self.seen.rows_of(span))

    # What must be true after each step

    @invariant()
    def the_books_balance(self) -> None:
        seen = self._seen_or_none()
        if seen is not None:
            self._every_reader_is_accounted_for(seen)
            self._figures_add_up(seen, self.stage.read(progress.of, self.edition.edition_id))
            self._spans_tell_what_is_left(seen)
            self._accepts_stay_and_certainty_is_certain(seen)
            epochs = [account.taken.epoch for account in self.accounts]
            assert len(set(epochs)) == len(epochs), "each take has an epoch of its own"

    def _every_reader_is_accounted_for(self, seen: Seen) -> None:
        assert list(seen.rows) == list(range(1, seen.run.last_number + 1)), "numbers are dense"
        subscribers = [row.subscriber_id for row in seen.rows.values()]
        assert len(set(subscribers)) == len(subscribers), "each reader once"
        assert set(subscribers) <= set(self.edition.subscriptions)
        covered = [number for span in seen.spans.values() for number in range(span.first, span.last)]
        assert covered == list(seen.rows), "each row in one span"

    def _figures_add_up(self, seen: Seen, figures: Progress) -> None:
        found = Counter(row.state for row in seen.rows.values())
        parts = (figures.accepted, figures.refused, figures.expired, figures.skipped, figures.cancelled)
        assert sum(parts) + figures.held + figures.open == len(seen.rows)
        assert Counter({state: count for state, count in figures.counts.items() if count}) == found

    def _spans_tell_what_is_left(self, seen: Seen) -> None:
        for span in seen.spans.values():
            rows = seen.rows_of(span)
            if span.due_at is None:
                assert not any(row.state in OPEN for row in rows), "an ended span has nothing left"
            if span.renewed_at is None:
                assert span.counts == _counted(rows), "a span that nobody holds is counted"
        if seen.run.ended_at is not None:
            assert seen.run.is_fanned_out, "a run closes when everybody is in it"
            assert not any(row.state in OPEN for row in seen.rows.values()), "and nothing is open"
            assert seen.edition in {State.SENT, State.CANCELLED}

    def _accepts_stay_and_certainty_is_certain(self, seen: Seen) -> None:
        for number in self.known_accepted:
            assert seen.rows[number].state is DeliveryState.ACCEPTED
        for number, row in seen.rows.items():
            arrived = [body for body in self.bodies.get(number, []) if body.may_have_arrived]
            if row.state in CERTAIN:
                assert not arrived, f"row {number} is {row.state} though the reader may have it"
            if row.state is DeliveryState.ACCEPTED:
                assert any(body.answer == "accepted" for body in arrived)
            assert len(arrived) <= 2
            waits = row.state in {DeliveryState.DEFERRED, DeliveryState.UNCERTAIN}
            assert (row.due_at is not None) == waits, "what has been tried waits, and nothing else"

    # At the end: whatever happened, the rest is brought home

    def teardown(self) -> None:
        if not hasattr(self, "edition"):
            return
        self.accounts = []
        self._write(ledger_stage.pass_time, self.edition.edition_id, PASSED["wait 11 s"])
        if self.seen.run.stopped == Stopped.PAUSED.value and self.seen.run.ended_at is None:
            self._steer(steering.resume)
        for _ in range(20 + 12 * len(self.edition.subscriptions)):
            self._one_round()
            if self.seen.run.ended_at is not None:
                break
        self.the_books_balance()
        assert self.seen.run.ended_at is not None, "it ends"
        self._check_nobody_lost()

    def _one_round(self) -> None:
        while not self.seen.run.is_fanned_out and self._fan_out():
            pass
        while (account := self._take("one")) is not None:
            self._work_off(account)
        self._tick()
        dues = [span.due_at for span in self.seen.spans.values() if span.due_at is not None]
        if dues:
            until = min(dues) - self.seen.now + timedelta(milliseconds=1)
            self._write(ledger_stage.pass_time, self.edition.edition_id, max(until, PASSED["wait 11 s"]))

    def _work_off(self, account: Account) -> None:
        before = _counted(list(self.seen.rows.values()))
        worked = False
        while True:
            self._turn_page(account, 3)
            if not account.page:
                break
            worked = True
            while account.page:
                row = account.page.pop(0)
                self._begin(account, row)
                self._answer(account, row.number, "accepted")
        self._let_go(account)
        span = self.seen.spans[account.taken.span_id]
        after = _counted(list(self.seen.rows.values()))
        has_use = worked or before != after or span.due_at is None or span.due_at > self.seen.now
        assert has_use, "a span is not due while none of its rows is: it would be taken again and again"
        self.the_books_balance()

    def _check_nobody_lost(self) -> None:
        listed = {row.subscriber_id for row in self.seen.rows.values()}
        cancelled = self.seen.run.stopped == Stopped.CANCELLED.value
        assert set(self.edition.subscriptions) - self.gone <= listed, "who stayed is in it"
        for number, row in self.seen.rows.items():
            assert row.state not in OPEN
            if row.state is DeliveryState.SKIPPED:
                assert row.subscriber_id in self.gone
            if row.state is DeliveryState.CANCELLED:
                assert cancelled
            if row.state is DeliveryState.REFUSED:
                assert any(body.answer == "refused" for body in self.bodies[number])

    # How the machine sees

    def _write(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        answer = self.stage.write(function, *args, **kwargs)
        self._refresh()
        return answer

    def _refresh(self) -> None:
        before = self._seen_or_none()
        self.seen = self._look()
        if before is not None:
            self._check_ended_stay(before.rows)

    def _check_ended_stay(self, before: dict[int, Delivery]) -> None:
        for number, row in before.items():
            after = self.seen.rows[number].state
            assert row.state in OPEN or after in {row.state, DeliveryState.ACCEPTED}, (
                f"row {number} was {row.state} and is {after}"
            )

    def _look(self) -> Seen:
        return self.stage.read(ledger_stage.look, self.edition.edition_id)

    def _seen_or_none(self) -> Seen | None:
        return getattr(self, "seen", None)


def _pick(things: list[T], which: int) -> T:
    return things[which % len(things)]


def _counted(rows: list[Delivery]) -> dict[str, int]:
    return dict(Counter(row.state.value for row in rows))


def _is_takeable(seen: Seen, span_id: int, margin: timedelta) -> bool:
    """With a margin, for the database's clock goes on while we look."""
    span = seen.spans[span_id]
    is_due = span.due_at is not None and span.due_at <= seen.now - margin
    is_free = span.renewed_at is None or span.renewed_at < seen.now - choosing.STALE - margin
    return is_due and is_free and seen.run.stopped is None and seen.run.ended_at is None
