from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.delivery.relays import RelayState
from service.desk import sending_view
from service.ledger.models import DeliveryState
from service.ledger.progress import Progress
from tests.unit.desk.test_watching import VIEW

NOW = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
FIGURES = Progress(
    counts={
        DeliveryState.ACCEPTED: 600,
        DeliveryState.REFUSED: 7,
        DeliveryState.SKIPPED: 2,
        DeliveryState.HELD: 1,
        DeliveryState.QUEUED: 380,
        DeliveryState.DEFERRED: 9,
        DeliveryState.UNCERTAIN: 1,
    },
    is_fanned_out=True,
    rate_per_second=39.0,
)


def test_the_parts_add_up_to_the_audience_and_fill_the_bar() -> None:
    parts = sending_view.parts_of(FIGURES)
    assert sum(part.count for part in parts) == FIGURES.audience == 1000
    assert round(sum(part.share for part in parts), 1) == 100.0
    assert [part.start for part in parts] == sorted(part.start for part in parts)


def test_nobody_in_the_audience_is_no_division() -> None:
    assert {part.share for part in sending_view.parts_of(Progress())} == {0.0}


def test_the_finish_follows_from_the_pace() -> None:
    assert FIGURES.finish_at(NOW) == NOW + timedelta(seconds=10)


def test_no_finish_is_promised_without_a_pace() -> None:
    assert Progress(counts={DeliveryState.QUEUED: 5}, is_fanned_out=True).finish_at(NOW) is None


def test_nb_35_a_dead_relay_is_named_with_its_time_in_the_newsletters_zone_and_what_waits() -> None:
    next_try_at = NOW + timedelta(seconds=40)
    relay = RelayState(
        "main", True, next_try_at, "connection refused", NOW - timedelta(minutes=19), failures=23
    )
    line = sending_view.relay_line(relay, 1200, "Europe/Berlin")
    assert line is not None
    assert "since 05:41 CET (23 tries): connection refused." in line
    assert "1,200 messages wait" in line
    assert "06:00:40 CET" in line


@pytest.mark.parametrize(
    ("waiting", "says"), [(5, "being tried now"), (0, "tried again when there is something to send")]
)
def test_no_try_is_announced_whose_time_has_passed(waiting: int, says: str) -> None:
    line = sending_view.relay_line(
        RelayState("main", False, NOW - timedelta(seconds=1), "connection refused", NOW), waiting, "UTC"
    )
    assert line is not None
    assert says in line
    assert "Next try" not in line


def test_a_relay_that_answers_is_not_mentioned() -> None:
    assert sending_view.relay_line(RelayState("main", False, None, None, None), 5, "UTC") is None
    assert sending_view.relay_line(None, 5, "UTC") is None


def test_behind_is_said_while_the_finish_is_later_than_the_deadline_and_no_longer_than_that() -> None:
    deadline = NOW + timedelta(minutes=5)
    ahead = replace(VIEW, deadline_at=deadline, finish_at=deadline - timedelta(seconds=1))
    behind = replace(ahead, finish_at=deadline + timedelta(seconds=1))
    assert (ahead.is_behind, behind.is_behind) == (False, True)
    assert not replace(behind, finish_at=None).is_behind
    assert not replace(behind, deadline_at=None).is_behind
    decided = sending_view.Verdict(is_met=True, readers=10, in_time=10)
    assert not replace(behind, verdict=decided).is_behind


def test_a_fallback_that_stands_in_is_named_with_the_one_it_stands_in_for() -> None:
    since = datetime(2026, 3, 2, 5, 2, tzinfo=UTC)
    main = RelayState("ses", True, None, "535 not accepted.", since)
    line = sending_view.relay_line(
        RelayState("spare", False, None, None, None, stands_in_for=main), 5, "Europe/Berlin"
    )
    assert line == (
        "The main relay ses is out of reach since 06:02 CET: 535 not accepted. "
        "Messages go through spare until it answers again."
    )
    both = sending_view.relay_line(
        RelayState("spare", True, None, "421 closed", since, stands_in_for=main), 5, "UTC"
    )
    assert both is not None
    assert both.startswith("The main relay ses is out of reach")
    assert "421 closed" in both
