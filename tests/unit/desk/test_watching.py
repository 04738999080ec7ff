import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from service import tokens
from service.desk.sending_view import SendingView
from service.desk.watching import Watching
from service.editions.models import State
from service.errors import NotFound
from tests.support.clock import HandClock

UID = tokens.new_uid()
VIEW = SendingView(
    uid=UID,
    state=State.SENDING,
    standing="sending",
    audience=10,
    parts=(),
    open=10,
    is_fanned_out=True,
    rate=1.0,
    finish_at=None,
    zone="Europe/Berlin",
    started_at=None,
    ended_at=None,
    stop_reason=None,
    relay=None,
    deadline_at=None,
    verdict=None,
)
A_SECOND = timedelta(seconds=1)


class Figures:
    """Stands for the database: counts how often it is asked."""

    def __init__(self) -> None:
        self.now = VIEW
        self.reads = 0

    async def read(self, _uid: UUID) -> SendingView:
        self.reads += 1
        return self.now

    def finish(self) -> None:
        self.now = replace(self.now, open=0, state=State.SENT)


async def _collect(watching: Watching) -> list[int]:
    return [seen.open async for seen in watching.follow(UID)]


async def test_many_viewers_share_one_loop_and_all_get_the_last_figures(hand_clock: HandClock) -> None:
    figures = Figures()
    watching = Watching(figures.read, hand_clock)
    viewers = [asyncio.create_task(_collect(watching)) for _ in range(20)]
    await hand_clock.until_somebody_sleeps()
    assert hand_clock.sleeper_count == 1
    figures.now = replace(VIEW, open=4)
    hand_clock.advance(A_SECOND)
    await hand_clock.until_somebody_sleeps()
    figures.finish()
    hand_clock.advance(A_SECOND)
    seen = await asyncio.wait_for(asyncio.gather(*viewers), 5)
    assert all(one == [10, 4, 0] for one in seen)
    assert figures.reads == 3
    assert watching.watched_count == 0


async def test_figures_that_did_not_change_are_not_sent_again(hand_clock: HandClock) -> None:
    figures = Figures()
    watching = Watching(figures.read, hand_clock)
    viewer = asyncio.create_task(_collect(watching))
    for _ in range(3):
        await hand_clock.until_somebody_sleeps()
        hand_clock.advance(A_SECOND)
    await hand_clock.until_somebody_sleeps()
    figures.finish()
    hand_clock.advance(A_SECOND)
    assert await asyncio.wait_for(viewer, 5) == [10, 0]


async def test_the_loop_ends_with_its_last_viewer(hand_clock: HandClock) -> None:
    figures = Figures()
    watching = Watching(figures.read, hand_clock)
    following = watching.follow(UID)
    assert (await anext(following)).open == 10
    await following.aclose()
    await asyncio.sleep(0)
    assert watching.watched_count == 0
    hand_clock.advance(A_SECOND)
    assert figures.reads == 1


async def test_a_slow_viewer_misses_steps_but_not_the_end(hand_clock: HandClock) -> None:
    figures = Figures()
    watching = Watching(figures.read, hand_clock)
    following = watching.follow(UID)
    assert (await anext(following)).open == 10
    for left in (8, 6, 4):
        figures.now = replace(VIEW, open=left)
        await hand_clock.until_somebody_sleeps()
        hand_clock.advance(A_SECOND)
    await hand_clock.until_somebody_sleeps()
    figures.finish()
    hand_clock.advance(A_SECOND)
    await asyncio.sleep(0.01)
    assert [seen.open async for seen in following] == [0]


async def test_a_late_viewer_sees_the_newest_figures_at_once(hand_clock: HandClock) -> None:
    figures = Figures()
    watching = Watching(figures.read, hand_clock)
    first = watching.follow(UID)
    await anext(first)
    second = watching.follow(UID)
    assert (await asyncio.wait_for(anext(second), 5)).open == 10
    assert figures.reads == 1
    await first.aclose()
    await second.aclose()


async def test_an_edition_that_is_gone_ends_the_stream(hand_clock: HandClock) -> None:
    async def read(_uid: UUID) -> SendingView:
        raise NotFound

    assert await asyncio.wait_for(_collect(Watching(read, hand_clock)), 5) == []


async def test_a_stopping_process_ends_a_stream_that_waits(hand_clock: HandClock) -> None:
    watching = Watching(Figures().read, hand_clock)
    stopping = asyncio.Event()

    async def stopped() -> None:
        await stopping.wait()

    following = watching.follow(UID, until=stopped)
    assert (await anext(following)).open == 10
    stopping.set()
    assert [seen async for seen in following] == []
    assert watching.watched_count == 0


async def test_closing_ends_every_stream(hand_clock: HandClock) -> None:
    watching = Watching(Figures().read, hand_clock)
    viewer = asyncio.create_task(_collect(watching))
    await hand_clock.until_somebody_sleeps()
    await watching.close()
    assert await asyncio.wait_for(viewer, 5) == [10]
