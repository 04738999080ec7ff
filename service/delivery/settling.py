"""From a relay's reply to what is recorded of a row: pure."""

from datetime import timedelta

from service.delivery import retry
from service.delivery.outcome import Outcome, Scope, Verdict
from service.delivery.paging import Row
from service.delivery.recording import Recorded
from service.delivery.spans import Take
from service.ledger.models import DeliveryState

UNCERTAIN_MOST = 2


def is_relays_matter(judged: Outcome) -> bool:
    """The relay, not the reader, has to wait: the row stays as it was."""
    return judged.verdict is Verdict.DEFERRED and judged.scope is Scope.RELAY


def recorded(row: Row, taken: Take, judged: Outcome, *, uncertain_wait: timedelta, chance: float) -> Recorded:
    """What the row becomes. An attempt that ends open keeps its pins: the next one sends the same bytes."""
    attempts = row.attempts + 1
    reply = str(judged.reply)
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
    wait = retry.next_wait(attempts - row.attempts_before, chance=chance)
    if wait is None:
        return Recorded(row.number, DeliveryState.EXPIRED, attempts, row.uncertain_count, reply, pins=pins)
    return Recorded(row.number, DeliveryState.DEFERRED, attempts, row.uncertain_count, reply, wait, pins)


def cannot_be_made(row: Row, problem: str) -> Recorded:
    return Recorded(
        row.number, DeliveryState.HELD, row.attempts, row.uncertain_count, f"Cannot be made: {problem}"
    )
