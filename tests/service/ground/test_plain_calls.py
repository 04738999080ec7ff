"""Calls of SQLite's writer that take the driver's connection: committed before the answer, undone alone, told like any other error."""

import asyncio
import sqlite3
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from service.database import Database
from service.dependencies import Resources
from service.sqlite_writer import PlainCalls

ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
INSERTED = "INSERT INTO cooldown (key, window_at, last_at, count) VALUES (?, '2026-03-02', '2026-03-02', 1)"


def _plainly(held: Database) -> PlainCalls:
    assert isinstance(held.at_once, PlainCalls)
    return held.at_once


def _keys(session: Session) -> list[str]:
    return list(session.execute(sa.text("SELECT key FROM cooldown ORDER BY key")).scalars())


def _added(key: str, then: str = "SELECT 1") -> Callable[[sqlite3.Connection], str]:
    def add(driver: sqlite3.Connection) -> str:
        driver.execute(INSERTED, (key,))
        driver.execute(then)
        return key

    return add


def _written(session: Session, key: str) -> None:
    session.execute(sa.text(INSERTED.replace("?", ":key", 1)), {"key": key})


@ONLY_SQLITE
async def test_it_answers_when_it_is_committed(resources: Resources) -> None:
    held = resources.database
    assert await _plainly(held).run(_added("a")) == "a"
    assert await held.read(_keys) == ["a"]
    assert held.writes.count >= 1


@ONLY_SQLITE
async def test_one_that_fails_alone_is_undone_and_the_writer_goes_on(resources: Resources) -> None:
    held = resources.database
    with pytest.raises(sa.exc.OperationalError):
        await _plainly(held).run(_added("a", "SELECT nothing FROM nowhere"))
    with pytest.raises(sa.exc.IntegrityError):
        await _plainly(held).run(lambda driver: [_added("b")(driver), _added("b")(driver)])
    await _plainly(held).run(_added("c"))
    assert await held.read(_keys) == ["c"]


@ONLY_SQLITE
async def test_one_that_fails_among_others_is_undone_alone_and_told_in_the_same_way(
    resources: Resources,
) -> None:
    """The committer tries again after a DBAPIError; the driver's own error would have been its end."""
    held = resources.database
    calls = [
        held.write(_written, "a"),
        _plainly(held).run(_added("b", "SELECT nothing FROM nowhere")),
        _plainly(held).run(_added("c")),
        held.write(_written, "d"),
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(answers[1], sa.exc.DBAPIError)
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [None, "c", None]
    assert await held.read(_keys) == ["a", "c", "d"]
