"""From a relay's reply to what is recorded of a row: pure."""

from datetime import timedelta

from service.delivery import outcome, retry
from service.delivery.fence import Take
from service.delivery.outcome import Outcome, Scope, Verdict
from service.delivery.paging import Row
from service.delivery.recording import Recorded
from service.ledger.models import DeliveryState

UNCERTAIN_MOST = 2


def recorded(row: Row, taken: Take, judged: Outcome, *, uncertain_wait: timedelta, chance: float) -> Recorded:
    """What the row becomes. An attempt that ends open keeps its pins: the next one sends the same bytes.

    Not after a 5xx: nothing was taken, and the same bytes would hear the same; unless a copy may have arrived before.
    """
    attempts = row.attempts + 1
    reply = (outcome.AGAIN if is_second_refusal(row, judged) else "") + outcome.as_recorded(judged)
    pins = row.pins or taken.pins
    if judged.verdict is Verdict.ACCEPTED:
        return Recorded(row.number, DeliveryState.ACCEPTED, attempts, row.uncertain_count, reply, pins=pins)
    if judged.verdict is Verdict.REFUSED:
        return Recorded(row.number, DeliveryState.REFUSED, attempts, row.uncertain_count, reply, pins=pins)
    if judged.verdict is Verdict.UNCERTAIN:
        count = row.uncertain_count + 1
        if count >= UNCERTAIN_MOST or taken.holds_uncertain:
            return Recorded(row.number, DeliveryState.HELD, attempts, count, reply, pins=pins)
        return Recorded(row.number, DeliveryState.UNCERTAIN, attempts, count, reply, uncertain_wait, pins)
    wait = wait_after(attempts - row.attempts_before, judged, chance=chance)
    kept = None if outcome.is_negative_for_good(judged) and not row.uncertain_count else pins
    if wait is None:
        given_up = DeliveryState.HELD if row.uncertain_count else DeliveryState.EXPIRED  # it may have arrived
        return Recorded(row.number, given_up, attempts, row.uncertain_count, reply, pins=kept)
    return Recorded(row.number, DeliveryState.DEFERRED, attempts, row.uncertain_count, reply, wait, kept)


def is_second_refusal(row: Row, judged: Outcome) -> bool:
    """Refused in a wave, tried again after a person had looked, and refused again: that is this reader's own."""
    was_reopened = row.state is DeliveryState.QUEUED and row.attempts > 0
    return was_reopened and judged.verdict is Verdict.REFUSED and judged.scope is Scope.RECIPIENT


def wait_after(attempts: int, judged: Outcome, *, chance: float) -> timedelta | None:
    """How long a deferred message waits: by the schedule, and at least as long as its provider asks for."""
    wait = retry.next_wait(attempts, chance=chance)
    return wait if wait is None or judged.rest is None else max(wait, judged.rest)


def cannot_be_made(row: Row, problem: str) -> Recorded:
    return Recorded(
        row.number, DeliveryState.HELD, row.attempts, row.uncertain_count, f"Cannot be made: {problem}"
    )


def put_off(row: Row, wait: timedelta, why: str) -> Recorded:
    """It waits for its provider, untried."""
    return Recorded(
        row.number, DeliveryState.DEFERRED, row.attempts, row.uncertain_count, why, wait, row.pins
    )
