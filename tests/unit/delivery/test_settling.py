"""What a row becomes after one more answer, when it may have arrived before."""

from datetime import timedelta

from service.delivery import outcome, retry, settling
from service.delivery.fence import Take
from service.delivery.outcome import Phase, Reply
from service.delivery.paging import Row
from service.ledger.models import DeliveryState, Lane

TAKEN = Take(1, 1, 1, 2, Lane.SCHEDULED, 7, 0, {}, False)
LATER = outcome.of(Reply(Phase.RCPT, 450, "4.2.1 later"))


def _last_try(uncertain_count: int) -> DeliveryState:
    attempts = len(retry.WAITS)
    row = Row(1, "ann@example.org", {}, DeliveryState.DEFERRED, attempts, uncertain_count, {})
    return settling.recorded(row, TAKEN, LATER, uncertain_wait=timedelta(minutes=2), chance=0.5).state


def test_after_the_last_wait_it_expires_unless_it_may_have_arrived() -> None:
    assert _last_try(0) is DeliveryState.EXPIRED
    assert _last_try(1) is DeliveryState.HELD, "expired would say that the reader certainly does not have it"
