"""What the ledger says of a run, and whether it is true: by its own times, and by the sink's count."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from service.ledger.models import Delivery, DeliveryState, Notice, NoticeState, Run

Question = Callable[..., bool]  # of a session and, it may be, a number
RESOLUTION = 0.001  # seconds, of SQLite's times
COMMITS_OF_A_MOMENT = 4


class DoesNotAddUp(AssertionError):
    """The ledger and the relay disagree, or the ledger was not written as things happened."""


@dataclass(frozen=True)
class Account:
    counts: dict[str, int]
    first_at: datetime
    last_at: datetime
    most_at_once: int  # rows with the very same time
    notices_accepted: int

    @property
    def accepted(self) -> int:
        return self.counts.get(DeliveryState.ACCEPTED.value, 0)


def has_ended(session: Session) -> bool:
    return session.execute(sa.select(col(Run.ended_at))).scalar_one_or_none() is not None


def is_past(session: Session, number: int) -> bool:
    """Whether that row has left the queue."""
    edition = sa.select(
        col(Run.edition_id)
    ).scalar_subquery()  # by key: whoever asks must not take the time that is measured
    query = sa.select(col(Delivery.state)).where(
        col(Delivery.edition_id) == edition, col(Delivery.number) == number
    )
    state = session.execute(query).scalar_one_or_none()
    return state is not None and state is not DeliveryState.QUEUED


def notice_accepted_at(session: Session, address: str) -> datetime | None:
    query = sa.select(col(Notice.at)).where(
        col(Notice.address) == address, col(Notice.state) == NoticeState.ACCEPTED
    )
    return session.execute(query).scalar_one_or_none()


def account(session: Session) -> Account:
    """Of the only edition that there is."""
    counted = session.execute(sa.select(col(Delivery.state), sa.func.count()).group_by(col(Delivery.state)))
    counts = {state.value: count for state, count in counted}
    accepted = col(Delivery.state) == DeliveryState.ACCEPTED
    at_once = sa.select(sa.func.count().label("rows")).where(accepted).group_by(col(Delivery.at)).subquery()
    first, last = session.execute(
        sa.select(sa.func.min(col(Delivery.at)), sa.func.max(col(Delivery.at))).where(accepted)
    ).one()
    notices = sa.select(sa.func.count()).where(col(Notice.state) == NoticeState.ACCEPTED)
    most = session.execute(sa.select(sa.func.max(at_once.c.rows))).scalar_one()
    if first is None:
        raise DoesNotAddUp(f"No message was accepted: {counts}.")
    return Account(counts, first, last, int(most), int(session.execute(notices).scalar_one()))


def share_rates(session: Session, share: int) -> tuple[float, float]:
    """Messages a second over the first and over the last `share` accepts."""
    times = (
        sa.select(col(Delivery.at))
        .where(col(Delivery.state) == DeliveryState.ACCEPTED)
        .order_by(col(Delivery.at))
    )
    count = session.execute(sa.select(sa.func.count()).select_from(times.subquery())).scalar_one()

    def at(place: int) -> datetime:
        moment: datetime = session.execute(times.offset(place).limit(1)).scalar_one()
        return moment

    first = (at(share - 1) - at(0)).total_seconds()
    last = (at(count - 1) - at(count - share)).total_seconds()
    return share / max(first, RESOLUTION), share / max(last, RESOLUTION)


def check(found: Account, *, readers: int, connections: int, taken: int) -> None:
    """Raises DoesNotAddUp. A message that went out twice would make the relay's count larger than the ledger's."""
    if found.accepted != readers:
        raise DoesNotAddUp(f"Of {readers} readers the ledger has {found.counts}.")
    if taken != found.accepted + found.notices_accepted:
        raise DoesNotAddUp(
            f"The relay took {taken} messages; the ledger has {found.accepted}, and {found.notices_accepted} notices."
        )
    # An outcome is in the commit after its reply, and a connection has one message at a time. SQLite's times have a millisecond,
    # in which a quick disk takes several commits; more rows of one time than this were written down later, together.
    if found.most_at_once > COMMITS_OF_A_MOMENT * connections:
        raise DoesNotAddUp(
            f"{found.most_at_once} outcomes bear the same time: they were not written as they came."
        )
