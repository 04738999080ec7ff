"""Writes that go to SQLite's driver at once: committed before the answer, undone alone, told like any other error."""

import asyncio
from collections.abc import Sequence

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from service.database import Database
from service.dependencies import Resources
from service.sqlite_writer import OneWrite, PlainCalls

ONLY_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
INSERTED = "INSERT INTO cooldown (key, window_at, last_at, count) VALUES (?, '2026-03-02', '2026-03-02', 1)"


def _plainly(held: Database) -> PlainCalls:
    assert isinstance(held.at_once, PlainCalls)
    return held.at_once


def _keys(session: Session) -> list[str]:
    return list(session.execute(sa.text("SELECT key FROM cooldown ORDER BY key")).scalars())


def _added(*keys: str, needs: Sequence[str] = (), table: str = "cooldown") -> OneWrite:
    write = f"INSERT INTO {table} (key, window_at, last_at, count) VALUES "
    write += ", ".join(["(?, '2026-03-02', '2026-03-02', 1)"] * len(keys))
    return OneWrite(write, keys, "SELECT group_concat(key) FROM cooldown WHERE key >= ?", (keys[0],), needs)


def _half_known(needs: Sequence[str]) -> OneWrite:
    return _added("e", needs=[text.replace("noted", "half_known") for text in needs], table="half_known")


def _written(session: Session, key: str) -> None:
    session.execute(sa.text(INSERTED.replace("?", ":key", 1)), {"key": key})


@ONLY_SQLITE
async def test_it_answers_when_it_is_committed(resources: Resources) -> None:
    held = resources.database
    assert await _plainly(held).run(_added("a", "b")) == "a,b"
    assert await held.read(_keys) == ["a", "b"]
    assert held.writes.count >= 1


@ONLY_SQLITE
async def test_one_that_fails_alone_is_undone_and_the_writer_goes_on(resources: Resources) -> None:
    held = resources.database
    with pytest.raises(sa.exc.OperationalError):
        await _plainly(held).run(_added("a", table="nowhere"))
    with pytest.raises(sa.exc.IntegrityError):
        await _plainly(held).run(_added("a", "b", "b"))
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
        _plainly(held).run(_added("b", table="nowhere")),
        _plainly(held).run(_added("c", "c")),
        _plainly(held).run(_added("d")),
        held.write(_written, "e"),
    ]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(answers[1], sa.exc.DBAPIError)
    assert isinstance(answers[2], sa.exc.IntegrityError)
    assert [answer for answer in answers if not isinstance(answer, Exception)] == [None, "d", None]
    assert await held.read(_keys) == ["a", "d", "e"]


@ONLY_SQLITE
async def test_what_it_needs_is_made_on_the_way_and_again_if_that_was_undone(
    resources: Resources,
) -> None:
    held = resources.database
    needs = [
        "CREATE TEMP VIEW IF NOT EXISTS noted AS SELECT NULL AS key, NULL AS window_at, NULL AS last_at, NULL AS count",
        """CREATE TEMP TRIGGER noted_written INSTEAD OF INSERT ON noted
        BEGIN INSERT INTO cooldown VALUES (NEW.key, NEW.window_at, NEW.last_at, NEW.count); END""",
    ]
    noting = [_plainly(held).run(_added(key, key, needs=needs, table="noted")) for key in "ab"]
    answers = await asyncio.gather(held.write(_written, "z"), *noting, return_exceptions=True)
    assert [isinstance(answer, sa.exc.IntegrityError) for answer in answers] == [False, True, True]
    assert await _plainly(held).run(_added("c", needs=needs, table="noted")) == "c,z"
    with pytest.raises(sa.exc.IntegrityError):
        await _plainly(held).run(_added("c", needs=needs, table="noted"))
    assert await _plainly(held).run(_added("d", needs=needs, table="noted")) == "d,z"
    without = [needs[0], "CREATE TEMP TRIGGER noted_written SYNTAX ERROR"]
    with pytest.raises(sa.exc.OperationalError):
        await _plainly(held).run(_half_known(without))
    assert await _plainly(held).run(_half_known(needs)) == "e,z"
    assert await held.read(_keys) == ["c", "d", "e", "z"]
