from datetime import UTC, datetime, timedelta

from service.delivery.relays import RelayState
from service.desk import sending_view
from service.ledger.models import DeliveryState
from service.ledger.progress import Progress

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
    assert sending_view.finish(FIGURES, NOW) == NOW + timedelta(seconds=10)


def test_no_finish_is_promised_without_a_pace() -> None:
    assert sending_view.finish(Progress(counts={DeliveryState.QUEUED: 5}, is_fanned_out=True), NOW) is None


def test_nb_35_a_dead_relay_is_named_with_its_time_in_the_newsletters_zone_and_what_waits() -> None:
    relay = RelayState(
        "main", True, NOW + timedelta(seconds=40), "connection refused", NOW - timedelta(minutes=19)
    )
    line = sending_view.relay_line(relay, 1200, "Europe/Berlin")
    assert line is not None
    assert "since 05:41 CET: connection refused." in line
    assert "1,200 messages wait" in line
    assert "06:00:40 CET" in line


def test_a_relay_that_answers_is_not_mentioned() -> None:
    assert sending_view.relay_line(RelayState("main", False, None, None, None), 5, "UTC") is None
    assert sending_view.relay_line(None, 5, "UTC") is None


def test_a_fallback_that_stands_in_is_named_with_the_one_it_stands_in_for() -> None:
    since = datetime(2026, 3, 2, 5, 2, tzinfo=UTC)
    main = RelayState("ses", True, None, "535 not accepted.", since)
    line = sending_view.relay_line(RelayState("spare", False, None, None, None, main), 5, "Europe/Berlin")
    assert line == (
        "The main relay ses is out of reach since 06:02 CET: 535 not accepted. "
        "Messages go through spare until it answers again."
    )
    both = sending_view.relay_line(RelayState("spare", True, None, "421 closed", since, main), 5, "UTC")
    assert both is not None
    assert both.startswith("The main relay ses is out of reach")
    assert "421 closed" in both
