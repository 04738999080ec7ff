"""A few readers first: the rest waits, follows or stops; whatever happens to who sends, it is in the rows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.accounts import keys
from service.clock import SystemClock
from service.delivery import launch, steering
from service.dependencies import Resources, opened
from service.editions.models import State
from service.events.models import Event
from service.ledger.models import Run
from service.newsletters import publication
from service.newsletters.canary import CanaryRules
from service.newsletters.models import Newsletter
from service.worker import Worker
from tests.service.desk import steps
from tests.support import nursery
from tests.support.outbox import Outbox, add_readers
from tests.support.relay import Relay

READERS = [f"reader{number}@example.org" for number in range(40)]
FIRST = READERS[:10]
SEED = "look-at-it@example.net"
RULES = {"is_on": True, "first_count": 10, "wait_seconds": 3600, "seeds": [SEED, READERS[30]]}
PATH = "/desk/newsletters/morning-memo"


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with Relay() as relay:
        yield relay


@pytest.fixture
async def outbox(resources: Resources) -> Outbox:
    """Begun, by a process that ended at once."""
    resources = replace(resources, clock=SystemClock())
    memo = await steps.newsletter(resources, canary=RULES)
    now = resources.clock.now()
    await resources.database.write(add_readers, memo, READERS, pepper=resources.pepper, now=now)
    draft = await steps.edition(resources, memo, "The ferry stays")
    return Outbox(resources, await launch.launch(resources, draft.uid, actor="test"))


def over(session: Session) -> None:
    """As if the wait were over."""
    past = database.now(session) - timedelta(seconds=1)
    session.execute(sa.update(Run).values(canary_until=past))


def happened(session: Session, name: str) -> int:
    return len(session.execute(sa.select(col(Event.id)).where(col(Event.name) == name)).all())


def recipients(relay: Relay) -> list[str]:
    return sorted(received.recipient for received in relay.received)


async def test_the_first_go_the_rest_waits_and_then_follows(outbox: Outbox, relay: Relay) -> None:
    held = outbox.resources.database
    async with Worker(outbox.resources, relay.url).running():
        await relay.until(11, within=20)
        async with asyncio.timeout(20):
            while (await outbox.progress()).accepted < 10:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        assert recipients(relay) == sorted([*FIRST, SEED]), "a seed who reads it is a reader"
        found = await outbox.progress()
        assert (found.canary_readers, found.accepted, found.is_fanned_out) == (10, 10, False)
        await held.write(over)
        ended = await outbox.until_ended()
    assert (ended.accepted, ended.audience, ended.canary_readers) == (40, 40, None)
    assert recipients(relay) == sorted([*READERS, SEED])
    assert await held.read(happened, "edition.canary_passed") == 1


async def test_mailboxes_of_our_own_among_the_refused_are_named_and_not_promised_another_try(
    outbox: Outbox, relay: Relay
) -> None:
    relay.when(phase="rcpt", recipient=SEED).reply("550 5.1.1 that mailbox is closed")
    for reader in FIRST[:2]:
        relay.when(phase="rcpt", recipient=reader).reply("550 5.1.1 no such user")
    async with Worker(outbox.resources, relay.url).running():
        async with asyncio.timeout(20):
            while await outbox.state() is not State.PAUSED:
                await asyncio.sleep(0.05)
        reason = (await outbox.progress()).stop_reason or ""
        assert f"Of your own mailboxes: {SEED} (550 5.1.1 that mailbox is closed)." in reason
        assert reason.endswith("resume: those refused are tried again, but for your own mailboxes")


async def test_too_many_refusals_stop_the_rest_and_resuming_tries_them_again(
    outbox: Outbox, relay: Relay, client: httpx2.AsyncClient
) -> None:
    resources = outbox.resources
    # With the third it is judged: of one more nobody knows whether it is counted by then.
    for reader in FIRST[:3]:
        relay.when(phase="rcpt", recipient=reader).reply("550 5.1.1 no such user")
    async with Worker(resources, relay.url).running():
        async with asyncio.timeout(20):
            while await outbox.state() is not State.PAUSED:
                await asyncio.sleep(0.05)
        await outbox.until_let_go()
        _, secret = await resources.database.write(
            keys.create, "a program", ("read",), now=resources.clock.now()
        )
        headers = {"Authorization": f"Bearer {secret}"}
        figures = (
            await client.get(f"/api/v1/editions/{outbox.edition.uid}/progress", headers=headers)
        ).json()
        assert figures["state"] == "paused"
        assert "3 were refused, more than 5 %" in figures["stop_reason"]
        assert "no such user" in figures["stop_reason"]
        assert len(relay.received) <= 8
        relay.forget_rules()
        await resources.database.write(
            steering.resume, outbox.edition.uid, now=resources.clock.now(), actor="Ada"
        )
        ended = await outbox.until_ended()
    assert (ended.accepted, ended.refused) == (40, 0)
    assert recipients(relay) == sorted([*READERS, SEED])


async def test_a_relay_that_says_nothing_yet_lets_nothing_follow(outbox: Outbox, relay: Relay) -> None:
    await relay.stop()
    async with Worker(outbox.resources, relay.url).running():
        await outbox.resources.database.write(over)
        await asyncio.sleep(1.3)
        found = await outbox.progress()
        assert (found.canary_readers, found.audience, await outbox.state()) == (10, 10, State.SENDING)


async def test_killed_in_the_wait_others_go_on(outbox: Outbox, relay: Relay, tmp_path: Path) -> None:
    resources = outbox.resources
    chosen = resources.settings
    told = {
        "MEMO_DATABASE_URL": chosen.database_url,
        "MEMO_DATA_DIR": str(chosen.data_dir),
        "MEMO_SECRET_KEY": chosen.secret_key,
        "MEMO_PUBLIC_URL": chosen.public_url,
        "MEMO_RELAY_URL": relay.url,
    }
    async with nursery.memo("worker", folder=tmp_path, settings=told) as first:
        await relay.until(11, within=60)
        await outbox.until_let_go()
        first.kill9()
    await resources.database.write(over)
    async with opened(chosen, SystemClock()) as one, Worker(one, relay.url).running():
        if resources.database.is_sqlite:
            ended = await outbox.until_ended(within=40)
        else:
            async with opened(chosen, SystemClock()) as two, Worker(two, relay.url).running():
                ended = await outbox.until_ended(within=40)
    assert ended.accepted == 40
    assert recipients(relay) == sorted([*READERS, SEED])
    assert await resources.database.read(happened, "edition.canary_passed") == 1


async def test_who_goes_first_is_set_at_the_desk(resources: Resources, client: httpx2.AsyncClient) -> None:
    memo: Newsletter = await steps.newsletter(resources)
    await steps.account(resources)
    await steps.sign_in(client)
    assert "With more than 5,000 readers" in (await client.get(PATH)).text
    form = {"when": "on", "first": "50", "wait": "30", "percent": "8", "seeds": f"{SEED}\n Look@Example.org "}
    answer = await client.post(f"{PATH}/canary", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PATH}#canary")
    kept = await resources.database.read(publication.get, memo.slug)
    assert publication.canary_rules(kept) == CanaryRules(
        is_on=True, first_count=50, wait_seconds=30, refused_percent=8, seeds=[SEED, "Look@example.org"]
    )
    page = await client.get(PATH)
    assert '<option value="on" selected>' in page.text
    answer = await client.post(f"{PATH}/canary", data=form | {"seeds": "nobody", "percent": "0"})
    assert answer.status_code == 422
    assert ">nobody</textarea>" in answer.text
