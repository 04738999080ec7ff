"""Where PostgreSQL keeps deliveries: two partitions ahead, half full, and never waited for."""

import asyncio
import time
from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from service import database
from service.dependencies import Resources
from service.editions.models import Edition, State
from service.ledger import partitions
from tests.support.lag import Lag
from tests.support.publishing import newsletter

FOUND = """
    SELECT c.relname, c.reloptions FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'delivery'::regclass
"""


def _edition_numbered(session: Session, number: int) -> None:
    now = database.now(session)
    memo = newsletter(session, now)
    session.add(
        Edition(
            id=number, newsletter_id=memo.id, local_date=date(2026, 3, 2), state=State.DRAFT, created_at=now
        )
    )
    session.flush()


def _found(session: Session) -> dict[str, list[str]]:
    return {name: list(options or ()) for name, options in session.execute(sa.text(FOUND))}


async def test_there_are_two_ahead_and_updates_find_room(resources: Resources) -> None:
    await resources.database.write(_edition_numbered, 250)
    made = await resources.database.write(partitions.ensure)
    assert await resources.database.write(partitions.ensure) == 0
    if resources.database.is_sqlite:
        assert made == 0
        return
    found = await resources.database.read(_found)
    assert set(found) == {f"delivery_p{index}" for index in range(5)}
    assert set(map(tuple, found.values())) == {("fillfactor=50",)}


async def test_what_retention_took_stays_away(resources: Resources) -> None:
    await resources.database.write(_edition_numbered, 250)
    await resources.database.write(partitions.ensure)
    if not resources.database.is_sqlite:
        await resources.database.write(
            lambda session: session.execute(sa.text("DROP TABLE delivery_p0")) and None
        )
    assert await resources.database.write(partitions.ensure) == 0


async def test_whoever_cannot_attach_does_not_keep_others_waiting(resources: Resources) -> None:
    """As while a long dump or another change of the table holds it: the others queue behind whoever waits."""
    await resources.database.write(_edition_numbered, 250)
    if resources.database.is_sqlite:
        assert await resources.database.write(partitions.ensure) == 0
        return

    is_held, has_given_up = asyncio.Event(), asyncio.Event()

    def hold(session: Session) -> None:
        session.execute(sa.text("LOCK TABLE delivery IN SHARE MODE"))
        is_held.set()
        for _ in range(200):  # it has to give up before it could have what it waits for
            if has_given_up.is_set():
                break
            session.execute(sa.text("SELECT pg_sleep(0.05)"))

    def once(session: Session) -> float:
        began = time.monotonic()
        with pytest.raises(DBAPIError, match="lock timeout"), session.begin_nested():
            partitions.ensure(session)
        return time.monotonic() - began

    holding = asyncio.create_task(resources.database.write(hold))
    await is_held.wait()
    try:
        async with Lag().measured() as lag:
            waited = await resources.database.write(once)
    finally:
        has_given_up.set()
        await holding
    assert waited > 0.5
    assert waited - lag.seconds < 1.9
