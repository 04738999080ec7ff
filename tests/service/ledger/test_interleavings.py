"""Whatever workers, the desk, readers and time do, in any order: every reader is accounted for, and none gets it twice unseen."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.service.ledger.machine import Ledger
from tests.support.ledger_stage import Stage

EXAMPLES = int(os.environ.get("MEMO_TEST_INTERLEAVINGS", "30"))
STEPS = 40
SHRINK = os.environ.get("MEMO_TEST_SHRINK")  # takes minutes, and says in few steps what went wrong


@pytest.fixture
def stage(database_url: str) -> Iterator[Stage]:
    stage = Stage(database_url)
    yield stage
    stage.close()


def bounds(examples: int, *, is_random: bool) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        derandomize=not is_random,
        print_blob=True,
        report_multiple_bugs=False,
        phases=[Phase.generate] if SHRINK is None else [Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


def test_the_books_always_balance(stage: Stage) -> None:
    machine = type("Ledger", (Ledger,), {"stage": stage})
    run_state_machine_as_test(machine, settings=bounds(EXAMPLES, is_random=EXAMPLES > 30))
