"""A queue that fails, and tasks that end by a fault of their own: the worker goes on, and says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from pgqueuer import PgQueuer
from pgqueuer.adapters.inmemory import InMemoryQueries
from sqlmodel import Session

from service.clock import SystemClock
from service.delivery import closing
from service.dependencies import Resources
from service.jobs import Jobs, Kind, handing, postgresql
from service.worker import Worker
from service.workers import duties, supervision
from service.workers.supervision import Supervisor
from tests.support.outbox import once_more, open_outbox
from tests.support.relay import Relay

READERS = [f"reader{number}@example.org" for number in range(20)]
PATIENCE = 60.0  # a nudge may take 3 s, forgetting 4 and the pulse 3; on a busy machine all of them longer
DEAF = (
    "CREATE FUNCTION deaf() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$ LANGUAGE plpgsql",
    "CREATE TRIGGER deaf BEFORE UPDATE ON pgqueuer FOR EACH ROW EXECUTE FUNCTION deaf()",
)


def told(session: Session, statement: str) -> None:
    session.execute(sa.text(statement))


@asynccontextmanager
async def without_queue(resources: Resources) -> AsyncIterator[None]:
    """Its tables are gone, or beside SQLite whatever it is asked fails by an error that nobody foresaw."""
    if resources.database.is_sqlite:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("enqueue", "dequeue"):
                patch.setattr(InMemoryQueries, name, _fails)
            yield
        return
    await postgresql.uninstall(resources.settings.database_url)
    try:
        yield
    finally:
        await postgresql.install(resources.settings.database_url)


async def _fails(*_: object, **__: object) -> None:
    raise LookupError("nobody foresaw this")


async def reasons(client: httpx2.AsyncClient) -> list[str]:
    answer = await client.get("/healthz")
    return [] if answer.status_code == 200 else list(answer.json()["reasons"])


async def until_health_says(
    client: httpx2.AsyncClient, wanted: list[str], *, within: float = PATIENCE
) -> None:
    async with asyncio.timeout(within):
        while await reasons(client) != wanted:
            await asyncio.sleep(0.2)


async def until_all_is_taken_up(jobs: Jobs, *, within: float = PATIENCE) -> None:
    async with asyncio.timeout(within):
        while any((await jobs.waiting()).values()):
            await asyncio.sleep(0.1)


async def test_without_its_queue_a_worker_sends_all_the_same_and_says_what_fails(
    resources: Resources, client: httpx2.AsyncClient, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "LASTING_SECONDS", 2.0)
    monkeypatch.setattr(supervision, "FORGOTTEN_SECONDS", 4.0)
    working = replace(resources, clock=SystemClock())
    async with Worker(working, relay.url).running():
        async with without_queue(resources):
            outbox = await open_outbox(resources, READERS)
            ended = await outbox.until_ended(within=PATIENCE)
            assert ended.accepted == len(READERS)
            unwritten = await resources.database.write(
                once_more, outbox.edition.id, len(READERS), is_written_out=False
            )
            await relay.until(2 * len(READERS), within=PATIENCE)
            assert not await resources.jobs.nudge(Kind.NOTICE, "asked"), "whoever nudges does not fail"
            await until_health_says(client, ["task_failing"])
            assert "example" not in (await client.get("/healthz")).text
        await until_health_says(client, [])
        assert await resources.jobs.nudge(Kind.FEED, "a feed")
        await until_all_is_taken_up(resources.jobs)
        assert unwritten


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_queue_that_is_told_and_does_not_hear_is_noticed(
    resources: Resources, client: httpx2.AsyncClient, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever nudges sees nothing of it: the job is written down, and nobody can take it up."""
    monkeypatch.setattr(supervision, "LASTING_SECONDS", 2.0)
    monkeypatch.setattr(supervision, "FORGOTTEN_SECONDS", 4.0)
    for statement in DEAF:
        await resources.database.write(told, statement)
    async with Worker(replace(resources, clock=SystemClock()), relay.url).running():
        outbox = await open_outbox(resources, READERS)
        assert (await outbox.until_ended(within=PATIENCE)).accepted == len(READERS)
        assert await resources.jobs.nudge(Kind.FEED, "a feed"), "it can be told"
        await until_health_says(client, ["task_failing"])
        await resources.database.write(told, "DROP FUNCTION deaf CASCADE")
        await until_all_is_taken_up(resources.jobs)
        await until_health_says(client, [])


