"""What the metrics say, read from the ledger's spans and runs and from the workers' rows: never from every delivery."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.articles import queries
from service.deadlines.models import Deadline, Ping
from service.delivery.models import Relay
from service.editions import lateness
from service.editions.lateness import Overdue, Punctuality
from service.editions.models import Edition, State
from service.ledger import depth
from service.ledger.depth import Depth
from service.newsletters.models import Newsletter
from service.workers import present
from service.workers.present import Present

COUNTED = (State.SCHEDULED, State.SENDING, State.PAUSED)
NEWSLETTERS_MOST = 200  # a label value each
TRIED_WITHIN = timedelta(minutes=10)  # a try itself may take five: a relay that never greets


@dataclass(frozen=True)
class RelayLine:
    name: str
    wait_seconds: float
    failures: int


@dataclass(frozen=True)
class LastDeadline:
    newsletter: str
    is_met: bool
    is_ping_lost: bool


@dataclass(frozen=True)
class Watched:
    """`now` is the database's clock, by which the ledger and relays are told; `clock_now` the process's, which has the timetable."""

    now: datetime
    clock_now: datetime
    depth: Depth
    editions: dict[State, int]
    overdue: tuple[Overdue, ...]
    punctuality: tuple[Punctuality, ...]
    deadlines: tuple[LastDeadline, ...]
    relays: tuple[RelayLine, ...]
    feed_due_since: datetime | None
    workers: tuple[Present, ...]
    lock_waits: int | None


def read(session: Session, *, clock_now: datetime) -> Watched:
    now = database.now(session)
    return Watched(
        now=now,
        clock_now=clock_now,
        depth=depth.of(session),
        editions=_editions(session),
        overdue=tuple(lateness.overdue(session, clock_now)),
        punctuality=tuple(lateness.punctuality(session, clock_now)[:NEWSLETTERS_MOST]),
        deadlines=_deadlines(session, now),
        relays=_relays(session, now),
        feed_due_since=queries.feed_due_since(session, clock_now),
        workers=tuple(present.everybody(session, with_held=False)),
        lock_waits=_lock_waits(session),
    )


def _editions(session: Session) -> dict[State, int]:
    query = sa.select(col(Edition.state), sa.func.count()).where(col(Edition.state).in_(COUNTED))
    counts = dict.fromkeys(COUNTED, 0)
    for state, count in session.execute(query.group_by(col(Edition.state))):
        counts[state] = count
    return counts


def _deadlines(session: Session, now: datetime) -> tuple[LastDeadline, ...]:
    """The last verdict about each newsletter, while it is young enough to say something about its next edition."""
    query = (
        sa.select(col(Newsletter.slug), col(Deadline.is_met), col(Deadline.ping))
        .join(Deadline, col(Deadline.newsletter_id) == col(Newsletter.id))
        .where(col(Deadline.due_at) >= now - lateness.LOOKED_BACK)
        .order_by(col(Newsletter.slug), col(Deadline.due_at))
    )
    last = {
        slug: LastDeadline(slug, is_met, ping in (Ping.FAILED, Ping.UNCLEAR))
        for slug, is_met, ping in session.execute(query)
    }
    return tuple(last.values())[:NEWSLETTERS_MOST]


def _relays(session: Session, now: datetime) -> tuple[RelayLine, ...]:
    query = sa.select(
        col(Relay.name), col(Relay.wait_until), col(Relay.rest_until), col(Relay.failures)
    ).order_by(col(Relay.name))
    return tuple(
        RelayLine(name, _left(now, wait_until, rest_until), failures if _is_tried(now, wait_until) else 0)
        for name, wait_until, rest_until, failures in session.execute(query.limit(present.SHOWN))
    )


def _left(now: datetime, *moments: datetime | None) -> float:
    return max([0.0, *((one - now).total_seconds() for one in moments if one is not None)])


def _is_tried(now: datetime, wait_until: datetime | None) -> bool:
    """Its failures say something only as long as there is something to hand to it; each try moves its clock."""
    return wait_until is not None and wait_until > now - TRIED_WITHIN


def _lock_waits(session: Session) -> int | None:
    """Sessions of this database that wait for a lock at this moment; None on SQLite, where writes queue in the process."""
    if not database.is_postgresql(session):
        return None
    waiting = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return int(session.execute(waiting).scalar_one())
