"""One edition's deliveries, for people: by state, by address, page by page."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from service.ledger.models import Delivery, DeliveryState, Run

Conditions = tuple[sa.ColumnElement[bool], ...]


@dataclass(frozen=True)
class DeliveryRow:
    number: int
    address: str
    state: DeliveryState
    attempts: int
    reply: str | None
    at: datetime | None
    due_at: datetime | None


def in_state(state: DeliveryState | None) -> Conditions:
    return () if state is None else (col(Delivery.state) == state,)


def with_address(address: str | None) -> Conditions:
    """A part of an address, in any case of letters."""
    if not address:
        return ()
    return (sa.func.lower(col(Delivery.address)).contains(address.lower(), autoescape=True),)


def matching(
    session: Session, edition_id: int, conditions: Conditions, *, after: int = 0, limit: int = 100
) -> list[DeliveryRow]:
    """Rows numbered above `after` for which all of these hold; none of an edition that is summarised, also where some still lie."""
    if summarised_at(session, edition_id) is not None:
        return []
    query = (
        sa.select(
            col(Delivery.number), col(Delivery.address), col(Delivery.state), col(Delivery.attempts),
            col(Delivery.reply), col(Delivery.at), col(Delivery.due_at),
        )
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.number) > after, *conditions)
        .order_by(col(Delivery.number))
        .limit(limit)
    )  # fmt: skip
    return [DeliveryRow(*row) for row in session.execute(query)]


def summarised_at(session: Session, edition_id: int) -> datetime | None:
    """Since when only the counts and the proof of an old edition are kept."""
    query = sa.select(col(Run.summarised_at)).where(col(Run.edition_id) == edition_id)
    return session.execute(query).scalar_one_or_none()


def message_id(edition_uid: uuid.UUID, number: int, domain: str) -> str:
    """Follows from edition and number alone, so every retry carries the same (RFC 5322 §3.6.4); no personal data."""
    return f"<{edition_uid.hex}.{number}@{domain}>"
