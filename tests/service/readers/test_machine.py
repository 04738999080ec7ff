"""Whatever is asked, confirmed, left, suppressed and waited, in any order: only the owner's own press makes a reader."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, select

from service import tokens
from service.ledger.models import Notice
from service.newsletters import publication
from service.subscribers import links, optin, optout, signup
from service.subscribers.links import ConfirmClaim
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscriber, Subscription
from service.subscribers.optin import ConfirmationOutdated
from service.suppressions import register as suppressions
from service.suppressions.models import Reason
from service.suppressions.register import Cause
from service.tables import metadata
from tests.service.readers.steps import ANNA, DETAILS

PEPPER = "pepper"
KEYS = tokens.keys_from("key")


class Reader(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.engine = sa.create_engine("sqlite://", poolclass=StaticPool)
        metadata.create_all(self.engine)
        self.session = Session(self.engine, expire_on_commit=False)
        self.now = datetime(2026, 3, 2, 6, tzinfo=UTC)
        self.memo = publication.create(self.session, DETAILS, now=self.now, actor="test")
        self.expected: State | None = None
        self.claims: list[ConfirmClaim] = []
        self.valid: set[int] = set()
        self.clients = 0

    def teardown(self) -> None:
        if hasattr(self, "session"):
            self.session.close()
            self.engine.dispose()

    @rule(spelling=st.sampled_from([ANNA, "ANNA@Example.org", f" {ANNA}", f"<{ANNA}>"]))
    def ask(self, spelling: str) -> None:
        self.clients += 1
        request = signup.SignUp(signup.read_address(spelling), "Mallory", "", "I agree.", f"{self.clients}")
        before = len(self._notices())
        notice_id = optin.ask(self.session, self.memo, request, pepper=PEPPER, now=self.now)
        assert len(self._notices()) - before == (notice_id is not None)
        if notice_id is None:
            return
        assert self.expected is not State.ACTIVE, "a reader is not written to"
        held = self._held()
        claim = links.read_confirm(KEYS, links.confirm_token(KEYS, held.uid, held.revision, self.now))
        assert claim is not None
        if self.expected is not State.PENDING:
            self.valid.clear()
        self.expected = State.PENDING
        self.claims.append(claim)
        self.valid.add(len(self.claims) - 1)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def press(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.claims) - 1))
        claim = self.claims[number]
        is_good = (
            self.expected is State.PENDING
            and number in self.valid
            and self.now - claim.issued_at <= optin.CONFIRM_WITHIN
        )
        is_repeat = self.expected is State.ACTIVE and number in self.valid
        try:
            optin.confirm(self.session, claim, now=self.now, client="")
        except ConfirmationOutdated:
            assert not is_good and not is_repeat
            return
        assert is_good or is_repeat
        self.expected = State.ACTIVE

    @precondition(lambda self: self.expected is not None)
    @rule()
    def leave(self) -> None:
        optout.end(self.session, self._held().uid, method="one-click", now=self.now)
        self.expected = State.ENDED
        self.valid.clear()

    @rule(reason=st.sampled_from(list(Reason)))
    def suppress(self, reason: Reason) -> None:
        suppressions.suppress(self.session, ANNA, Cause(reason, "test"), pepper=PEPPER, now=self.now)

    @rule(minutes=st.sampled_from([1, 15, 60 * 24, 60 * 73, 60 * 24 * 31]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @invariant()
    def the_state_is_what_the_owner_made_it(self) -> None:
        if not hasattr(self, "session"):
            return
        rows = self.session.exec(select(Subscription)).all()
        assert [row.state for row in rows] == ([] if self.expected is None else [self.expected])
        assert len(self.session.exec(select(Subscriber)).all()) <= 1

    @invariant()
    def every_reader_has_a_proof(self) -> None:
        if not hasattr(self, "session") or self.expected is not State.ACTIVE:
            return
        kinds = [event.kind for event in self.session.exec(select(ConsentEvent)).all()]
        assert kinds[-1] is ConsentKind.CONFIRMED and ConsentKind.REQUESTED in kinds

    @invariant()
    def no_mailbox_is_flooded(self) -> None:
        if not hasattr(self, "session"):
            return
        sent = [notice.created_at for notice in self._notices()]
        for moment in sent:
            lately = [one for one in sent if timedelta(0) <= one - moment < timedelta(days=1)]
            assert len(lately) <= 7, "two windows of four meet, never more"

    def _held(self) -> Subscription:
        return self.session.exec(select(Subscription)).one()

    def _notices(self) -> list[Notice]:
        return list(self.session.exec(select(Notice)).all())


def test_only_the_owner_makes_a_reader() -> None:
    bounds = settings(max_examples=15, stateful_step_count=30, deadline=None)
    run_state_machine_as_test(Reader, settings=bounds)
