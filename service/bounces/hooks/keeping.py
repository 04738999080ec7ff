"""Events as relays told them: kept before they are answered for, once each, until they are handled and for some weeks after."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from service import database
from service.bounces.findings import Finding, Kind, Original
from service.bounces.hooks import register
from service.bounces.hooks.calls import RETRIED_FOR, Heard, NotBelieved, Told, Trouble
from service.bounces.hooks.models import RelayEvent, RelayHook

KEPT_FOR = timedelta(days=35)
assert KEPT_FOR > RETRIED_FOR  # else an event could come again that nobody knows any more
ROWS_AT_ONCE = 500  # a statement holds so many values at most


def keep(session: Session, hook_id: int, heard: Heard, *, now: datetime) -> int:
    """How many were new. Raises NotBelieved where a token that is good for one body came with another."""
    new = 0
    for begin in range(0, len(heard.told), ROWS_AT_ONCE):
        part = heard.told[begin : begin + ROWS_AT_ONCE]
        added = _insert(session, [_row(hook_id, one, now) for one in part])
        new += len(added)
        _check_tokens(session, hook_id, [one for one in part if one.once and one.key not in added])
    if heard.odd:
        register.note(session, hook_id, Trouble.ODD_EVENT, now=now, count=heard.odd)
    session.execute(sa.update(RelayHook).where(col(RelayHook.id) == hook_id).values(heard_at=now))
    return new


def latest(session: Session, hook_id: int, *, limit: int = 20) -> list[RelayEvent]:
    query = select(RelayEvent).where(RelayEvent.hook_id == hook_id).order_by(col(RelayEvent.id).desc())
    return list(session.exec(query.limit(limit)))


def waiting(session: Session, *, limit: int = 100) -> list[RelayEvent]:
    """The next ones to handle, in the order in which they came; those that another worker is at are left to it."""
    query = (
        select(RelayEvent)
        .where(col(RelayEvent.handled_at).is_(None))
        .order_by(col(RelayEvent.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.exec(query))


def is_any_waiting(session: Session) -> bool:
    query = select(RelayEvent.id).where(col(RelayEvent.handled_at).is_(None)).limit(1)
    return session.exec(query).first() is not None


def forget_old(session: Session, *, now: datetime) -> None:
    """Whom an event named is forgotten with it; one that waits never is."""
    old = sa.and_(col(RelayEvent.handled_at).is_not(None), col(RelayEvent.received_at) < now - KEPT_FOR)
    session.execute(sa.delete(RelayEvent).where(old), execution_options={"synchronize_session": False})


def finding_of(event: RelayEvent) -> Finding:
    said: dict[str, Any] = dict(event.finding)
    at = said.pop("at", None)
    return Finding(
        kind=Kind(said.pop("kind")),
        original=Original(*said.pop("original")),
        at=datetime.fromisoformat(at) if at else None,
        **said,
    )


def _row(hook_id: int, told: Told, now: datetime) -> dict[str, Any]:
    at = told.finding.at
    finding = vars(told.finding) | {
        "kind": told.finding.kind.value,
        "original": list(told.finding.original),
        "at": at.isoformat() if at else None,
    }
    return {
        "hook_id": hook_id,
        "key": told.key,
        "once": told.once,
        "name": told.name,
        "kind": told.finding.kind,
        "recipient": told.finding.recipient,
        "number": told.number,
        "finding": finding,
        "received_at": now,
    }


def _insert(session: Session, rows: Sequence[dict[str, Any]]) -> set[str]:
    """The keys of those that were not here. In order of their keys, so that two batches with the same events do not wait in a circle."""
    insert = postgresql.insert if database.is_postgresql(session) else sqlite.insert
    statement = (
        insert(RelayEvent)
        .on_conflict_do_nothing(index_elements=["hook_id", "key"])
        .returning(col(RelayEvent.key))
    )
    in_order = sorted(rows, key=lambda row: str(row["key"]))
    return set(session.execute(statement, in_order).scalars())


def _check_tokens(session: Session, hook_id: int, known: Sequence[Told]) -> None:
    for one in known:
        query = select(RelayEvent.once).where(RelayEvent.hook_id == hook_id, RelayEvent.key == one.key)
        if session.exec(query).first() != one.once:
            raise NotBelieved(Trouble.TOKEN_SPENT)
