"""Deliveries that came back: one row each, whoever tells it and however often. Bounced later is a subset of accepted."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from service import database
from service.ledger.models import Bounced, Delivery, DeliveryState


@dataclass(frozen=True)
class Return:
    """`weight`: a graver one takes the place of a lighter one."""

    kind: str
    weight: int
    status: str
    reply: str
    at: datetime


def note(session: Session, edition_id: int, number: int, back: Return) -> bool:
    """Whether that is news: nothing as grave was known of it. The row of the delivery need not be there, any more or yet."""
    insert = postgresql.insert if database.is_postgresql(session) else sqlite.insert
    values = {
        "kind": back.kind,
        "weight": back.weight,
        "status": back.status,
        "reply": back.reply,
        "at": back.at,
    }
    statement = (
        insert(Bounced)
        .values(edition_id=edition_id, number=number, **values)
        .on_conflict_do_update(
            index_elements=[col(Bounced.edition_id), col(Bounced.number)],
            set_={
                name: value for name, value in values.items() if name != "at"
            },  # proofs may have counted it
            where=col(Bounced.weight) < back.weight,
        )
        .returning(col(Bounced.number))
    )
    return session.execute(statement).first() is not None


def count(session: Session, edition_id: int) -> int:
    """How many that the relay accepted came back."""
    query = (
        sa.select(sa.func.count())
        .select_from(Bounced)
        .join(
            Delivery,
            sa.and_(
                col(Delivery.edition_id) == col(Bounced.edition_id),
                col(Delivery.number) == col(Bounced.number),
            ),
        )
        .where(col(Bounced.edition_id) == edition_id, col(Delivery.state) == DeliveryState.ACCEPTED)
    )
    return int(session.execute(query).scalar_one())
