"""Rows that nobody asks any more go: on SQLite in small pieces, on PostgreSQL a hundred editions at a time, with their partition.

A partition is detached while others work (`CONCURRENTLY`), then dropped; whoever is killed in between leaves it half detached or alone, and
the next one finishes that first. Where a partition has to wait, rows go in pieces, a month later.
"""

import asyncio
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database, logs, postgresql
from service.database import Database
from service.editions.models import Edition, State
from service.ledger.models import Bounced, Delivery, Run
from service.ledger.partitions import EDITIONS_PER_PARTITION

log = logs.get(__name__)

PIECE_ROWS = 2_000
PIECES_AT_ONCE = 500
PAUSE_SECONDS = 0.02  # so that whoever sends meanwhile gets its turn
LINGER = timedelta(days=31)
UNFINISHED = (State.DRAFT, State.SCHEDULED, State.SENDING, State.PAUSED)
NAMED = "delivery_p"


async def remove(held: Database, url: str, *, now: datetime) -> None:
    """What is summarised and still there."""
    if not held.is_sqlite:
        await _drop_partitions(held, url)
    before = now if held.is_sqlite else now - LINGER
    for _ in range(PIECES_AT_ONCE):
        if not await held.write(_remove_piece, before):
            break
        await asyncio.sleep(PAUSE_SECONDS)


def _remove_piece(session: Session, before: datetime) -> bool:
    """Whether there was anything."""
    query = sa.select(col(Run.edition_id)).where(col(Run.has_details), col(Run.summarised_at) <= before)
    edition_id = session.execute(query.order_by(col(Run.edition_id)).limit(1)).scalar_one_or_none()
    if edition_id is None:
        return False
    numbers = sa.select(col(Delivery.number)).where(col(Delivery.edition_id) == edition_id)
    these = numbers.order_by(col(Delivery.number)).limit(PIECE_ROWS)
    gone = session.connection().execute(
        sa.delete(Delivery).where(col(Delivery.edition_id) == edition_id, col(Delivery.number).in_(these))
    )
    if gone.rowcount < PIECE_ROWS:
        _forget(session, [edition_id])
    return True


def _forget(session: Session, editions: list[int]) -> None:
    session.execute(sa.delete(Bounced).where(col(Bounced.edition_id).in_(editions)))
    session.execute(
        sa.update(Run).where(col(Run.edition_id).in_(editions)).values(has_details=False),
        execution_options={"synchronize_session": False},
    )


async def _drop_partitions(held: Database, url: str) -> None:
    try:
        for name in await held.read(_detached):
            await postgresql.alone(url, f"DROP TABLE {name}")
        for name in await held.read(_half_detached):
            await postgresql.alone(url, f"ALTER TABLE delivery DETACH PARTITION {name} FINALIZE")
            await postgresql.alone(url, f"DROP TABLE {name}")
        for index in await held.read(_outlived):
            await postgresql.alone(url, f"ALTER TABLE delivery DETACH PARTITION {NAMED}{index} CONCURRENTLY")
            await postgresql.alone(url, f"DROP TABLE {NAMED}{index}")
            log.info("partition.dropped", partition=f"{NAMED}{index}")
    except sa.exc.DBAPIError as error:
        log.warning(
            "partition.not_dropped", problem=str(error)
        )  # somebody holds the table; an hour later again
    await held.write(_note_dropped)


def _outlived(session: Session) -> list[int]:
    """Partitions no new edition falls into, whose editions are all summarised, and none of them could still begin to leave."""
    newest = int(session.execute(sa.select(sa.func.coalesce(sa.func.max(col(Edition.id)), 0))).scalar_one())
    candidates = [index for index in _attached(session) if (index + 1) * EDITIONS_PER_PARTITION <= newest]
    return [index for index in candidates if _is_outlived(session, index)]


def _is_outlived(session: Session, index: int) -> bool:
    first, last = index * EDITIONS_PER_PARTITION, (index + 1) * EDITIONS_PER_PARTITION
    has_rows_asked = sa.select(col(Run.edition_id)).where(
        col(Run.edition_id) >= first, col(Run.edition_id) < last, col(Run.summarised_at).is_(None)
    )
    may_begin = sa.select(col(Edition.id)).where(
        col(Edition.id) >= first, col(Edition.id) < last, col(Edition.state).in_(UNFINISHED)
    )
    return not any(session.execute(query.limit(1)).first() for query in (has_rows_asked, may_begin))


def _note_dropped(session: Session) -> None:
    """Editions whose partition is not there any more have no rows left."""
    present = set(_attached(session))
    query = sa.select(col(Run.edition_id)).where(col(Run.has_details), col(Run.summarised_at).is_not(None))
    gone = [
        found for found in session.execute(query).scalars() if found // EDITIONS_PER_PARTITION not in present
    ]
    if gone:
        _forget(session, gone)


def _attached(session: Session) -> list[int]:
    if not database.is_postgresql(session):
        return []
    names = session.execute(sa.text(_PARTITIONS.format("NOT i.inhdetachpending"))).scalars()
    return sorted(int(name.removeprefix(NAMED)) for name in names)


def _half_detached(session: Session) -> list[str]:
    return list(session.execute(sa.text(_PARTITIONS.format("i.inhdetachpending"))).scalars())


def _detached(session: Session) -> list[str]:
    """Tables that were a partition once."""
    query = (
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relname ~ '^delivery_p[0-9]+$' "
        "AND c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'delivery'::regclass) "
        "AND NOT EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhrelid = c.oid)"
    )
    return list(session.execute(sa.text(query)).scalars())


_PARTITIONS = (
    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = 'delivery'::regclass AND {}"
)
