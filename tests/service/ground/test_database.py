import asyncio

import pytest
import sqlalchemy as sa
from sqlmodel import Session, select

from service.dependencies import Resources
from service.subscribers.models import Cooldown


def add(session: Session, key: str, resources: Resources) -> None:
    now = resources.clock.now()
    session.add(Cooldown(key=key, window_at=now, last_at=now, count=0))


def raise_after_adding(session: Session, key: str, resources: Resources) -> None:
    add(session, key, resources)
    session.flush()
    raise LookupError(key)


def add_one(session: Session, key: str) -> None:
    row = session.get_one(Cooldown, key, with_for_update=True)
    row.count += 1


def keys(session: Session) -> list[str]:
    return sorted(session.exec(select(Cooldown.key)))


async def test_a_call_that_raises_leaves_nothing_and_spoils_no_other(resources: Resources) -> None:
    answers = await asyncio.gather(
        resources.database.write(add, "a", resources),
        resources.database.write(raise_after_adding, "b", resources),
        resources.database.write(add, "c", resources),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [type(None), LookupError, type(None)]
    assert await resources.database.read(keys) == ["a", "c"]


async def test_nb_28_read_then_write_loses_no_update(resources: Resources) -> None:
    await resources.database.write(add, "a", resources)
    await asyncio.gather(*(resources.database.write(add_one, "a") for _ in range(200)))
    count = await resources.database.read(lambda session: session.get_one(Cooldown, "a").count)
    assert count == 200


async def test_reading_cannot_write(resources: Resources) -> None:
    with pytest.raises(sa.exc.DBAPIError, match=r"(?i)read-?only"):
        await resources.database.read(lambda session: session.execute(sa.text("DELETE FROM cooldown")))


async def test_times_come_back_aware_and_in_utc(resources: Resources) -> None:
    await resources.database.write(add, "a", resources)
    found = await resources.database.read(lambda session: session.get_one(Cooldown, "a").last_at)
    assert found == resources.clock.now()
    assert found.tzinfo is not None
