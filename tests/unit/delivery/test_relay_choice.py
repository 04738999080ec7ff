"""When the fallback stands in: which replies say that a relay is out of reach, and how long is long enough."""

from datetime import UTC, datetime, timedelta

import pytest

from service.delivery import outcome, relay_choice
from service.delivery.models import Relay
from service.delivery.outcome import Phase, Reply

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
PATIENCE = timedelta(minutes=2)


@pytest.mark.parametrize(
    ("phase", "code", "text", "is_out"),
    [
        (Phase.CONNECT, 0, "Connection refused", True),
        (Phase.MAIL, 421, "4.3.2 Service shutting down", True),
        (Phase.MAIL, 451, "4.3.1 Insufficient system storage", True),
        (Phase.RCPT, 0, "The connection closed", True),
        (Phase.MAIL, 530, "5.7.0 Authentication required", True),
        (Phase.MAIL, 535, "5.7.8 Authentication credentials invalid", True),
        (Phase.DOT, 0, "The connection closed", False),  # uncertain: nobody may conclude anything from it
        (Phase.DOT, 250, "2.0.0 Ok", False),
        (Phase.MAIL, 454, "4.7.0 Throttling failure: Maximum sending rate exceeded.", False),
        (Phase.DOT, 454, "Throttling failure: Daily message quota exceeded.", False),
        (Phase.DOT, 554, "Message rejected: Email address is not verified.", False),
        (Phase.RCPT, 421, "4.7.28 Unusual rate of mail from your domain", False),
        (Phase.RCPT, 550, "5.7.1 Blocked: poor reputation", False),
        (Phase.RCPT, 550, "5.1.1 No such user", False),
        (Phase.MAIL, 421, "Too many messages in this connection", False),
    ],
)
def test_only_the_relay_as_a_whole_counts(phase: Phase, code: int, text: str, is_out: bool) -> None:
    assert outcome.is_out_of_reach(outcome.of(Reply(phase, code, text))) is is_out


@pytest.mark.parametrize(
    ("down_for", "failures", "back_for", "is_given_up"),
    [
        (None, 9, None, False),
        (119, 5, None, False),
        (120, 5, None, True),
        (3600, 1, None, False),  # one failure and nobody has tried again since
        (9, 3, 60, False),
        (10, 3, 60, True),  # it had come back a minute before
        (10, 3, 16 * 60, False),  # that is long ago: it has its whole time again
        (120, 3, 16 * 60, True),
    ],
)
def test_it_is_given_its_time(
    down_for: int | None, failures: int, back_for: int | None, is_given_up: bool
) -> None:
    """In seconds; `back_for` is how long it had been back when it failed again."""
    down = NOW - timedelta(seconds=down_for) if down_for is not None else None
    back = down - timedelta(seconds=back_for) if down is not None and back_for is not None else None
    relay = Relay(name="main", failures=failures, down_since=down, returned_at=back)
    assert relay_choice.is_given_up(relay, NOW, PATIENCE) is is_given_up


def test_no_patience_at_all_is_no_patience_after_a_return_either() -> None:
    relay = Relay(name="main", failures=2, down_since=NOW, returned_at=NOW - timedelta(minutes=1))
    assert relay_choice.is_given_up(relay, NOW, timedelta(0))
