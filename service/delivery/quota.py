"""How much of a relay's hour and day is left. Counted in steps of five minutes, over the last hour and the last 24.

A rolling day is the strictest way a provider can count: who stays within it stays within any calendar's day, too. The step that an
hour or a day begins in counts in full.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from service import database
from service.delivery import relay_choice
from service.delivery.models import HandedOver, Relay

STEP = timedelta(minutes=5)
LOOK_SECONDS = 0.25  # when to ask again if nothing is left
SHARE = (
    4  # of what is left a worker gets such a part at most: whoever has more than it uses keeps it from others
)
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


def left(session: Session, relay: Relay, now: datetime, *, unused: int = 0) -> list[Left]:
    """Of each quota it has, the tightest first. `unused`: so many of those given out are about to come back."""
    found: list[Left] = []
    for most, window in _quotas(relay):
        steps = session.execute(
            sa.select(col(HandedOver.since), col(HandedOver.count))
            .where(col(HandedOver.relay) == relay.name, col(HandedOver.since) > now - window - STEP)
            .order_by(col(HandedOver.since))
        ).all()
        used = sum(count for _, count in steps) - unused
        free_at = next((since + STEP + window for since, count in steps if count), now)
        found.append(Left(most, window, max(0, most - used), free_at))
    return sorted(found, key=lambda one: (one.count, -one.window))


def share(session: Session, relay: Relay, now: datetime, wanted: int, *, unused: int) -> int:
    """How many of the wanted one worker may have now."""
    count = left(session, relay, now, unused=unused)[0].count
    if count:
        _rest_until(session, relay, None, None)
    return min(wanted, -(-count // SHARE))


def rest(session: Session, relay: Relay, now: datetime) -> None:
    """Editions wait until some of the quota comes free, and the relay says why."""
    tightest = left(session, relay, now)[0]
    reason = f"The quota of {tightest.most:,} messages in {_an(tightest.words)} is used up"
    _rest_until(session, relay, tightest.free_at, reason)


def rest_no_longer(session: Session, relay: Relay, now: datetime) -> None:
    """If tokens have come back since."""
    if relay.rest_until is not None and left(session, relay, now)[0].count:
        _rest_until(session, relay, None, None)


def note(session: Session, relay: str, now: datetime, count: int) -> None:
    """So many more; fewer than none if tokens came back."""
    if count < 0:
        _take_off(session, relay, -count)
    elif count and not _added(session, relay, step_of(now), count):
        try:
            with session.begin_nested():
                session.add(HandedOver(relay=relay, since=step_of(now), count=count))
        except IntegrityError:
            _added(session, relay, step_of(now), count)


def forget_before(session: Session, moment: datetime) -> None:
    session.execute(sa.delete(HandedOver).where(col(HandedOver.since) < moment))


def move(session: Session, by: timedelta, now: datetime) -> None:
    """The clock went back: what was given out in the hours that it has to come to once more was given out so much earlier."""
    ahead = session.exec(select(HandedOver).where(HandedOver.since > now)).all()
    for step in ahead:
        session.delete(step)
    session.flush()
    for step in ahead:
        note(session, step.relay, step.since - by, step.count)


def words_left(session: Session, relay: Relay) -> str | None:
    """For a person; None without a quota."""
    found = left(session, relay, database.now(session))
    return " ".join(f"{one.count:,} of {one.most:,} in {_an(one.words)} are left." for one in found) or None


def said_ahead(session: Session, readers: int) -> str | None:
    """What to say before so many messages begin to leave; None if the quotas of the relay in use leave enough, or it has none."""
    relay = relay_choice.used(session)
    return None if relay is None else _said(relay, left(session, relay, database.now(session)), readers)


def has_daily(session: Session) -> bool:
    """Whether the relay in use has a quota of the day."""
    relay = relay_choice.used(session)
    return relay is not None and bool(relay.per_day)


def said_of_day(session: Session, readers: int, *, at: datetime) -> str | None:
    """The same of the day's quota alone, and of what it leaves at that moment as far as is known now."""
    relay = relay_choice.used(session)
    if relay is None:
        return None
    return _said(relay, [one for one in left(session, relay, at) if one.window == DAY], readers)


def _said(relay: Relay, found: list[Left], readers: int) -> str | None:
    short = [one for one in found if one.count < readers]
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


def _rest_until(session: Session, relay: Relay, moment: datetime | None, reason: str | None) -> None:
    relay.rest_until, relay.rest_reason = moment, reason
    session.add(relay)


def _added(session: Session, relay: str, step: datetime, count: int) -> bool:
    changed = (
        sa.update(HandedOver)
        .where(col(HandedOver.relay) == relay, col(HandedOver.since) == step)
        .values(count=col(HandedOver.count) + count)
    )
    result = session.execute(changed, execution_options={"synchronize_session": False})
    return int(getattr(result, "rowcount", 0)) == 1


def _take_off(session: Session, relay: str, count: int) -> None:
    """From the newest step that has any: what comes back now may have been given out in the one before."""
    newest = (
        select(HandedOver)
        .where(HandedOver.relay == relay, HandedOver.count > 0)
        .order_by(col(HandedOver.since).desc())
        .limit(2)
        .with_for_update()
    )
    for step in session.exec(newest, execution_options={"populate_existing": True}):
        less = min(step.count, count)
        step.count, count = step.count - less, count - less
        session.add(step)
    session.flush()


def _an(words: str) -> str:
    return f"an {words}" if words == "hour" else words
