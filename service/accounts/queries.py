from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from service import database
from service.accounts.models import KeptReply


def insert_reservation(session: Session, values: dict[str, Any]) -> bool:
    """Whether this call made the row. Of two at once one waits for the other's commit and then finds the row there."""
    insert = postgresql.insert if database.is_postgresql(session) else sqlite.insert
    statement = insert(KeptReply).values(**values).on_conflict_do_nothing()
    return session.connection().execute(statement).rowcount == 1


def kept_reply(session: Session, key_id: int, idempotency_key: str) -> KeptReply | None:
    return session.exec(select(KeptReply).where(*_named(key_id, idempotency_key))).first()


def retake(
    session: Session, key_id: int, idempotency_key: str, *, unanswered_since: datetime, now: datetime
) -> bool:
    """Whether this call has taken over a reservation that its holder left unanswered."""
    statement = (
        sa.update(KeptReply)
        .where(
            *_named(key_id, idempotency_key),
            col(KeptReply.status).is_(None),
            col(KeptReply.created_at) <= unanswered_since,
        )
        .values(created_at=now)
    )
    return session.connection().execute(statement).rowcount == 1


def delete_unanswered(session: Session, key_id: int, idempotency_key: str) -> None:
    statement = sa.delete(KeptReply).where(*_named(key_id, idempotency_key), col(KeptReply.status).is_(None))
    session.connection().execute(statement)


def delete_if_older(session: Session, key_id: int, idempotency_key: str, moment: datetime) -> None:
    statement = sa.delete(KeptReply).where(
        *_named(key_id, idempotency_key), col(KeptReply.created_at) <= moment
    )
    session.connection().execute(statement)


def delete_kept_before(session: Session, moment: datetime) -> int:
    statement = sa.delete(KeptReply).where(col(KeptReply.created_at) <= moment)
    return session.connection().execute(statement).rowcount


def _named(key_id: int, idempotency_key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (col(KeptReply.key_id) == key_id, col(KeptReply.idempotency_key) == idempotency_key)
