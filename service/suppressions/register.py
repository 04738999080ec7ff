"""The register of addresses not to mail: entered with a cause, lifted with a reason, compared by keyed hash."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import addresses, tokens
from service.addresses import AddressInvalid
from service.errors import Conflict, NotFound
from service.events import log as events
from service.suppressions import queries
from service.suppressions.models import Reason, Suppression

OWN_REASONS = (Reason.REQUEST, Reason.COMPLAINT)  # what the person decided, the person may take back
NEVER_FOR_THEM = (
    Reason.COMPLAINT,
)  # a request may have been entered by the desk, on the telephone; a complaint is a provider's word
ASK_AGAIN_AFTER = timedelta(days=30)
EVIDENCE_CHARACTERS = 1000


class SuppressionNotFound(NotFound):
    """This address is not suppressed, or not any more."""


class TheirsToLift(Conflict):
    """This reader has complained of our mail. Only they can take that back: by signing up and confirming anew."""


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


def lift_for_staff(session: Session, number: int, *, because: str, actor: str, now: datetime) -> Suppression:
    """As somebody at the desk or a program may: never a complaint."""
    entry = session.get(Suppression, number)
    if entry is None:
        raise SuppressionNotFound
    if entry.lifted_at is None and entry.reason in NEVER_FOR_THEM:
        raise TheirsToLift
    return lift(session, entry, because=because, actor=actor, now=now)


def searched(
    session: Session, text: str, *, pepper: str, before: int | None = None, limit: int = 100
) -> list[Suppression]:
    """The newest first, those that were lifted too. A whole address in any spelling finds also what was kept of it when it was erased."""
    query = select(Suppression).order_by(col(Suppression.id).desc()).limit(limit)
    if before is not None:
        query = query.where(col(Suppression.id) < before)
    if text.strip():
        part = sa.func.lower(col(Suppression.address)).contains(text.strip().lower(), autoescape=True)
        query = query.where(sa.or_(part, col(Suppression.address_hash) == _hash_of(text, pepper)))
    return list(session.exec(query))


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


def _hash_of(text: str, pepper: str) -> str:
    try:
        return tokens.keyed_hash(pepper, addresses.parse(text).key)
    except AddressInvalid:
        return ""


def _get_in_force(session: Session, address_hash: str) -> Suppression:
    entry = in_force(session, address_hash)
    if entry is None:
        raise SuppressionNotFound
    return entry