async def test_a_task_that_ends_by_a_fault_of_its_own_is_begun_anew(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    really, broken = handing.serve, set[Kind]()

    async def breaks_once(queue: PgQueuer, kind: Kind, *args: Any, **kwargs: Any) -> None:
        if kind in broken:
            await really(queue, kind, *args, **kwargs)
        broken.add(kind)
        raise RuntimeError("a fault of our own")

    monkeypatch.setattr(handing, "serve", breaks_once)
    async with Worker(replace(resources, clock=SystemClock()), relay.url).running():
        outbox = await open_outbox(resources, READERS)
        assert (await outbox.until_ended(within=PATIENCE)).accepted == len(READERS)
        assert broken == set(Kind)
        await resources.jobs.nudge(Kind.FEED, "a feed")
        await until_all_is_taken_up(resources.jobs)


async def test_a_step_of_the_tick_that_fails_keeps_neither_the_others_nor_the_pulse(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch, client: httpx2.AsyncClient
) -> None:
    monkeypatch.setattr(supervision, "LASTING_SECONDS", 2.0)

    def fails(_session: Session) -> bool:
        raise LookupError("a fault of our own")

    monkeypatch.setattr(closing, "has_work", fails)
    worker = Worker(replace(resources, clock=SystemClock()), relay.url)
    async with worker.running():
        await open_outbox(resources, READERS)
        await relay.until(len(READERS), within=PATIENCE)
        await until_health_says(client, ["task_failing"])
        assert "_end_what_is_done" in (await client.get("/healthz")).json()["detail"]
        monkeypatch.undo()
        await until_health_says(client, [])


async def test_work_begun_without_the_queue_takes_no_more_places_than_there_are(resources: Resources) -> None:
    class Mute:
        async def nudge(self, _kind: Kind, *_keys: str) -> bool:
            return False

        async def serve(self, _kind: Kind, _handler: object, *, at_once: int) -> None:
            await asyncio.sleep(at_once * 60)

    stopping, running, let_go = asyncio.Event(), list[int](), asyncio.Event()

    async def works() -> None:
        running.append(1)
        await let_go.wait()

    supervisor = Supervisor(stopping)
    mute: Any = Mute()
    held = duties.Duties(mute, supervisor)
    held.keep(Kind.SPAN, works, at_once=3)
    for _ in range(3):
        await held.nudge(Kind.SPAN, "a", "b")
        await asyncio.sleep(0.01)
    assert len(running) == 3
    let_go.set()
    await asyncio.sleep(0.01)
    await held.nudge(Kind.SPAN, "a")
    await asyncio.sleep(0.01)
    assert len(running) == 4
    stopping.set()
    await supervisor.stop(0.1)


async def test_what_a_tick_finds_is_begun_where_there_is_room_and_the_queue_is_asked_only_while_it_fails(
    resources: Resources,
) -> None:
    """Each nudge has every queue of every worker look, and during a send each of them ticks every second."""

    class Recording:
        def __init__(self) -> None:
            self.nudged: list[str] = []
            self.is_mute = False

        async def nudge(self, _kind: Kind, *keys: str) -> bool:
            self.nudged += keys
            return not self.is_mute

        async def serve(self, _kind: Kind, _handler: object, *, at_once: int) -> None:
            await asyncio.sleep(at_once * 60)

    asked, running, let_go = list[int](), list[int](), asyncio.Event()

    async def due(most: int) -> list[int]:
        asked.append(most)
        return list(range(min(2, most)))

    async def works() -> None:
        running.append(1)
        await let_go.wait()

    supervisor, queue = Supervisor(asyncio.Event()), Recording()
    recorded: Any = queue
    held = duties.Duties(recorded, supervisor)
    held.keep(Kind.SPAN, works, at_once=3)
    for _ in range(4):
        await held.take_up(Kind.SPAN, due)
        await asyncio.sleep(0.01)
    assert (asked, len(running), queue.nudged) == ([3, 1], 3, [])
    let_go.set()
    await asyncio.sleep(0.01)
    queue.is_mute = True
    await held.nudge(Kind.SPAN, "told")
    await held.take_up(Kind.SPAN, due)
    assert queue.nudged == ["told", "span-0", "span-1"]
    queue.is_mute = False
    await held.take_up(Kind.SPAN, due)
    await held.take_up(Kind.SPAN, due)
    assert queue.nudged == ["told", "span-0", "span-1", "span-0", "span-1"], "it works again"
    await supervisor.stop(0.1)


async def test_a_full_worker_keeps_no_nudges_waiting_but_one(resources: Resources) -> None:
    """The one may be for what has come due since those at work have looked; who waits for a place keeps it from another worker."""
    handlers, running, let_go = list[Any](), list[int](), asyncio.Event()

    class Queue:
        async def serve(self, _kind: Kind, handler: Any, *, at_once: int) -> None:
            handlers.append(handler)
            await asyncio.sleep(at_once * 60)

    async def works() -> None:
        running.append(1)
        await let_go.wait()

    supervisor = Supervisor(asyncio.Event())
    queue: Any = Queue()
    held = duties.Duties(queue, supervisor)
    held.keep(Kind.SPAN, works, at_once=2)
    await asyncio.sleep(0.01)
    nudged = [asyncio.create_task(handlers[0]()) for _ in range(5)]
    await asyncio.sleep(0.01)
    assert (len(running), [task.done() for task in nudged]) == (2, [False, False, False, True, True])
    let_go.set()
    await asyncio.wait(nudged)
    assert len(running) == 3
    await supervisor.stop(0.1)
