from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlmodel import Session

from service import database
from service.dependencies import Resources
from service.editions import composition, occurrences, rhythm, timing
from service.editions.models import Edition
from service.editions.rhythm import Rhythm
from service.ops import health
from service.tokens import new_uid
from service.worker import Worker
from service.workers import register
from service.workers.models import WorkerProcess
from service.workers.register import GONE_AFTER, Identity
from tests.support import publishing
from tests.support.clock import HandClock
from tests.support.relay import Relay

A_MINUTE = timedelta(minutes=1)


async def reasons(client: httpx2.AsyncClient) -> list[str]:
    answer = await client.get("/healthz")
    assert answer.headers["cache-control"] == "no-store"
    if answer.status_code == 200:
        return []
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    found: list[str] = answer.json()["reasons"]
    return found


async def a_worker(resources: Resources) -> Identity:
    one = Identity(new_uid(), "one.example.org:7", "one.example.org", 7, "0.1.0")
    await resources.database.write(register.beat, one, {})
    return one


def silent_for(age: timedelta) -> Callable[[Session], None]:
    def move(session: Session) -> None:
        session.execute(sa.update(WorkerProcess).values(seen_at=database.now(session) - age))

    return move


async def test_health_names_database_and_schema(client: httpx2.AsyncClient, resources: Resources) -> None:
    answer = await client.get("/healthz")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    name = "sqlite" if resources.database.is_sqlite else "postgresql"
    schema = await resources.database.read(
        lambda session: session.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one()
    )
    assert answer.json() == {
        "status": "ok", "database": name, "schema": schema, "workers": 0, "tick_age_seconds": None,
    }  # fmt: skip
    assert (await client.head("/healthz")).status_code == 200


async def test_a_database_that_does_not_answer_is_a_problem(
    client: httpx2.AsyncClient, resources: Resources
) -> None:
    await resources.database.write(
        lambda session: session.connection().exec_driver_sql("DROP TABLE alembic_version")
    )
    answer = await client.get("/healthz")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 503
    assert answer.json()["reasons"] == ["no_database"]
    assert "MEMO_DATABASE_URL" in answer.json()["detail"]
    assert "alembic" not in answer.text


async def test_a_worker_at_work_is_well_and_one_whose_tick_is_stale_is_not(
    client: httpx2.AsyncClient, resources: Resources
) -> None:
    await a_worker(resources)
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()["workers"]) == (200, 1)
    assert answer.json()["tick_age_seconds"] < GONE_AFTER.total_seconds()
    await resources.database.write(silent_for(GONE_AFTER + timedelta(seconds=1)))
    assert await reasons(client) == ["no_worker"]
    assert "example.org" not in (await client.get("/healthz")).text


async def test_one_of_two_workers_is_enough(client: httpx2.AsyncClient, resources: Resources) -> None:
    await a_worker(resources)
    await resources.database.write(silent_for(2 * GONE_AFTER))
    await a_worker(resources)
    assert await reasons(client) == []


async def test_workers_that_all_stopped_are_missed(client: httpx2.AsyncClient, resources: Resources) -> None:
    one = await a_worker(resources)
    await resources.database.write(register.end, one, {})
    assert await reasons(client) == ["no_worker"]


async def test_a_real_worker_is_seen(client: httpx2.AsyncClient, resources: Resources, relay: Relay) -> None:
    async with Worker(resources, relay.url).running():
        answer = await client.get("/healthz")
        assert (answer.status_code, answer.json()["workers"]) == (200, 1)
    assert await reasons(client) == ["no_worker"]


async def test_a_database_that_cannot_commit_is_a_problem_until_it_can(
    client: httpx2.AsyncClient, resources: Resources
) -> None:
    one = await a_worker(resources)
    is_sqlite = resources.database.is_sqlite

    def cannot(session: Session) -> None:
        """The disk is full, or the server is a replica."""
        if is_sqlite:
            pages = session.execute(sa.text("PRAGMA page_count")).scalar_one()
            session.execute(sa.text(f"PRAGMA max_page_count={pages}"))
        else:
            session.execute(sa.text("SET TRANSACTION READ ONLY"))
        register.beat(session, one, {"much": "a" * 1_000_000})

    def can(session: Session) -> None:
        if is_sqlite:
            session.execute(sa.text("PRAGMA max_page_count=1000000"))
        register.beat(session, one, {})

    with pytest.raises(sa.exc.DBAPIError):
        await resources.database.write(cannot)
    assert await reasons(client) == ["cannot_commit"]
    await resources.database.write(can)
    assert await reasons(client) == []


async def test_what_is_wrong_with_the_values_is_not_wrong_with_the_database(
    client: httpx2.AsyncClient, resources: Resources
) -> None:
    one = await a_worker(resources)

    def twice(session: Session) -> None:
        row = session.execute(sa.select(WorkerProcess)).scalar_one()
        values: dict[str, Any] = row.model_dump(exclude={"id"})
        session.execute(sa.insert(WorkerProcess).values(**values))

    with pytest.raises(sa.exc.IntegrityError):
        await resources.database.write(twice)
    assert one.name
    assert await reasons(client) == []


async def test_a_slot_that_nobody_dealt_with_is_a_problem_after_a_minute(
    client: httpx2.AsyncClient, resources: Resources, clock: HandClock
) -> None:
    def prepared(session: Session) -> None:
        memo = publishing.newsletter(session, clock.now())
        rhythm.set_cadence(session, memo, Rhythm("weekdays", "07:00", True), now=clock.now(), actor="test")
        publishing.article(session, memo, 1, now=clock.now())

    await resources.database.write(prepared)  # due at 06:00 UTC; it is 05:30
    assert await reasons(client) == []
    clock.advance(timedelta(minutes=30, seconds=30))
    assert await reasons(client) == []
    clock.advance(A_MINUTE)
    assert await reasons(client) == ["not_begun"]
    assert "2026-03-02 06:00:00 UTC" in (await client.get("/healthz")).json()["detail"]
    (uid,) = await resources.database.write(occurrences.plan, clock.now())
    assert await reasons(client) == ["not_begun"], "claimed is not begun"
    clock.advance(A_MINUTE)
    assert await resources.database.write(occurrences.plan, clock.now()) == [uid]
    assert await reasons(client) == ["not_begun"], "tried again is not begun"
    clock.advance(timedelta(hours=3))
    await resources.database.write(occurrences.plan, clock.now())
    assert await reasons(client) == [], "it was given up, and somebody was told"


async def test_a_planned_edition_that_did_not_leave_is_a_problem(
    client: httpx2.AsyncClient, resources: Resources, clock: HandClock
) -> None:
    def planned(session: Session) -> Edition:
        memo = publishing.newsletter(session, clock.now())
        edition = composition.start(session, memo, now=clock.now(), actor="test")
        article = publishing.article(session, memo, 1, now=clock.now())
        composition.include(session, edition, article, place="lead", now=clock.now(), actor="test")
        return timing.schedule(session, edition, clock.now() + A_MINUTE, now=clock.now(), actor="test")

    await resources.database.write(planned)
    assert await reasons(client) == []
    clock.advance(A_MINUTE + health.BEGINS_WITHIN + timedelta(seconds=1))
    assert await reasons(client) == ["not_begun"]


async def test_the_bare_address_leads_to_the_desk(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/")

    assert (answer.status_code, answer.headers["location"]) == (307, "/desk")
