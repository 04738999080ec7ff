"""Statements that are transactions of their own, on PostgreSQL: what they do when a lock is lost, or the connection."""

import asyncio

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from service import postgresql
from service.database import Database
from service.dependencies import Resources
from service.postgresql import AtOnce

ONLY_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
INSERTED = """
    INSERT INTO cooldown (key, window_at, last_at, count) VALUES ($1, clock_timestamp(), clock_timestamp(), $2)
    ON CONFLICT (key) DO UPDATE SET count = cooldown.count + excluded.count
    RETURNING count
"""


def _at_once(held: Database) -> AtOnce:
    assert isinstance(held.at_once, AtOnce)
    return held.at_once


def _count(session: Session, key: str) -> int:
    return int(
        session.execute(sa.text("SELECT count FROM cooldown WHERE key = :key"), {"key": key}).scalar_one()
    )


def _end_the_others(session: Session) -> None:
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    session.execute(sa.text(ended))


@ONLY_POSTGRESQL
async def test_it_answers_when_it_is_committed(resources: Resources) -> None:
    held = resources.database
    assert (await _at_once(held).all(INSERTED, "a", 2))[0][0] == 2
    assert await held.read(_count, "a") == 2
    assert await _at_once(held).all("SELECT 1 FROM cooldown WHERE key = $1", "b") == []
    assert held.writes.count >= 2


@ONLY_POSTGRESQL
async def test_a_lock_that_is_kept_too_long_is_waited_for_again(resources: Resources) -> None:
    held = resources.database
    await _at_once(held).all(INSERTED, "a", 1)

    is_kept = asyncio.Event()

    def keep_it(session: Session) -> None:
        session.execute(sa.text("SELECT 1 FROM cooldown WHERE key = 'a' FOR UPDATE"))
        is_kept.set()
        for _ in range(150):  # for longer than lock_timeout, whenever the other one began to wait
            if held.writes.retries:
                break
            session.execute(sa.text("SELECT pg_sleep(0.1)"))

    keeping = asyncio.create_task(held.write(keep_it))
    await is_kept.wait()
    assert held.writes.retries == 0
    assert (await _at_once(held).all(INSERTED, "a", 1))[0][0] == 2
    await keeping
    assert held.writes.retries >= 1


@ONLY_POSTGRESQL
async def test_a_lost_connection_is_told_and_the_next_statement_has_another(resources: Resources) -> None:
    held = resources.database
    await _at_once(held).all(INSERTED, "a", 1)
    await held.write(_end_the_others)
    with pytest.raises((sa.exc.DBAPIError, OSError)):
        await _at_once(held).all(INSERTED, "a", 1)
    assert (await _at_once(held).all(INSERTED, "a", 1))[0][0] == 2


@ONLY_POSTGRESQL
async def test_an_answer_that_does_not_come_is_an_error_that_says_so(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver's own has no word in it, and whoever wrote its first line into a log ended by that."""
    monkeypatch.setattr(postgresql, "ANSWER_SECONDS", 0.3)
    with pytest.raises(sa.exc.DBAPIError) as caught:
        await _at_once(resources.database).all("SELECT pg_sleep(5)")
    assert str(caught.value).splitlines()[0]
    monkeypatch.undo()
    assert (await _at_once(resources.database).all("SELECT 1"))[0][0] == 1
