"""Whatever workers, the desk, readers and time do, in any order: every reader is accounted for, and none gets it twice unseen."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from service.delivery import recording, recording_at_once, recording_on_sqlite
from service.ledger.models import DeliveryState
from tests.service.ledger.machine import Happening, Ledger, Work
from tests.support.ledger_stage import Stage
from tests.support.sabotage import statements_without_fence

EXAMPLES = int(os.environ.get("MEMO_TEST_INTERLEAVINGS", "20"))
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
    run_state_machine_as_test(machine, settings=bounds(EXAMPLES, is_random=EXAMPLES > 20))


def test_a_broken_fence_and_a_broken_guard_are_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same story with the fence and the guard whole, then without: one was robbed of its span and wakes up late."""
    _told(stage)
    with monkeypatch.context() as broken, pytest.raises(AssertionError, match="given to somebody else"):
        for module, name, statement in statements_without_fence():
            broken.setattr(module, name, statement)
        _told(stage)
    with monkeypatch.context() as broken, pytest.raises(AssertionError, match="was held and is refused"):
        broken.setattr(recording, "OPEN", tuple(DeliveryState))
        broken.setattr(recording, "_ROWS", recording._rows())
        whole = recording_at_once._commit(recording_at_once._STANDS, "span.epoch = asked.epoch")
        broken.setattr(recording_at_once, "_ON_POSTGRESQL", whole)
        on_sqlite = recording_on_sqlite._commit(recording_on_sqlite._STANDS, "span.epoch = {}")
        broken.setattr(recording_on_sqlite, "_COMMIT", on_sqlite)
        _told(stage)


def _told(stage: Stage) -> None:
    machine: Ledger = type("Ledger", (Ledger,), {"stage": stage})()
    machine.open(readers=2, span_size=2, holds=True)
    machine.step(move=Work("one", "begin", "accepted"))
    machine.step(move=Work("one", "begin", "accepted"))
    machine.step(move=Happening("wait 11 s", 0, "accepted"))
    machine.step(move=Work("two", "begin", "accepted"))
    machine.step(move=Work("one", "begin", "accepted"))
    machine.step(move=Happening("late", 0, "refused"))
    machine.teardown()
