"""The register of addresses not to mail: entered with a cause, lifted with a reason, compared by keyed hash."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import addresses, tokens
from service.errors import NotFound
from service.events import log as events
from service.suppressions import queries
from service.suppressions.models import Reason, Suppression

OWN_REASONS = (Reason.REQUEST, Reason.COMPLAINT)  # what the person decided, the person may take back
ASK_AGAIN_AFTER = timedelta(days=30)
EVIDENCE_CHARACTERS = 1000


class SuppressionNotFound(NotFound):
    """This address is not suppressed, or not any more."""


@dataclass(frozen=True)
class Cause:
    reason: Reason
    source: str
    evidence: str = ""


def suppress(session: Session, address: str, cause: Cause, *, pepper: str, now: datetime) -> Suppression:
    """Enter an address, in any spelling. One that is in force already stays as it is."""
    parsed = addresses.parse(address)
    address_hash = tokens.keyed_hash(pepper, parsed.key)
    entry = Suppression(
        address_hash=address_hash,
        address=parsed.wire,
        reason=cause.reason,
        source=cause.source,
        evidence=cause.evidence[:EVIDENCE_CHARACTERS],
        created_at=now,
    )
    if queries.insert_unless_in_force(session, entry):
        facts = {"reason": cause.reason.value, "source": cause.source}
        events.record(session, "suppression.entered", actor=cause.source, now=now, facts=facts)
    return _get_in_force(session, address_hash)


def in_force(session: Session, address_hash: str) -> Suppression | None:
    query = select(Suppression).where(
        Suppression.address_hash == address_hash, col(Suppression.lifted_at).is_(None)
    )
    return session.exec(query).first()


def may_ask(session: Session, address_hash: str, *, now: datetime) -> bool:
    """Whether a person at this address may be asked to confirm; asking a suppressed one is noted, at most once in 30 days."""
    noted = (
        sa.update(Suppression)
        .where(
            col(Suppression.address_hash) == address_hash,
            col(Suppression.lifted_at).is_(None),
            col(Suppression.reason).in_(OWN_REASONS),
            sa.or_(col(Suppression.asked_at).is_(None), col(Suppression.asked_at) <= now - ASK_AGAIN_AFTER),
        )
        .values(asked_at=now)
        .returning(col(Suppression.id))
    )
    was_noted = session.execute(noted).scalar_one_or_none() is not None
    return was_noted or in_force(session, address_hash) is None


def lift_own(session: Session, address_hash: str, *, now: datetime) -> None:
    """The person has come back: what they themselves decided ends; a bounce or the desk's own entry stays."""
    entry = in_force(session, address_hash)
    if entry is not None and entry.reason in OWN_REASONS:
        lift(session, entry, because="confirmed a new subscription", actor="reader", now=now)


def lift(session: Session, entry: Suppression, *, because: str, actor: str, now: datetime) -> Suppression:
    if entry.lifted_at is None:
        entry.lifted_at = now
        entry.lifted_because = because[:500]
        session.add(entry)
        events.record(session, "suppression.lifted", actor=actor, now=now, facts={"because": because[:500]})
    return entry


def page(session: Session, *, after: int = 0, limit: int = 100) -> list[Suppression]:
    """Those in force, in the order of their entry."""
    query = (
        select(Suppression)
        .where(col(Suppression.lifted_at).is_(None), col(Suppression.id) > after)
        .order_by(col(Suppression.id))
        .limit(limit)
    )
    return list(session.exec(query))


def find_by_address(session: Session, address: str, *, pepper: str) -> Suppression | None:
    return in_force(session, tokens.keyed_hash(pepper, addresses.parse(address).key))


def _get_in_force(session: Session, address_hash: str) -> Suppression:
    entry = in_force(session, address_hash)
    if entry is None:
        raise SuppressionNotFound
    return entry
