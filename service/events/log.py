import uuid
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from service.events.models import Event


def record(
    session: Session,
    name: str,
    *,
    actor: str,
    now: datetime,
    subject: tuple[str, uuid.UUID] | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Append one event, e.g. `edition.scheduled`, in the caller's transaction."""
    kind, uid = subject or ("", None)
    session.add(Event(at=now, actor=actor, name=name, subject=kind, subject_uid=uid, facts=facts or {}))


def latest(session: Session, *, subject_uid: uuid.UUID, limit: int = 50) -> list[Event]:
    query = select(Event).where(Event.subject_uid == subject_uid).order_by(col(Event.id).desc()).limit(limit)
    return list(session.exec(query))
