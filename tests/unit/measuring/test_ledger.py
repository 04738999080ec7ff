from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bench import ledger
from bench.ledger import Account, DoesNotAddUp

BEGAN = datetime(2026, 3, 2, 6, tzinfo=UTC)
GOOD = Account(
    counts={"accepted": 100},
    first_at=BEGAN,
    last_at=BEGAN + timedelta(seconds=1),
    most_at_once=3,
    notices_accepted=1,
)


def test_a_run_adds_up_when_relay_and_ledger_agree() -> None:
    ledger.check(GOOD, readers=100, connections=4, taken=101)


@pytest.mark.parametrize(
    ("found", "taken", "said"),
    [
        (replace(GOOD, counts={"accepted": 99, "held": 1}), 101, "held"),
        (GOOD, 102, "took 102"),
        (GOOD, 100, "took 100"),
        (replace(GOOD, most_at_once=100), 101, "as they came"),
    ],
)
def test_a_reader_missing_a_message_twice_or_outcomes_written_later_do_not(
    found: Account, taken: int, said: str
) -> None:
    with pytest.raises(DoesNotAddUp, match=said):
        ledger.check(found, readers=100, connections=4, taken=taken)
