"""The relay's own clock: when it does not work, it waits, not the reader."""

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from service import database
from service.delivery import relay_choice, retry
from service.delivery.models import Relay

LAPSES_AFTER = timedelta(minutes=15)  # not tried since, and not out of reach: what it once said is no news
NO_MAIN = "no relay of the register is the main one; choose it on the page Relays"


@dataclass(frozen=True)
class RelayState:
    """`failures` is the number of tries in a row, since `since`, that came to nothing."""

    name: str
    is_waiting: bool
    wait_until: datetime | None
    problem: str | None
    since: datetime | None
    failures: int = 0
    is_resting: bool = False  # by a limit of ours: it works, and editions wait all the same
    stands_in_for: "RelayState | None" = None  # the main relay, while this one is its fallback

    @property
    def next_try_at(self) -> datetime | None:
        """None: it is tried as soon as there is something to send."""
        return self.wait_until if self.is_waiting else None


def state_of(session: Session) -> RelayState | None:
    """The relay in use, and whether it works; without a main one the last that was used; None before the first use."""
    now = database.now(session)
    main, fallback = relay_choice.in_order(session)
    if main is not None and fallback is not None and main.handed_over_at is not None:
        return replace(_state(fallback, now), stands_in_for=_state(main, now))
    if main is None and relay_choice.has_any(session):
        return RelayState("", True, None, NO_MAIN, None)
    relay = main or session.exec(select(Relay).order_by(col(Relay.id).desc()).limit(1)).first()
    return _state(relay, now) if relay is not None else None


def _state(relay: Relay, now: datetime) -> RelayState:
    if relay.paused_because is not None:
        problem = f"The relay {relay.name} is paused: {relay.paused_because.rstrip('.')}"
        return RelayState(relay.name, True, None, problem, None, is_resting=True)
    if not relay.problem and relay.rest_until is not None and relay.rest_until > now:
        return RelayState(relay.name, True, relay.rest_until, relay.rest_reason, None, is_resting=True)
    is_waiting = relay.wait_until is not None and relay.wait_until > now
    if relay.down_since is None and relay.wait_until is not None and now - relay.wait_until > LAPSES_AFTER:
        return RelayState(relay.name, False, None, None, None)
    return RelayState(relay.name, is_waiting, relay.wait_until, relay.problem, relay.since, relay.failures)


def is_ready(session: Session, name: str) -> bool:
    return session.connection().execute(_WAITING, {"the_name": name}).first() is None


def is_ready_for_editions(session: Session, name: str) -> bool:
    """Notices do not rest when a quota is used up; editions do."""
    return session.connection().execute(_RESTING, {"the_name": name}).first() is None


def note_problem(
    session: Session, name: str, problem: str, *, is_down: bool = False, lasts: timedelta = timedelta()
) -> None:
    """One more failure: leave the relay alone for a while, longer each time. Several reports of one failure count once.

    `is_down`: it is out of reach as a whole, which is what its fallback is for; it has been for as long as `lasts`.
    """
    now = database.now(session)
    relay = _locked(session, name)
    if is_down and relay.down_since is None:
        relay.down_since = now - lasts
        session.add(relay)
    if relay.wait_until is not None and relay.wait_until > now:
        return
    relay.failures += 1
    relay.problem = problem[:500]
    relay.since = relay.since or now
    relay.wait_until = now + retry.relay_wait(relay.failures) * random.uniform(0.8, 1.2)  # noqa: S311 - jitter
    session.add(relay)


def note_success(session: Session, name: str) -> None:
    relay = _locked(session, name)
    relay.failures = 0
    relay.problem = relay.since = relay.wait_until = relay.down_since = None
    session.add(relay)


def clear_problem(session: Session, name: str) -> None:
    """It accepts. A statement that changes nothing while all is well."""
    cleared = sa.update(Relay).where(col(Relay.name) == name, SHOWS_PROBLEM)
    nothing = dict.fromkeys(("problem", "since", "wait_until", "down_since"))
    session.execute(cleared.values(failures=0, **nothing), execution_options={"synchronize_session": False})


def _locked(session: Session, name: str) -> Relay:
    query = select(Relay).where(Relay.name == name).with_for_update()
    relay = session.exec(query).first()
    if relay is not None:
        return relay
    try:
        with session.begin_nested():
            session.add(Relay(name=name))
    except IntegrityError:
        pass  # another connection has just met this relay, too
    return session.exec(query).one()


SHOWS_PROBLEM = sa.or_(col(Relay.problem).is_not(None), col(Relay.down_since).is_not(None))
_WAITING = sa.select(col(Relay.id)).where(
    col(Relay.name) == sa.bindparam("the_name"), col(Relay.wait_until) > database.utc_now()
)
_RESTING = sa.select(col(Relay.id)).where(
    col(Relay.name) == sa.bindparam("the_name"),
    sa.or_(
        col(Relay.wait_until) > database.utc_now(),
        col(Relay.rest_until) > database.utc_now(),
        col(Relay.paused_because).is_not(None),
    ),
)
