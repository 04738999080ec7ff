"""How often a confirmation may be asked for: per mailbox, per client and over all, so that nobody's mailbox can be flooded.

Test messages are counted here too (`delivery.rehearsal`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service import addresses, database, tokens
from service.errors import Unavailable
from service.subscribers import queries
from service.subscribers.models import Cooldown

MAILBOX_PAUSE = timedelta(minutes=15)
MAILBOX_COUNT_PER_DAY = 4
CLIENT_COUNT_PER_HOUR = 20
OVERALL_COUNT_PER_HOUR = 2_000
_OVERALL = "overall"
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


class ClientTooOften(Unavailable):
    """Many sign-ups have come from your network in the last hour, so this one was not taken. Please try again in an hour."""


class TooManySignUps(Unavailable):
    """More people are signing up right now than we can write to, so this was not taken. Please try again in an hour."""


@dataclass(frozen=True)
class Mailbox:
    """`proved_at`: when its owner last confirmed something. What came before that was wanted, so it makes nobody wait."""

    key: str
    proved_at: datetime | None


def ensure_client_may(session: Session, client: str, *, now: datetime) -> None:
    """Raises for a client that has had enough in this hour. Says nothing about any address."""
    if not admit_by_the_hour(session, f"client:{client}", CLIENT_COUNT_PER_HOUR, now=now):
        raise ClientTooOften


def look_for_capacity(session: Session, *, now: datetime) -> None:
    """Raises in an hour that has had enough, before any work is done; nothing is locked, so `ensure_capacity` has the last word."""
    query = sa.select(col(Cooldown.count)).where(
        col(Cooldown.key) == _OVERALL, col(Cooldown.window_at) > now - _HOUR
    )
    if (session.scalar(query) or 0) >= OVERALL_COUNT_PER_HOUR:
        raise TooManySignUps


def ensure_capacity(session: Session, *, now: datetime) -> None:
    """Raises in an hour that has had enough. Right before the commit: whoever else signs up at this moment waits for it."""
    if not admit_by_the_hour(session, _OVERALL, OVERALL_COUNT_PER_HOUR, now=now):
        raise TooManySignUps


def mailbox_of(session: Session, address_key: str, *, pepper: str) -> Mailbox:
    """Tags (`name+tag@`) are other addresses, but the same mailbox to protect."""
    hashed = tokens.keyed_hash(pepper, addresses.without_tag(address_key))
    return Mailbox(f"mailbox:{hashed}", queries.last_confirmed_at(session, address_key))


def wait_for_mailbox(session: Session, mailbox: Mailbox) -> None:
    """Whoever asks for one mailbox waits for the other's commit, also where what was written for it is undone: who waits and who does
    not would tell the two apart.
    """
    if database.is_postgresql(session):
        number = sa.func.hashtextextended(mailbox.key, 0)
        session.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def admit_mailbox(session: Session, mailbox: Mailbox, *, now: datetime) -> bool:
    """After `wait_for_mailbox`: requests for one mailbox wait for each other's commit, so what is read afterwards is settled."""
    rested = col(Cooldown.last_at) <= now - MAILBOX_PAUSE
    if mailbox.proved_at is not None:
        rested = sa.or_(rested, col(Cooldown.last_at) <= mailbox.proved_at)
    first = Cooldown(key=mailbox.key, window_at=now, last_at=now)
    return queries.admit(session, first, window_from=now - _DAY, limit=MAILBOX_COUNT_PER_DAY, rested=rested)


def admit_by_the_hour(session: Session, key: str, limit: int, *, now: datetime) -> bool:
    """Count one more under that key and say whether it was let in."""
    first = Cooldown(key=key, window_at=now, last_at=now)
    return queries.admit(session, first, window_from=now - _HOUR, limit=limit, rested=sa.true())


def sweep(session: Session, *, now: datetime) -> int:
    """Forget what no limit looks at any more; how many that were."""
    old = sa.delete(Cooldown).where(
        col(Cooldown.last_at) <= now - _DAY, col(Cooldown.window_at) <= now - _DAY
    )
    return session.connection().execute(old).rowcount
