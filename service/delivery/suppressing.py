"""At the end of a run: addresses that the relay called dead are suppressed, unless so many were that the fault is more likely ours.

Provisional, as long as hard failures are more than 5 % of 200 (design: the relay is the peer): an address that is not believed
now is mailed again with the next edition, and judged again. A bad domain is believed when it is said again a day later.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.delivery import outcome
from service.delivery.outcome import Outcome
from service.ledger.models import Delivery, DeliveryState, Run
from service.subscribers.models import Subscriber
from service.suppressions import register
from service.suppressions.models import Reason

LAST = 200
HARD_MOST = 10  # 5 % of them
SECOND_AFTER = timedelta(hours=24)
EARLIER_EDITIONS = 30
CHUNK = 500


@dataclass(frozen=True)
class _Hard:
    number: int
    subscriber_id: int
    address: str
    reply: str
    judged: Outcome


def suppress_dead(session: Session, run: Run, *, accepted: int, pepper: str, now: datetime) -> int:
    """Enter those that are believed; returns how many."""
    hard = _hard_failures(session, run.edition_id)
    doubted = [one.subscriber_id for one in hard if one.judged.needs_second]
    seconds = _refused_before(session, run, doubted)
    numbers = [one.number for one in hard]
    entered = 0
    for one in hard:
        is_dead = one.judged.is_permanent or one.subscriber_id in seconds
        if is_dead and believed(one.number, numbers, accepted):
            cause = register.Cause(Reason.BOUNCE, "smtp", one.reply)
            register.suppress(session, one.address, cause, pepper=pepper, now=now)
            entered += 1
    return entered


def believed(number: int, hard: Sequence[int], accepted: int) -> bool:
    """Whether a hard failure at this number is the reader's own. `hard`: the numbers of all of them, ascending.

    More were accepted than failed; at most 5 % of all failed, and at most 5 % of the 200 whose turn was nearest.
    """
    near = bisect.bisect_right(hard, number + LAST // 2) - bisect.bisect_left(hard, number - LAST // 2)
    return accepted >= len(hard) and near <= HARD_MOST and len(hard) <= max(HARD_MOST, accepted // 19)


def _hard_failures(session: Session, edition_id: int) -> list[_Hard]:
    query = (
        sa.select(
            col(Delivery.number), col(Delivery.subscriber_id), col(Subscriber.address), col(Delivery.reply)
        )
        .join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.state) == DeliveryState.REFUSED)
        .order_by(col(Delivery.number))
    )
    found = [(*row, outcome.of_recorded(row[3] or "")) for row in session.execute(query)]
    return [
        _Hard(number, subscriber_id, address, reply, judged)
        for number, subscriber_id, address, reply, judged in found
        if outcome.suppresses_the_reader(judged) or judged.needs_second
    ]


def _refused_before(session: Session, run: Run, subscribers: list[int]) -> set[int]:
    """Those whose domain was called bad by an earlier edition of this newsletter, a day ago or more."""
    earlier = (
        sa.select(col(Run.edition_id))
        .where(col(Run.newsletter_id) == run.newsletter_id, col(Run.edition_id) < run.edition_id)
        .order_by(col(Run.edition_id).desc())
        .limit(EARLIER_EDITIONS)
    )
    editions = list(session.execute(earlier).scalars())
    before = database.now(session) - SECOND_AFTER
    seconds: set[int] = set()
    for start in range(0, len(subscribers), CHUNK):
        query = sa.select(col(Delivery.subscriber_id), col(Delivery.reply)).where(
            col(Delivery.edition_id).in_(editions),
            col(Delivery.subscriber_id).in_(subscribers[start : start + CHUNK]),
            col(Delivery.state) == DeliveryState.REFUSED,
            col(Delivery.at) <= before,
        )
        seconds |= {
            reader
            for reader, reply in session.execute(query)
            if outcome.of_recorded(reply or "").needs_second
        }
    return seconds
