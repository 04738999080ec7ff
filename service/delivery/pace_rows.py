"""The buckets in the database, shared by all workers: what limits there are, and tokens leased for a quarter of a second at most.

One short write for each lease of a worker, none for a message; without a limit there is none at all. Quotas are counted when tokens
are given out; what lapsed unused is given back with the next lease.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import Session, col, select

from service import database
from service.delivery import choosing, pace, provider_limits, quota, relays, slowings
from service.delivery.allowance import Allowance
from service.delivery.models import Bucket, Relay
from service.delivery.pace import Grant
from service.delivery.recovery import Slowing
from service.ledger.models import Lane, Run
from service.prepared import Prepared

RELAY, EDITION, PROVIDER = "relay:", "edition:", "provider:"


@dataclass(frozen=True)
class Standing:
    """What holds messages back now. `relay` and `editions` are messages a second; an edition without one is not in it."""

    relay: float | None = None
    has_quota: bool = False
    editions: Mapping[int, float] = field(default_factory=dict)
    providers: Mapping[str, Allowance] = field(default_factory=dict)  # those that get less
    now: datetime | None = None
    relay_rests: bool = False
    breaking_waits: bool = False
    neglected: tuple[bool, ...] = (
        False,
        False,
    )  # whether nobody is at an edition that could go on: one that goes first, another
    shows_problem: bool = False

    @property
    def is_open(self) -> bool:
        return self.relay is None and not (self.has_quota or self.editions or self.providers)

    def goes_first(self, lane: Lane, edition_id: int) -> bool:
        """Breaking news, unless a person has slowed it down: then the others have what it leaves."""
        return lane is Lane.BREAKING and edition_id not in self.editions

    def stops(self, lane: Lane, edition_id: int) -> bool:
        """Whether this edition's spans are let go: a higher lane waits, or the relay takes nothing now."""
        return self.relay_rests or (self.breaking_waits and not self.goes_first(lane, edition_id))

    def has_neglected(self, lane: Lane, edition_id: int) -> bool:
        """Whether nobody is at an edition of this one's rank."""
        return self.neglected[0 if self.goes_first(lane, edition_id) else 1]

    def rate_of(self, edition_id: int) -> float | None:
        """The least of what limits its messages, a second."""
        rates = [rate for rate in (self.relay, self.editions.get(edition_id)) if rate is not None]
        return min(rates, default=None)


def standing(session: Session, relay: str) -> Standing:
    connection = session.connection()
    moment = choosing.moment(database.now(session))
    found = _STANDING.run(connection, {"the_name": relay, **moment}).fetchone()
    slowed = _SLOWED.run(connection).fetchall()
    now = moment["the_now"]
    if found is None:
        return Standing()
    slowing = slowings.of(session, relay, now)
    whole = slowing.pop(slowings.WHOLE, None)
    rate, slowed_to, per_hour, per_day, rests, breaking, problem, *neglected = found
    return Standing(
        relay=_rate(rate, slowed_to, whole.allowed(now) if whole else None),
        providers=_allowances(provider_limits.of(session, relay), slowing),
        now=now,
        has_quota=bool(per_hour or per_day),
        editions={edition_id: float(most) for edition_id, most in slowed},
        relay_rests=bool(rests),
        breaking_waits=bool(breaking),
        neglected=tuple(map(bool, neglected)),
        shows_problem=bool(problem),
    )


def lease(
    session: Session,
    relay: str,
    wanted: Mapping[str, tuple[int, float | None]],
    *,
    unused: int,
    may_rest: bool = False,
) -> dict[str, Grant]:
    """So many tokens for each of these places, at its rate, or none. `unused` of the relay's have lapsed since the last time.

    `may_rest`: whoever asks has been told again and again that the quota is used up.
    """
    given: dict[str, Grant] = {}
    for place in sorted(wanted):  # always in this order, or two workers might wait for each other
        count, rate = wanted[place]
        row = _with_quota(session, relay) if place.startswith(RELAY) else None
        if row is None:
            given[place] = _granted(session, place, count, rate)
            continue
        now = database.now(session)
        count = quota.share(session, row, now, count, unused=unused)
        if count:
            given[place] = _granted(session, place, count, rate)
        else:
            given[place] = Grant(0, retry=quota.LOOK_SECONDS, is_used_up=True)
            if may_rest:
                quota.rest(session, row, now)
        quota.note(session, relay, now, given[place].count - unused)
    return given


def give_back(session: Session, relay: str, unused: int) -> None:
    """So many have lapsed, and no lease follows that could tell; or a notice could not begin."""
    row = _with_quota(session, relay)
    if row is not None:
        now = database.now(session)
        quota.note(session, relay, now, -unused)
        quota.rest_no_longer(session, row, now)


def notice_delay(session: Session, relay: str) -> float:
    """Take a token for a notice; seconds until it may leave. It counts for the quotas, and is not held back by them: a confirmation
    must not wait until tomorrow.
    """
    row = _relay(session, relay)
    if row is None:
        return 0.0
    rate = _rate(row.rate, row.slowed_to)
    delay = 0.0 if rate is None else _notice_delay(session, RELAY + relay, rate)
    if row.per_hour or row.per_day:  # behind the bucket, as in a lease, or the two might wait for each other
        quota.note(session, relay, database.now(session), 1)
    return delay


def _notice_delay(session: Session, place: str, rate: float) -> float:
    _have(session, place)
    of_now = select(Bucket).where(Bucket.place == place).with_for_update()
    # Not what the session read before it waited for the row.
    bucket = session.exec(of_now, execution_options={"populate_existing": True}).one()
    given = pace.notice_grant(database.now(session).timestamp(), bucket.next_at, bucket.notice_at, rate)
    bucket.next_at, bucket.notice_at = given.next_at, given.notice_at
    session.add(bucket)
    session.flush()
    return given.delay


