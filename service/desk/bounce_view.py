"""What the page of bounces shows: the last thirty days by day, by reason and provider, and what waits for a person."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.bounces import inbox_register
from service.bounces.findings import Kind
from service.bounces.models import Action, Bounce, BounceWave, Inbox, MailState, ReturnedMail, WaveState
from service.editions.models import Edition
from service.errors import NotFound
from service.ledger.models import DeliveryState, Run, Span
from service.suppressions.models import Suppression

DAYS = 30
ROWS = 12
LATEST = 25
TO_READ = 50
# Google's own limits for complaints, and Yahoo's: stay below the first, never reach the second.
COMPLAINTS_GOOD, COMPLAINTS_MOST = 0.001, 0.003
LABELS = {
    Kind.PERMANENT: "dead addresses",
    Kind.STRIKE: "may be dead",
    Kind.TRANSIENT: "passing trouble",
    Kind.SENDER: "about us",
    Kind.COMPLAINT: "complaints",
}
_TO_DECIDE = (MailState.TO_READ,)


class BounceNotFound(NotFound):
    """There is no such bounce."""


@dataclass(frozen=True)
class Bar:
    """One colour of one day, in the chart's own units: 100 high, counted from the top."""

    kind: Kind
    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Day:
    """One of the newsroom's own days, from midnight to midnight."""

    at: date
    counts: Counter[Kind]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Held:
    wave: BounceWave
    edition: Edition | None
    count: int


@dataclass(frozen=True)
class Reason:
    rule: str
    kind: Kind
    domain: str
    count: int


@dataclass(frozen=True)
class Overview:
    days: tuple[Day, ...]
    reasons: tuple[Reason, ...]
    accepted: int
    held: tuple[Held, ...]
    to_read: tuple[ReturnedMail, ...]
    latest: tuple[Bounce, ...]
    older: int | None
    inbox: Inbox | None
    waiting: int

    @property
    def highest(self) -> int:
        return max((day.total for day in self.days), default=0)

    @property
    def bars(self) -> Iterator[Bar]:
        """Of each day the parts on top of one another, the gravest at the bottom."""
        for place, day in enumerate(self.days):
            top = 100.0
            for kind in LABELS:
                height = 100.0 * day.counts[kind] / self.highest if self.highest else 0.0
                top -= height
                if height:
                    yield Bar(kind, place * 10 + 1.5, round(top, 2), round(height, 2))

    def count(self, kind: Kind) -> int:
        return sum(day.counts[kind] for day in self.days)

    @property
    def complaint_rate(self) -> float:
        return self.count(Kind.COMPLAINT) / self.accepted if self.accepted else 0.0

    @property
    def complaint_word(self) -> str:
        if self.complaint_rate < COMPLAINTS_GOOD:
            return "good"
        return "warn" if self.complaint_rate < COMPLAINTS_MOST else "bad"


def overview(session: Session, *, now: datetime, zone: str, before: int | None = None) -> Overview:
    wall = ZoneInfo(zone)
    first = now.astimezone(wall).date() - timedelta(days=DAYS - 1)
    since = _midnight(first, wall)
    latest = _latest(session, before)
    return Overview(
        days=tuple(_day(session, first + timedelta(days=number), wall) for number in range(DAYS)),
        reasons=_reasons(session, since),
        accepted=_accepted(session, since),
        held=_held(session),
        to_read=_to_read(session),
        latest=tuple(latest[:LATEST]),
        older=latest[LATEST - 1].id if len(latest) > LATEST else None,
        inbox=inbox_register.get(session),
        waiting=_waiting(session),
    )


@dataclass(frozen=True)
class One:
    bounce: Bounce
    mail: ReturnedMail | None
    edition: Edition | None
    suppression: Suppression | None


def one(session: Session, uid: UUID) -> One:
    bounce = session.exec(select(Bounce).where(Bounce.uid == uid)).first()
    if bounce is None:
        raise BounceNotFound
    return One(
        bounce,
        session.get(ReturnedMail, bounce.mail_id) if bounce.mail_id is not None else None,
        session.get(Edition, bounce.edition_id) if bounce.edition_id is not None else None,
        session.get(Suppression, bounce.suppression_id) if bounce.suppression_id is not None else None,
    )


def of_mail(session: Session, mail: ReturnedMail) -> list[Bounce]:
    return list(session.exec(select(Bounce).where(Bounce.mail_id == mail.id).order_by(col(Bounce.id))))


def _counted() -> sa.ColumnElement[bool]:
    """What another report had said before is not counted twice."""
    return sa.and_(col(Bounce.kind).in_(LABELS), col(Bounce.action) != Action.KNOWN)


def _midnight(day: date, wall: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), wall).astimezone(UTC)


def _day(session: Session, day: date, wall: ZoneInfo) -> Day:
    """One short look into the index for each: the two databases have no word for a day in common."""
    begins, ends = _midnight(day, wall), _midnight(day + timedelta(days=1), wall)
    query = (
        sa.select(col(Bounce.kind), sa.func.count())
        .where(col(Bounce.at) >= begins, col(Bounce.at) < ends, _counted())
        .group_by(col(Bounce.kind))
    )
    return Day(day, Counter({Kind(kind): int(count) for kind, count in session.execute(query)}))


def _reasons(session: Session, since: datetime) -> tuple[Reason, ...]:
    how_many = sa.func.count()
    query = (
        sa.select(col(Bounce.rule), col(Bounce.kind), col(Bounce.domain), how_many)
        .where(col(Bounce.at) >= since, _counted())
        .group_by(col(Bounce.rule), col(Bounce.kind), col(Bounce.domain))
        .order_by(how_many.desc(), col(Bounce.rule), col(Bounce.domain))
        .limit(ROWS)
    )
    return tuple(Reason(*row) for row in session.execute(query))


def _accepted(session: Session, since: datetime) -> int:
    """By the spans' own counts: what is held at this moment is missing for some seconds."""
    query = (
        sa.select(col(Span.counts))
        .join(Run, col(Run.edition_id) == col(Span.edition_id))
        .where(col(Run.started_at) >= since)
    )
    return sum(
        int(counts.get(DeliveryState.ACCEPTED.value, 0)) for counts in session.execute(query).scalars()
    )


def _held(session: Session) -> tuple[Held, ...]:
    query = select(BounceWave).where(BounceWave.state == WaveState.HELD).order_by(col(BounceWave.id))
    return tuple(
        Held(wave, session.get(Edition, wave.edition_id), _size(session, wave))
        for wave in session.exec(query)
    )


def _size(session: Session, wave: BounceWave) -> int:
    query = sa.select(sa.func.count()).where(
        col(Bounce.edition_id) == wave.edition_id,
        col(Bounce.words) == wave.words,
        col(Bounce.action) == Action.HELD,
    )
    return int(session.execute(query).scalar_one())


def _to_read(session: Session) -> tuple[ReturnedMail, ...]:
    query = select(ReturnedMail).where(col(ReturnedMail.state).in_(_TO_DECIDE))
    return tuple(session.exec(query.order_by(col(ReturnedMail.id).desc()).limit(TO_READ)))


def _latest(session: Session, before: int | None) -> list[Bounce]:
    query = select(Bounce).order_by(col(Bounce.id).desc()).limit(LATEST + 1)
    return list(session.exec(query.where(col(Bounce.id) < before) if before is not None else query))


def _waiting(session: Session) -> int:
    query = sa.select(sa.func.count()).where(col(ReturnedMail.state) == MailState.WAITING)
    return int(session.execute(query).scalar_one())
