"""What a reply means, and whose matter it is: wordings as relays and providers publish them."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.delivery import outcome, retry
from service.delivery.outcome import Phase, Reply, Scope, Verdict

A, D, R, U = Verdict.ACCEPTED, Verdict.DEFERRED, Verdict.REFUSED, Verdict.UNCERTAIN
READER, RELAY, MESSAGE = Scope.RECIPIENT, Scope.RELAY, Scope.MESSAGE


@pytest.mark.parametrize(
    ("code", "text", "verdict", "scope", "is_permanent"),
    [
        (250, "2.0.0 OK queued as 4ABC", A, READER, False),
        (250, "", A, READER, False),
        (421, "4.7.0 slow down", D, RELAY, False),
        (421, "4.3.2 Service shutting down", D, RELAY, False),
        (454, "Throttling failure: Maximum sending rate exceeded.", D, RELAY, False),
        (454, "Throttling failure: Daily message quota exceeded.", D, RELAY, False),
        (554, "Message rejected: Email address is not verified.", D, RELAY, False),
        (550, "5.4.5 Daily user sending limit exceeded", D, RELAY, False),
        (550, "5.1.90 Your message can't be sent because you've reached your daily limit", D, RELAY, False),
        (535, "5.7.8 Authentication credentials invalid", D, RELAY, False),
        (530, "5.7.0 Authentication Required", D, RELAY, False),
        (450, "4.7.1 try later", D, READER, False),
        (451, "4.3.0 Temporary lookup failure", D, READER, False),
        (450, "4.2.0 Greylisted, see you in five minutes", D, READER, False),
        (452, "4.2.2 Mailbox full", D, READER, False),
        (552, "5.2.2 The mailbox is full and inactive", D, READER, False),
        (552, "too many recipients", D, READER, False),
        (550, "5.2.1 The user is receiving mail too quickly", D, READER, False),
        (550, "5.1.1 <reader@example.org>: no such user", R, READER, True),
        (550, "5.1.10 RESOLVER.ADR.RecipientNotFound", R, READER, True),
        (550, "5.2.1 The email account that you tried to reach is inactive", R, READER, True),
        (554, "delivery error: dd This user doesn't have a example.com account", R, READER, True),
        (550, "User unknown", R, READER, True),
        (556, "5.1.10 Null MX", R, READER, True),
        (550, "5.7.13 account disabled", R, READER, True),
        (550, "5.7.1 Our system has detected that this message is likely spam", R, RELAY, False),
        (550, "5.7.26 This mail is unauthenticated: DMARC", R, RELAY, False),
        (550, "5.7.515 Access denied, sending domain does not meet the required level", R, RELAY, False),
        (550, "no", R, READER, False),
        (552, "5.3.4 Message size exceeds fixed limit", R, MESSAGE, False),
        (554, "5.6.0 Message content rejected", R, MESSAGE, False),
        (501, "5.5.4 Syntax error in parameters", R, MESSAGE, False),
        (503, "Bad sequence of commands", R, MESSAGE, False),
        (999, "what is this", D, RELAY, False),
    ],
)
def test_what_a_reply_means(code: int, text: str, verdict: Verdict, scope: Scope, is_permanent: bool) -> None:
    judged = outcome.of(Reply(Phase.RCPT, code, text))
    assert (judged.verdict, judged.scope, judged.is_permanent) == (verdict, scope, is_permanent)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.DOT])
def test_no_reply_before_the_dot_touches_no_reader(phase: Phase) -> None:
    judged = outcome.of(Reply(phase, 0, "lost"))
    assert (judged.verdict, judged.scope) == (D, RELAY)


def test_nb_14_no_reply_after_the_dot_is_uncertain() -> None:
    assert outcome.of(Reply(Phase.DOT, 0, "lost")).verdict is U


@given(st.integers(0, 999), st.text(max_size=80))
@settings(max_examples=60)
def test_every_reply_has_a_verdict_and_only_a_readers_own_row_is_ever_permanent(code: int, text: str) -> None:
    judged = outcome.of(Reply(Phase.RCPT, code, text))
    assert not judged.is_permanent or (judged.scope is READER and judged.verdict is R)
    assert (judged.verdict is A) == (200 <= code < 300)


def test_a_recorded_reply_is_judged_as_the_reply_was() -> None:
    reply = Reply(Phase.RCPT, 550, "5.1.1 no such user")
    assert outcome.of_recorded(str(reply)).is_permanent


def test_waits_grow_and_end_and_are_spread_by_a_fifth() -> None:
    waits = [retry.next_wait(attempts, chance=0.5) for attempts in range(1, 7)]
    assert waits == list(retry.WAITS)
    assert retry.next_wait(7, chance=0.5) is None
    assert retry.next_wait(1, chance=0.0) == timedelta(minutes=4)
    assert retry.next_wait(1, chance=1.0) == timedelta(minutes=6)


def test_a_relay_is_left_alone_longer_each_time_but_never_long() -> None:
    waits = [retry.relay_wait(failures).total_seconds() for failures in (1, 2, 3, 7, 1000)]
    assert waits == [1, 2, 4, 60, 60]
