"""Workers, a desk, readers and time, in any order, against the real ledger; and what must be true after each step.

Workers are played: a body "begins" when `recording.commit` has said that its fence stands, as in `delivery.sending`. What a
worker knows vanishes when it is killed; what the relay was given does not.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from service.delivery import closing, outcome, paging, recording, settling, spans, steering
from service.delivery.fence import Take
from service.delivery.outcome import Outcome, Phase, Reply
from service.delivery.paging import Row
from service.delivery.recording import Recorded, SpanBatch
from service.delivery.spans import Pinning
from service.editions.models import State
from service.errors import Conflict
from service.ledger import fanout
from service.ledger.models import OPEN, Delivery, DeliveryState, Stopped
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
PASSED = (timedelta(seconds=11), timedelta(seconds=660), timedelta(seconds=7_300), timedelta(hours=22))
NEAR = timedelta(seconds=1)
ANSWERS = {
    "accepted": Reply(Phase.DOT, 250, "2.0.0 queued"),
    "refused": Reply(Phase.RCPT, 550, "5.1.1 no such user"),
    "deferred": Reply(Phase.RCPT, 450, "4.2.1 later"),
    "uncertain": Reply(Phase.DOT, 0, "connection lost after the final dot"),
    "relay": Reply(Phase.MAIL, 421, "4.7.0 throttled"),
}
NOT_GIVEN = {"refused", "deferred", "relay"}  # the reader certainly got nothing of that attempt
CERTAIN = {DeliveryState.EXPIRED, DeliveryState.SKIPPED, DeliveryState.CANCELLED}


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
    stage: Stage  # set by the test, one for all its examples

    @initialize(
        readers=st.integers(1, 6),
        span_size=st.integers(1, 3),
        holds_uncertain=st.sampled_from([False] * 4 + [True]),
    )
    def open(self, readers: int, span_size: int, holds_uncertain: bool) -> None:
        self.edition = self.stage.write(ledger_stage.open_edition, Plan(readers, span_size, holds_uncertain))
        self.accounts: list[Account] = []
        self.bodies: dict[int, list[Body]] = {}
        self.known_accepted: set[int] = set()
        self.gone: set[int] = set()
        self.renditions = 1
        self.takes = 0
        self.seen = self._look()
        self.fan_out()

    # Fan-out and time

    @rule()
    def fan_out(self) -> None:
        self._write(fanout.carry_on, self.edition.edition_id, audience.statement)

    @rule(passed=st.sampled_from(PASSED[:1] * 5 + PASSED[1:2] * 4 + PASSED[2:]))
    def wait(self, passed: timedelta) -> None:
        self._write(ledger_stage.pass_time, self.edition.edition_id, passed)

    # Workers

    @precondition(lambda self: self._idle())
    @rule(which=st.integers(0, 2))
    def take(self, which: int) -> None:
        self._take(_pick(self._idle(), which))

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

    @precondition(lambda self: self._working())
    @rule(which=st.integers(0, 5), size=st.integers(1, 3))
    def turn_page(self, which: int, size: int) -> None:
        self._turn_page(_pick(self._working(), which), size)

    def _turn_page(self, account: Account, size: int) -> None:
        if account.in_flight:
            return
        self._commit(account)
        page = paging.Page(size=size, progressed=account.progressed)
        last = self._write(paging.open_page, account.taken, page)
        opened = replace(page, last=last or 0)
        account.page = [] if last is None else self.stage.read(paging.rows, account.taken, opened)
        for row in account.page:
            subscriber = self.seen.rows[row.number].subscriber_id
            assert subscriber not in self.gone, "who has left, or may not be written to, is not in a page"
        assert not account.page or self.seen.now < self.seen.run.give_up_at + NEAR

    @precondition(lambda self: self._with_page())
    @rule(which=st.integers(0, 5), place=st.integers(0, 2))
    def begin(self, which: int, place: int) -> None:
        account = _pick(self._with_page(), which)
        self._begin(account, account.page.pop(place % len(account.page)))

    @precondition(lambda self: self._with_page())
    @rule(which=st.integers(0, 5), answer=st.sampled_from(list(ANSWERS)))
    def carry(self, which: int, answer: str) -> None:
        account = _pick(self._with_page(), which)
        row = account.page.pop(0)
        self._begin(account, row)
        if row.number in account.in_flight:
            self._answer(account, row.number, answer)

    def _begin(self, account: Account, row: Row) -> None:
        if not self._commit(account, intent=row.number):
            account.is_fenced = True
            return
        span = self.seen.spans[account.taken.span_id]
        assert span.epoch == account.taken.epoch, "no body begins after the span was given to somebody else"
        assert self.seen.run.stopped is None, "no body begins once pause or cancel has returned"
        assert self.seen.run.turn == account.taken.turn, "nor once it was corrected"
        assert row.number in span.in_flight, "nothing is sent that the database does not know of"
        body = Body(row.pins or account.taken.pins)
        self._check_repeat(row, body)
        self.bodies.setdefault(row.number, []).append(body)
        account.in_flight[row.number] = (row, body)

    def _check_repeat(self, row: Row, body: Body) -> None:
        earlier = [one for one in self.bodies.get(row.number, []) if one.may_have_arrived]
        if not earlier:
            assert self.seen.rows[row.number].state in OPEN, "what has ended is not sent"
            return
        assert len(earlier) == 1, "no third message"
        assert row.uncertain_count == 1, "a second one only after an uncertain first"
        assert earlier[0].pins == body.pins, "and then the same bytes"

    @precondition(lambda self: self._unanswered())
    @rule(which=st.integers(0, 5), place=st.integers(0, 2), answer=st.sampled_from(list(ANSWERS)))
    def answer(self, which: int, place: int, answer: str) -> None:
        account = _pick(self._unanswered(), which)
        self._answer(account, _pick(sorted(account.in_flight), place), answer)

    def _answer(self, account: Account, number: int, answer: str) -> None:
        row, body = account.in_flight.pop(number)
        body.answer = answer
        judged: Outcome = outcome.of(ANSWERS[answer])
        if outcome.leaves_the_row(judged):
            return
        recorded = settling.recorded(row, account.taken, judged, uncertain_wait=UNCERTAIN_WAIT, chance=0.5)
        account.outcomes.append(recorded)
        account.progressed = True

    @precondition(lambda self: self._with_page())
    @rule(which=st.integers(0, 5))
    def cannot_make(self, which: int) -> None:
        account = _pick(self._with_page(), which)
        account.outcomes.append(settling.cannot_be_made(account.page.pop(0), "a field is missing"))
        account.progressed = True

    @precondition(lambda self: self.accounts)
    @rule(which=st.integers(0, 5), twice=st.booleans())
    def record(self, which: int, twice: bool) -> None:
        """`twice`: the first commit's answer was lost, so it is done again."""
        account = _pick(self.accounts, which)
        outcomes = list(account.outcomes)
        self._commit(account)
        if twice:
            account.outcomes = outcomes
            self._commit(account)

    def _commit(self, account: Account, intent: int | None = None) -> bool:
        batch = SpanBatch(
            account.taken, account.outcomes, sorted(account.in_flight), [] if intent is None else [intent]
        )
        standing = self._write(recording.commit, [batch])
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
        if account.is_let_go and not account.in_flight:
            self.accounts.remove(account)
        return (account.taken.span_id, account.taken.epoch) in standing

    @precondition(lambda self: self._living())
    @rule(which=st.integers(0, 5))
    def let_go(self, which: int) -> None:
        self._let_go(_pick(self._living(), which))

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

    @precondition(lambda self: self._living())
    @rule(which=st.integers(0, 5))
    def renew(self, which: int) -> None:
        self._write(spans.renew, _pick(self._living(), which).taken)

    @precondition(lambda self: self.accounts)
    @rule(which=st.sampled_from((*WORKERS, "all")))
    def kill(self, which: str) -> None:
        """`all`: as SQLite's only process, which starts again."""
        self.accounts = [one for one in self.accounts if which not in (one.worker, "all")]
        if which == "all":
            self._write(spans.let_everything_go)

    # The desk

    @rule(order=st.sampled_from(["pause"] * 4 + ["correct"] * 2 + ["hurry", "cancel"]))
    def desk(self, order: str) -> None:
        """`pause` resumes what is paused; `hurry`: the next regular edition is near, and this one is given up then."""
        if order == "pause" and self.seen.run.stopped == Stopped.PAUSED.value:
            self._steer(steering.resume)
        elif order == "pause":
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

    @rule()
    def tick(self) -> None:
        self._write(closing.sweep_cancelled)
        self._write(closing.close_ended, pepper=PEPPER, now=START)

    @rule(which=st.integers(0, 5), is_leaving=st.booleans())
    def reader(self, which: int, is_leaving: bool) -> None:
        """Leaves, or complains and is suppressed."""
        subscriber = _pick(sorted(self.edition.subscriptions), which)
        if is_leaving:
            self._write(optout.end, self.edition.subscriptions[subscriber], method="test", now=START)
        else:
            cause, wire = register.Cause(Reason.COMPLAINT, "test"), self.edition.addresses[subscriber]
            self._write(register.suppress, wire, cause, pepper=PEPPER, now=START)
        self.gone.add(subscriber)

    # What must be true after each step

    @invariant()
    def the_books_balance(self) -> None:
        seen = self._seen_or_none()
        if seen is not None:
            self._every_reader_is_accounted_for(seen)
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
        found = Counter(row.state for row in seen.rows.values())
        figures = seen.progress
        parts = (figures.accepted, figures.refused, figures.expired, figures.skipped, figures.cancelled)
        assert sum(parts) + figures.held + figures.open == len(seen.rows)
        assert Counter({state: count for state, count in figures.counts.items() if count}) == found

    def _spans_tell_what_is_left(self, seen: Seen) -> None:
        for span in seen.spans.values():
            rows = seen.rows_of(span)
            if span.due_at is None:
                assert not any(row.state in OPEN for row in rows), "an ended span has nothing left"
                assert span.counts == _counted(rows), "and its counts are final"
        if seen.run.ended_at is not None:
            assert seen.run.is_fanned_out and not seen.progress.open, "a run closes when nothing is open"
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

    # At the end: whatever happened, the rest is brought home

    def teardown(self) -> None:
        if not hasattr(self, "edition"):
            return
        self.accounts = []
        self._write(ledger_stage.pass_time, self.edition.edition_id, PASSED[0])
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
        while self._write(fanout.carry_on, self.edition.edition_id, audience.statement) is not None:
            pass
        while (account := self._take("one")) is not None:
            self._work(account)
        self._write(closing.sweep_cancelled)
        self._write(closing.close_ended, pepper=PEPPER, now=START)
        dues = [span.due_at for span in self.seen.spans.values() if span.due_at is not None]
        if dues:
            until = min(dues) - self.seen.now + timedelta(milliseconds=1)
            self._write(ledger_stage.pass_time, self.edition.edition_id, max(until, PASSED[0]))

    def _work(self, account: Account) -> None:
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
        assert cancelled or set(self.edition.subscriptions) - self.gone <= listed, "who stayed is in it"
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

    def _idle(self) -> list[str]:
        busy = {one.worker for one in self._living()}
        return [worker for worker in WORKERS if worker not in busy]

    def _living(self) -> list[Account]:
        return [one for one in getattr(self, "accounts", []) if not one.is_let_go]

    def _working(self) -> list[Account]:
        return [one for one in self._living() if one.is_working and not one.in_flight]

    def _with_page(self) -> list[Account]:
        return [one for one in self._living() if one.page and not one.is_fenced]

    def _unanswered(self) -> list[Account]:
        return [one for one in getattr(self, "accounts", []) if one.in_flight]


def _pick(things: list[T], which: int) -> T:
    return things[which % len(things)]


def _counted(rows: list[Delivery]) -> dict[str, int]:
    return dict(Counter(row.state.value for row in rows))


def _is_takeable(seen: Seen, span_id: int, margin: timedelta) -> bool:
    """With a margin, for the database's clock goes on while we look."""
    span = seen.spans[span_id]
    is_due = span.due_at is not None and span.due_at <= seen.now - margin
    is_free = span.renewed_at is None or span.renewed_at < seen.now - spans.STALE - margin
    return is_due and is_free and seen.run.stopped is None and seen.run.ended_at is None
