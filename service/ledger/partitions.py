"""PostgreSQL keeps deliveries in partitions of 100 editions each; there are always two ahead.

Made as a plain table and attached, for `CREATE … PARTITION OF` would wait behind pg_dump, and every committer behind it; and
whoever cannot attach soon gives up and comes back. There is no DEFAULT partition: a row without a place is an error to see at
once. SQLite needs none of this.
"""

import sqlalchemy as sa
from sqlmodel import Session

from service import database

EDITIONS_PER_PARTITION = 100
AHEAD = 2
LOCK_WAIT = "1s"  # `memo migrate` comes on a connection that knows no time-out
FILL = 50  # an update finds room on its own page and stays HOT; a partitioned parent refuses the setting


def ensure(session: Session) -> int:
    """Make the partitions up to two ahead of the newest edition; returns how many were made. What retention took stays away."""
    if not database.is_postgresql(session):
        return 0
    newest = session.execute(sa.text("SELECT coalesce(max(id), 0) FROM edition")).scalar_one()
    present = _present(session)
    current = newest // EDITIONS_PER_PARTITION
    wanted = range(current if present else 0, current + 1 + AHEAD)
    missing = [index for index in wanted if f"delivery_p{index}" not in present]
    if missing:
        session.execute(sa.text(f"SET LOCAL lock_timeout = '{LOCK_WAIT}'"))
    for index in missing:
        _make(session, index)
    return len(missing)


def _present(session: Session) -> set[str]:
    names = session.execute(
        sa.text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'delivery'::regclass"
        )
    )
    return set(names.scalars())


def _make(session: Session, index: int) -> None:
    first, last = index * EDITIONS_PER_PARTITION, (index + 1) * EDITIONS_PER_PARTITION
    name = f"delivery_p{index}"
    session.execute(
        sa.text(
            f"CREATE TABLE {name} (LIKE delivery INCLUDING DEFAULTS INCLUDING CONSTRAINTS) WITH (fillfactor={FILL})"
        )
    )
    session.execute(
        sa.text(f"ALTER TABLE delivery ATTACH PARTITION {name} FOR VALUES FROM ({first}) TO ({last})")
    )
