"""Several editions begin at one moment, and a site that some of them wait for says nothing."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlmodel import Session, col, select

from service import worker as worker_module
from service.clock import SystemClock
from service.delivery import launch
from service.dependencies import Resources, opened
from service.editions import composition, occurrences
from service.editions.models import Edition, State
from service.ledger.models import Run
from service.media import copying
from service.rendering.blocks import Document, Note, PictureBlock
from service.rendering.pieces import Picture
from service.settings import Settings
from service.worker import Worker
from service.workers import present
from tests.service.desk import steps
from tests.support.lag import Lag
from tests.support.newsroom import Newsroom
from tests.support.outbox import open_outbox
from tests.support.relay import Relay

READERS = len(steps.READERS)


@pytest.fixture
async def resources(
    chosen: Settings, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Resources]:
    """Pictures are copied by nobody before their edition leaves."""

    async def nobody(_held: object) -> None:
        pass

    monkeypatch.setattr(copying, "copy_due", nobody)
    allowing = chosen.model_copy(update={"fetch_allow": (f"127.0.0.1:{newsroom.port}",)})
    async with opened(allowing, SystemClock()) as held:
        yield held


async def due_now(resources: Resources, slug: str, *urls: str) -> uuid.UUID:
    """An edition of a newsletter of its own that was planned for this moment."""
    memo = await steps.newsletter(resources, slug=slug)
    await steps.readers(resources, memo)
    blocks = [PictureBlock(picture=Picture(url=url, alt="A ferry")) for url in urls]
    document = Document(subject="Pictures", blocks=[Note(text_markdown="Look."), *blocks])
    made = await resources.database.write(
        composition.start, memo, now=resources.clock.now(), actor="test", document=document
    )

    def plan(session: Session) -> None:
        edition = session.get_one(Edition, made.id)
        edition.state, edition.scheduled_at = State.SCHEDULED, resources.clock.now()
        session.add(edition)

    await resources.database.write(plan)
    return made.uid


def begun(session: Session) -> list[uuid.UUID]:
    query = select(Edition.uid).join(Run, col(Run.edition_id) == col(Edition.id))
    return list(session.exec(query.order_by(col(Run.started_at))))


async def until_begun(resources: Resources, count: int, *, within: float) -> list[uuid.UUID]:
    async with asyncio.timeout(within):
        while len(found := await resources.database.read(begun)) < count:
            await asyncio.sleep(0.1)
    return found


def assert_everybody_has_each_once(relay: Relay, editions: int) -> None:
    counts = Counter(one.message_id for one in relay.received)
    assert set(counts.values()) == {1}
    assert len(counts) == editions * READERS


async def test_who_waits_for_pictures_holds_up_neither_the_others_nor_the_tick(
    resources: Resources, relay: Relay, newsroom: Newsroom
) -> None:
    slow = newsroom.stall("/slow.jpg")
    outbox = await open_outbox(resources, [])
    waiting = {await due_now(resources, f"waits-{number}", slow) for number in range(2)}
    ready = await due_now(resources, "ready")
    async with Worker(resources, relay.url).running():
        first = await until_begun(resources, 2, within=copying.LAST_CHANCE_SECONDS)
        assert first == [outbox.edition.uid, ready]
        await relay.until(READERS, within=5)
        assert (await outbox.until_ended(within=5)).ended_at
        oldest = 0.0
        async with Lag().measured() as lag, asyncio.timeout(copying.LAST_CHANCE_SECONDS + 8):
            while len(await resources.database.read(begun)) < 4:
                (one,) = await resources.database.read(present.everybody)
                oldest = max(oldest, one.age_seconds)
                await asyncio.sleep(0.2)
        assert set((await resources.database.read(begun))[2:]) == waiting
        assert oldest < 6 + 2 * lag.seconds, "its sign of life comes every three seconds"
        await relay.until(3 * READERS, within=10)
    assert_everybody_has_each_once(relay, 3)


async def test_a_worker_that_stops_while_an_edition_waits_for_pictures_begins_it_once(
    resources: Resources, relay: Relay, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut short, its claim is found by the next worker; else it begins before the worker has gone."""
    monkeypatch.setattr(occurrences, "LAUNCH_AGAIN_AFTER", timedelta(seconds=2))
    monkeypatch.setattr(worker_module, "STOP_SECONDS", 0.2)
    uid = await due_now(resources, "waits", newsroom.stall("/slow.jpg"))
    async with Worker(resources, relay.url).running():
        async with asyncio.timeout(10):
            while not newsroom.count("/slow.jpg"):
                await asyncio.sleep(0.05)
    assert not await resources.database.read(begun)
    newsroom.serve("/slow.jpg", b"", status=404)
    async with Worker(resources, relay.url).running():
        assert await until_begun(resources, 1, within=10) == [uid]
        await relay.until(READERS)
        await asyncio.sleep(3)
        assert len(await resources.database.read(begun)) == 1
    assert_everybody_has_each_once(relay, 1)


async def test_an_edition_whose_beginning_fails_keeps_no_other_from_it(
    resources: Resources, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(occurrences, "LAUNCH_AGAIN_AFTER", timedelta(seconds=2))
    first, second = [await due_now(resources, f"memo-{number}") for number in range(2)]
    really, failed = launch.launch, list[uuid.UUID]()

    async def fails_once(held: launch.Holder, uid: uuid.UUID, *, actor: str) -> Edition:
        if uid == first and not failed:
            failed.append(uid)
            raise OSError("the database is gone")
        return await really(held, uid, actor=actor)

    monkeypatch.setattr(launch, "launch", fails_once)
    async with Worker(resources, relay.url).running():
        assert await until_begun(resources, 2, within=10) == [second, first]
        await relay.until(2 * READERS)
    assert failed
    assert_everybody_has_each_once(relay, 2)
