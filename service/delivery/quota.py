"""How much of a relay's hour and day is left. Counted in steps of five minutes, over the last hour and the last 24.

A rolling day is the strictest way a provider can count: who stays within it stays within any calendar's day, too. The step that an
hour or a day begins in counts in full.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col

from service import database
from service.delivery import relay_choice
from service.delivery.models import HandedOver, Relay

STEP = timedelta(minutes=5)
HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
WORDS = {HOUR: "hour", DAY: "24 hours"}


@dataclass(frozen=True)
class Left:
    """What one quota leaves now, and when more comes free if it leaves nothing."""

    most: int
    window: timedelta
    count: int
    free_at: datetime

    @property
    def words(self) -> str:
        return WORDS[self.window]


def step_of(moment: datetime) -> datetime:
    """The beginning of its five minutes."""
    return moment - timedelta(
        minutes=moment.minute % 5, seconds=moment.second, microseconds=moment.microsecond
    )


def left(session: Session, relay: Relay, now: datetime) -> list[Left]:
    """Of each quota it has, the tightest first."""
    found: list[Left] = []
    for most, window in _quotas(relay):
        steps = session.execute(
            sa.select(col(HandedOver.since), col(HandedOver.count))
            .where(col(HandedOver.relay) == relay.name, col(HandedOver.since) > now - window - STEP)
            .order_by(col(HandedOver.since))
        ).all()
        used = sum(count for _, count in steps)
        free_at = steps[0].since + STEP + window if steps else now
        found.append(Left(most, window, max(0, most - used), free_at))
    return sorted(found, key=lambda one: (one.count, -one.window))


def left_or_rest(session: Session, relay: Relay, now: datetime, *, unused: int) -> int:
    """How many may be handed over now. Without any left the editions rest until some of it comes free, and the relay says why."""
    tightest = left(session, relay, now)[0]
    count = tightest.count + unused
    if count <= 0:
        relay.rest_until = tightest.free_at
        relay.rest_reason = f"The quota of {tightest.most:,} messages in {_an(tightest.words)} is used up"
        session.add(relay)
    return count


def note(session: Session, relay: str, now: datetime, count: int) -> None:
    """So many more; fewer than none if tokens came back."""
    step = step_of(now)
    if _added(session, relay, step, count):
        return
    try:
        with session.begin_nested():
            session.add(HandedOver(relay=relay, since=step, count=max(0, count)))
    except IntegrityError:
        _added(session, relay, step, count)


def forget_before(session: Session, moment: datetime) -> None:
    session.execute(sa.delete(HandedOver).where(col(HandedOver.since) < moment))


def words_left(session: Session, relay: Relay) -> str | None:
    """For a person; None without a quota."""
    found = left(session, relay, database.now(session))
    return " ".join(f"{one.count:,} of {one.most:,} in {_an(one.words)} are left." for one in found) or None


def said_ahead(session: Session, readers: int) -> str | None:
    """What to say before so many messages begin to leave; None if the quotas of the relay in use leave enough, or it has none."""
    relay = relay_choice.used(session)
    if relay is None:
        return None
    short = [one for one in left(session, relay, database.now(session)) if one.count < readers]
    if not short:
        return None
    one = max(short, key=lambda each: each.window)
    return (
        f"{relay.name} may take {one.count:,} more of its {one.most:,} messages in {_an(one.words)}: {readers - one.count:,} of "
        f"{readers:,} readers have to wait until more is allowed, and get it then."
    )


def _quotas(relay: Relay) -> Iterator[tuple[int, timedelta]]:
    if relay.per_hour:
        yield relay.per_hour, HOUR
    if relay.per_day:
        yield relay.per_day, DAY


def _added(session: Session, relay: str, step: datetime, count: int) -> bool:
    changed = (
        sa.update(HandedOver)
        .where(col(HandedOver.relay) == relay, col(HandedOver.since) == step)
        .values(count=sa.case((col(HandedOver.count) + count > 0, col(HandedOver.count) + count), else_=0))
    )
    result = session.execute(changed, execution_options={"synchronize_session": False})
    return int(getattr(result, "rowcount", 0)) == 1


def _an(words: str) -> str:
    return f"an {words}" if words == "hour" else words
