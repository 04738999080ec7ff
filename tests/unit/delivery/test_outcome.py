"""What a reply means, and whose matter it is: wordings as relays and providers publish them."""

import time
from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.delivery import decisions, outcome, retry
from service.delivery.outcome import Phase, Reply, Scope, Verdict
from service.delivery.verdicts import BEFORE_A_READER_IS_NAMED
from tests.support.decision_cells import cells, lines, reply_in

FLAGS = {"strike": "strikes", "dead": "is_permanent", "twice": "needs_second"}
LINES = lines()


@pytest.mark.parametrize("line", LINES, ids=[line.split("|", 2)[2].strip()[:60] for line in LINES])
def test_what_a_reply_means(line: str) -> None:
    verdict, scope, *flags = line.split("|", 2)[1].split()
    judged = outcome.of(reply_in(line))
    found = [flag for flag, name in FLAGS.items() if getattr(judged, name)]
    assert (judged.verdict, judged.scope, found) == (verdict, scope, flags), judged.rule


def test_the_list_is_long_and_every_row_of_the_table_has_a_reply_in_it() -> None:
    assert len(LINES) >= 250
    assert len({line.split("|", 2)[2].strip() for line in LINES}) >= 240
    used = Counter(outcome.of(reply_in(line)).rule for line in LINES)
    assert [rule.source for rule in decisions.RULES if rule.source not in used] == []


def test_every_cell_of_row_and_phase_is_possible_or_says_why_not() -> None:
    found = cells()
    assert len(found) == len(decisions.RULES) * len(Phase)
    for cell in found:
        assert (cell.judged.rule == cell.rule.source) or cell.impossible, (
            cell.rule.source,
            cell.phase,
            cell.judged.rule,
        )


def test_every_row_has_its_own_source_and_no_row_strikes_but_for_the_reader() -> None:
    sources = [rule.source for rule in decisions.RULES]
    assert len(set(sources)) == len(sources)
    for rule in decisions.RULES:
        assert rule.scope is Scope.RECIPIENT or not (rule.strikes or rule.is_permanent or rule.needs_second)
        assert not rule.is_permanent or rule.strikes


def test_relay_account_rows_come_first() -> None:
    scopes = [rule.scope for rule in decisions.RULES]
    last_account = len(scopes) - scopes[::-1].index(Scope.ACCOUNT)
    assert set(scopes[:last_account]) == {Scope.ACCOUNT}


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.DOT])
def test_no_reply_before_the_dot_touches_no_reader(phase: Phase) -> None:
    judged = outcome.of(Reply(phase, 0, "lost"))
    assert (judged.verdict, judged.scope) == (Verdict.DEFERRED, Scope.HOST)
    assert outcome.leaves_the_row(judged)


def test_nb_14_no_reply_after_the_dot_is_uncertain() -> None:
    judged = outcome.of(Reply(Phase.DOT, 0, "lost"))
    assert judged.verdict is Verdict.UNCERTAIN
    assert not outcome.strikes_the_reader(judged)


@pytest.mark.parametrize("phase", sorted(BEFORE_A_READER_IS_NAMED))
def test_before_a_reader_is_named_no_reply_is_about_one(phase: Phase) -> None:
    for line in LINES:
        said = reply_in(line)
        judged = outcome.of(Reply(phase, said.code, said.text))
        assert judged.scope is not Scope.RECIPIENT, said


codes = st.one_of(st.integers(-1, 1000), st.integers(400, 599))
fragments = st.sampled_from([reply_in(line).text for line in LINES])
texts = st.one_of(st.text(max_size=120), fragments, st.tuples(fragments, st.text(max_size=20)).map(" ".join))


@given(st.sampled_from(Phase), codes, texts)
@settings(max_examples=400, deadline=None)
def test_any_reply_is_judged_and_only_the_readers_own_ever_strikes(
    phase: Phase, code: int, text: str
) -> None:
    judged = outcome.of(Reply(phase, code, text))
    assert (judged.verdict is Verdict.ACCEPTED) == (phase is Phase.DOT and 200 <= code < 300)
    struck = outcome.strikes_the_reader(judged) or outcome.suppresses_the_reader(judged)
    assert not struck or (judged.scope is Scope.RECIPIENT and phase not in BEFORE_A_READER_IS_NAMED)
    assert not outcome.suppresses_the_reader(judged) or (
        500 <= code < 600 and judged.verdict is Verdict.REFUSED
    )
    assert judged.verdict is not Verdict.UNCERTAIN or phase is Phase.DOT
    ways = (
        outcome.leaves_the_row(judged),
        outcome.stops_the_edition(judged),
        outcome.strikes_the_reader(judged),
    )
    assert sum(ways) <= 1, "a row is left, or its edition stopped, or its reader struck"


@given(texts)
@settings(max_examples=100, deadline=None)
def test_whatever_was_recorded_can_be_judged_again(text: str) -> None:
    outcome.of_recorded(text)


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("rcpt")], ids=str)
def test_a_recorded_reply_is_judged_as_the_reply_was(line: str) -> None:
    said = reply_in(line)
    first, again = outcome.of(said), outcome.of_recorded(str(said))
    assert (first.verdict, first.scope, first.rule) == (again.verdict, again.scope, again.rule)


@pytest.mark.parametrize(
    "part", ["mailbox ", "a", "exceeded ", "message ", "user 1 ", "4.", "account is ", "quota "]
)
def test_no_wording_makes_the_table_slow(part: str) -> None:
    """A pattern with two open ends takes quadratic time on hostile text; the time is the processor's, so a busy machine cannot fail it."""
    began = time.process_time()
    outcome.of(Reply(Phase.RCPT, 550, part * 10_000))
    assert time.process_time() - began < 0.5


def test_waits_grow_and_end_and_are_spread_by_a_fifth() -> None:
    waits = [retry.next_wait(attempts, chance=0.5) for attempts in range(1, 7)]
    assert waits == list(retry.WAITS)
    assert retry.next_wait(7, chance=0.5) is None
    assert retry.next_wait(1, chance=0.0) == timedelta(minutes=4)
    assert retry.next_wait(1, chance=1.0) == timedelta(minutes=6)


def test_a_relay_is_left_alone_longer_each_time_but_never_long() -> None:
    waits = [retry.relay_wait(failures).total_seconds() for failures in (1, 2, 3, 7, 1000)]
    assert waits == [1, 2, 4, 60, 60]