def is_limited(session: Session, relay: str) -> bool:
    row = _relay(session, relay)
    return row is not None and bool(row.rate or row.slowed_to or row.per_hour or row.per_day)


def forget_old(session: Session) -> None:
    """Buckets that nobody has asked for two days, and counts that no quota reaches back to."""
    long_ago = database.now(session) - timedelta(days=2)
    session.execute(sa.delete(Bucket).where(col(Bucket.next_at) < long_ago.timestamp()))
    quota.forget_before(session, long_ago)
    slowings.forget_before(session, long_ago)


def _granted(session: Session, place: str, count: int, rate: float | None) -> Grant:
    if rate is None:
        return Grant(count)
    stretch, room = pace.asked_for(count, rate)
    values = {"the_place": place, "the_stretch": stretch, "the_room": room}
    found = _GRANTED.run(session.connection(), values).fetchone()
    if found is None:
        _mend(session, place, rate)
    return pace.given(count, rate, None if found is None else found[0])


def _mend(session: Session, place: str, rate: float) -> None:
    """Where nothing could be had there may be no bucket yet, or one from before the clock went back. That counts as now, and as much
    later as tokens given out until then may be used.
    """
    connection = session.connection()
    ahead = _AHEAD.run(connection, {"the_place": place}).fetchone()
    if ahead is None:
        _have(session, place)
    elif ahead[0] > (far := pace.furthest(rate)):
        _MENDED.run(connection, {"the_place": place, "the_far": far})


def _have(session: Session, place: str) -> None:
    if session.get(Bucket, place) is None:
        try:
            with session.begin_nested():
                session.add(Bucket(place=place))
        except IntegrityError:
            pass  # another worker has just asked, too


def _allowances(
    limits: Mapping[str, tuple[int, str]], slowing: Mapping[str, Slowing]
) -> dict[str, Allowance]:
    return {
        provider: _allowance(limits.get(provider), slowing.get(provider))
        for provider in limits.keys() | slowing.keys()
    }


def _allowance(limit: tuple[int, str] | None, slowing: Slowing | None) -> Allowance:
    return Allowance(slowing=slowing) if limit is None else Allowance(*limit, slowing)


def _rate(*limits: float | None) -> float | None:
    rates = [float(one) for one in limits if one is not None]
    return min(rates, default=None)


def _relay(session: Session, name: str) -> Relay | None:
    return session.exec(select(Relay).where(Relay.name == name)).first()


def _with_quota(session: Session, name: str) -> Relay | None:
    """Locked, so that two workers do not both count what is left."""
    if _HAS_QUOTA.run(session.connection(), {"the_name": name}).fetchone() is None:
        return None  # as nearly all; asked first, for it is asked for each lease
    return session.exec(select(Relay).where(Relay.name == name, _QUOTA).with_for_update()).first()


class _seconds(FunctionElement[float]):  # noqa: N801 - reads as the SQL function it is
    """The database's own clock in seconds since 1970."""

    type = sa.Double()
    inherit_cache = True


@compiles(_seconds, "postgresql")
def _postgresql_seconds(element: _seconds, compiler: Any, **_: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)"


@compiles(_seconds, "sqlite")
def _sqlite_seconds(element: _seconds, compiler: Any, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


_BEGINS = sa.case((col(Bucket.next_at) > _seconds(), col(Bucket.next_at)), else_=_seconds())
_GRANTED = Prepared(
    sa.update(Bucket)
    .where(
        col(Bucket.place) == sa.bindparam("the_place"),
        _seconds() + sa.bindparam("the_room", type_=sa.Double()) >= _BEGINS,
    )
    .values(next_at=_BEGINS + sa.bindparam("the_stretch", type_=sa.Double()))
    .returning(col(Bucket.next_at) - _seconds())
)
_AHEAD = Prepared(
    sa.select(col(Bucket.next_at) - _seconds()).where(col(Bucket.place) == sa.bindparam("the_place"))
)
_MENDED = Prepared(
    sa.update(Bucket)
    .where(
        col(Bucket.place) == sa.bindparam("the_place"),
        col(Bucket.next_at) > _seconds() + sa.bindparam("the_far", type_=sa.Double()),
    )
    .values(next_at=_seconds() + pace.AHEAD_SECONDS)
)
_QUOTA = sa.or_(col(Relay.per_hour).is_not(None), col(Relay.per_day).is_not(None))
_HAS_QUOTA = Prepared(sa.select(sa.literal(1)).where(col(Relay.name) == sa.bindparam("the_name"), _QUOTA))
_RESTS = sa.or_(
    col(Relay.wait_until) > database.utc_now(),
    col(Relay.rest_until) > database.utc_now(),
    col(Relay.paused_because).is_not(None),
)
_STANDING = Prepared(
    sa.select(
        col(Relay.rate), col(Relay.slowed_to), col(Relay.per_hour), col(Relay.per_day),
        sa.func.coalesce(_RESTS, sa.false()), choosing.BREAKING.exists(), relays.SHOWS_PROBLEM,
        choosing.neglected(goes_first=True).exists(), choosing.neglected(goes_first=False).exists(),
    )
    .select_from(sa.select(sa.literal(1)).subquery().outerjoin(Relay, col(Relay.name) == sa.bindparam("the_name")))
)  # fmt: skip
_SLOWED = Prepared(
    sa.select(col(Run.edition_id), col(Run.slowed_to)).where(
        col(Run.ended_at).is_(None), col(Run.slowed_to).is_not(None)
    )
)
