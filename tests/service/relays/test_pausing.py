"""A relay that a person pauses: editions wait and say why, notices leave, its fallback does not stand in, and all goes on afterwards."""

import asyncio

import httpx2
from sqlmodel import Session, select

from service import database
from service.accounts import keys
from service.delivery import relay_pause
from service.delivery.models import Relay as RelayRow
from service.delivery.models import Role
from service.dependencies import Resources
from service.editions.models import State
from service.jobs import Kind
from service.ledger import notices
from service.newsletters.models import Newsletter
from service.worker import Worker
from tests.service.desk import steps
from tests.service.relays import steps as relay_steps
from tests.support.outbox import open_outbox
from tests.support.relay import Relay

READERS = [f"reader{number}@example.org" for number in range(400)]


async def _until(relay: Relay, count: int) -> None:
    async with asyncio.timeout(20):
        while len(relay.received) < count:
            await asyncio.sleep(0.05)


def _notice(session: Session) -> None:
    told = {"subject": "Look", "text": "Look at it.", "path": "/desk"}
    newsletter = session.exec(select(Newsletter)).one()
    notices.queue(
        session, "alarm", address="ops@example.org", payload=told, now=database.now(session), subject_id=newsletter.id
    )  # fmt: skip


async def test_it_is_felt_at_once_notices_leave_and_all_goes_on_afterwards(
    resources: Resources, relay: Relay
) -> None:
    relay.delay = 0.02
    await relay_steps.added(resources, "main", relay, Role.MAIN)
    outbox = await open_outbox(resources, READERS)
    now = resources.clock.now()
    async with Worker(resources, None).running():
        await _until(relay, 20)
        await resources.database.write(relay_pause.pause, "main", "it moves house", now=now, actor="Ada")
        await outbox.until_let_go()
        before = len(relay.received)
        assert before < len(READERS)
        await resources.database.write(_notice)
        await resources.jobs.nudge(Kind.NOTICE, "now")
        await _until(relay, before + 1)
        await asyncio.sleep(1)
        assert [one.recipient for one in relay.received[before:]] == ["ops@example.org"]
        await resources.database.write(relay_pause.resume, "main", now=now, actor="Ada")
        await _until(relay, len(READERS) + 1)
        async with asyncio.timeout(10):
            while await outbox.state() is not State.SENT:
                await asyncio.sleep(0.05)
    assert sorted({one.recipient for one in relay.received} - {"ops@example.org"}) == sorted(READERS)


async def test_the_desk_says_so_where_an_edition_waits(
    resources: Resources, client: httpx2.AsyncClient
) -> None:
    await steps.account(resources)
    await steps.sign_in(client)
    await resources.database.write(
        lambda session: session.add(RelayRow(name="main", host="relay.example.net"))
    )
    told = {"pause_reason": "it moves house"}
    assert (await client.post("/desk/relays/main/pause", data=told)).status_code == 303
    page = (await client.get("/desk/relays/main")).text
    assert "Paused: it moves house." in page
    assert 'action="/desk/relays/main/resume"' in page
    assert (await client.post("/desk/relays/main/resume")).status_code == 303
    assert "is not paused" in (await client.post("/desk/relays/main/resume")).text


async def test_a_program_pauses_and_resumes_it(resources: Resources, client: httpx2.AsyncClient) -> None:
    _, secret = await resources.database.write(
        keys.create, "a program", ("read", "send"), now=resources.clock.now()
    )
    client.headers["Authorization"] = f"Bearer {secret}"
    await resources.database.write(
        lambda session: session.add(RelayRow(name="main", host="relay.example.net"))
    )
    paused = await client.post("/api/v1/relays/main/pause", json={"reason": "it moves house"})
    assert (paused.status_code, paused.json()["paused_because"]) == (200, "it moves house")
    resumed = await client.post("/api/v1/relays/main/resume")
    assert (resumed.status_code, resumed.json()["paused_because"]) == (200, None)
    assert (await client.post("/api/v1/relays/main/resume")).status_code == 409
    assert (await client.post("/api/v1/relays/other/pause")).status_code == 404
