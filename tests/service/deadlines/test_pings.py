"""The dead man's switch: called once, when 99 % of an edition was handed over by its deadline, and in no other case."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.deadlines import pings, verdicts
from service.deadlines.models import Deadline, Ping
from service.dependencies import Resources
from service.editions.models import Edition, Fate, Occurrence, State
from service.fetching import Fetcher, FetchLimits
from service.ledger import tallies
from service.ledger.models import Delivery, DeliveryState, Run, Span
from service.newsletters.models import Newsletter
from tests.support.newsroom import Newsroom
from tests.support.outbox import Outbox, office, once_more, open_outbox, relay_at, sending
from tests.support.relay import Relay

PATH = "/ping/0b8a6c1e"
HOUR = timedelta(hours=1)


@pytest.fixture
async def fetcher(newsroom: Newsroom) -> AsyncIterator[Fetcher]:
    async with Fetcher(allow=[f"127.0.0.1:{newsroom.port}"]) as opened:
        yield opened


async def an_edition(
    resources: Resources, url: str | None, *, readers: int = 200, due: timedelta = timedelta(0)
) -> Outbox:
    """Under way to these readers, in a slot that was due so long from now, with a deadline 30 minutes behind it."""
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(readers)])

    def planned(session: Session) -> None:
        edition, now = session.get_one(Edition, outbox.edition.id), database.now(session)
        newsletter = session.get_one(Newsletter, edition.newsletter_id)
        newsletter.options = {**newsletter.options, "ping_url": url, "deadline_minutes": 30}
        session.add(newsletter)
        session.add(
            Occurrence(
                newsletter_id=edition.newsletter_id,
                local_date=edition.local_date,
                slot=edition.slot,
                due_at=now + due,
                fate=Fate.EDITION,
                edition_id=edition.id,
                at=now,
            )
        )

    await resources.database.write(planned)
    return outbox


async def handed_over(outbox: Outbox, count: int, *, state: DeliveryState = DeliveryState.ACCEPTED) -> None:
    """The next so many rows get that state, now, as if a worker had come by; spans keep their counts."""

    def settle(session: Session) -> None:
        queued = sa.select(col(Delivery.number)).where(
            col(Delivery.edition_id) == outbox.edition.id, col(Delivery.state) == DeliveryState.QUEUED
        )
        numbers = list(session.execute(queued.order_by(col(Delivery.number)).limit(count)).scalars())
        session.execute(
            sa.update(Delivery)
            .where(col(Delivery.edition_id) == outbox.edition.id, col(Delivery.number).in_(numbers))
            .values(state=state, at=database.utc_now())
        )
        for span in session.execute(sa.select(Span)).scalars():
            tallies.write(session, span)

    await outbox.resources.database.write(settle)


async def deadline_is(outbox: Outbox, away: timedelta) -> None:
    def move(session: Session) -> None:
        session.execute(
            sa.update(Occurrence).values(due_at=database.now(session) + away - timedelta(minutes=30))
        )

    await outbox.resources.database.write(move)


async def verdict(outbox: Outbox) -> Deadline | None:
    return await outbox.resources.database.read(
        lambda session: session.get(Deadline, outbox.edition.id, populate_existing=True)
    )


async def ping_is_due(outbox: Outbox) -> None:
    def move(session: Session) -> None:
        past = database.now(session) - timedelta(seconds=1)
        session.execute(
            sa.update(Deadline).where(col(Deadline.ping_due_at).is_not(None)).values(ping_due_at=past)
        )

    await outbox.resources.database.write(move)


async def test_it_is_called_once_when_enough_is_handed_over_and_not_before(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 197)
    await pings.watch(resources.database, fetcher)
    assert (newsroom.count(PATH), await verdict(outbox)) == (0, None)
    await handed_over(outbox, 1)
    for _ in range(3):
        await pings.watch(resources.database, fetcher)
    assert newsroom.count(PATH) == 1
    found = await verdict(outbox)
    assert found is not None
    assert (found.is_met, found.readers, found.in_time, found.ping) == (True, 200, 198, Ping.DONE)


async def test_it_is_called_beside_real_sending(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher, relay: Relay
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"), readers=30)
    async with sending(office(resources, relay_at(relay.url))):
        await outbox.until_ended()
    await pings.watch(resources.database, fetcher)
    assert newsroom.count(PATH) == 1


async def test_too_little_by_the_deadline_is_late_for_good(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 150)
    await deadline_is(outbox, timedelta(0))
    await handed_over(outbox, 50)
    await pings.watch(resources.database, fetcher)
    await deadline_is(outbox, HOUR)  # a slot that is moved afterwards changes no verdict
    await pings.watch(resources.database, fetcher)
    found = await verdict(outbox)
    assert found is not None
    assert (found.is_met, found.in_time, found.ping, newsroom.count(PATH)) == (False, 150, None, 0)


async def test_what_was_in_time_counts_though_nobody_looked_until_later(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 199)
    await deadline_is(outbox, timedelta(0))
    await handed_over(outbox, 1)
    await pings.watch(resources.database, fetcher)
    found = await verdict(outbox)
    assert found is not None
    assert (found.is_met, found.in_time, newsroom.count(PATH)) == (True, 199, 1)


async def test_a_call_that_could_only_come_long_afterwards_is_not_made(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 200)
    await resources.database.write(_accepted_before, -2 * HOUR)
    await deadline_is(outbox, -HOUR)
    await pings.watch(resources.database, fetcher)
    found = await verdict(outbox)
    assert found is not None
    assert (found.is_met, found.ping, newsroom.count(PATH)) == (True, Ping.FAILED, 0)


@pytest.mark.parametrize(
    ("state", "is_met"),
    [(DeliveryState.SKIPPED, True), (DeliveryState.REFUSED, False), (DeliveryState.HELD, False)],
)
async def test_who_left_before_their_turn_is_not_waited_for(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher, state: DeliveryState, is_met: bool
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 10, state=state)
    await handed_over(outbox, 190)
    await pings.watch(resources.database, fetcher)
    assert newsroom.count(PATH) == int(is_met)


async def test_an_audience_that_is_still_being_written_is_not_done(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 200)
    await resources.database.write(_audience_grows)
    await pings.watch(resources.database, fetcher)
    assert (newsroom.count(PATH), await verdict(outbox)) == (0, None)
    await deadline_is(outbox, timedelta(0))
    await pings.watch(resources.database, fetcher)
    found = await verdict(outbox)
    assert found is not None
    assert (found.is_met, newsroom.count(PATH)) == (False, 0)


async def test_an_edition_without_readers_is_no_good_news(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"), readers=0)
    await deadline_is(outbox, timedelta(0))
    await pings.watch(resources.database, fetcher)
    found = await verdict(outbox)
    assert found is not None
    assert (found.is_met, newsroom.count(PATH)) == (False, 0)


async def test_a_cancelled_edition_is_neither_in_time_nor_late(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await resources.database.write(
        lambda session: session.execute(sa.update(Edition).values(state=State.CANCELLED))
    )
    await deadline_is(outbox, timedelta(0))
    await pings.watch(resources.database, fetcher)
    assert await verdict(outbox) is None


async def test_a_watcher_that_does_not_answer_is_called_a_few_times_and_then_no_more(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "no", status=503))
    await handed_over(outbox, 200)
    await pings.watch(resources.database, fetcher)
    await pings.watch(resources.database, fetcher)
    assert newsroom.count(PATH) == 1, "it waits a little first"
    for _ in range(10):
        await ping_is_due(outbox)
        await pings.watch(resources.database, fetcher)
    assert newsroom.count(PATH) == len(pings.WAITS) + 1
    found = await verdict(outbox)
    assert found is not None
    assert found.ping == Ping.FAILED
    assert "503" in (found.ping_problem or "")


async def test_a_watcher_that_comes_back_is_told(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.stall(PATH, after=None))
    await handed_over(outbox, 200)
    # Only the wait for the answer is short: by then the call has left, however long that took.
    impatience = FetchLimits(read_seconds=1.0)
    async with Fetcher(allow=[f"127.0.0.1:{newsroom.port}"], limits=impatience) as impatient:
        await pings.watch(resources.database, impatient)
    newsroom.serve(PATH, "ok")
    await ping_is_due(outbox)
    await pings.watch(resources.database, fetcher)
    await pings.watch(resources.database, fetcher)
    found = await verdict(outbox)
    assert found is not None
    assert (newsroom.count(PATH), found.ping, found.ping_attempts) == (2, Ping.DONE, 2)


async def test_several_workers_at_once_call_once(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 200)
    others = [database.connect(resources.settings.database) for _ in range(2)]
    try:
        every = [resources.database, *others] * 3
        await asyncio.gather(*(pings.watch(one, fetcher) for one in every))
    finally:
        for other in others:
            await other.close()
    assert newsroom.count(PATH) == 1


async def test_a_process_that_dies_during_the_call_leaves_it_unclear(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    """It may have arrived, and nobody calls twice."""
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 200)
    (ready,) = await resources.database.read(verdicts.ready)
    await resources.database.write(verdicts.give, ready)
    assert await resources.database.write(pings.claim) is not None
    await pings.watch(resources.database, fetcher)
    await ping_is_due(outbox)
    await pings.watch(resources.database, fetcher)
    found = await verdict(outbox)
    assert found is not None
    assert (found.ping, newsroom.count(PATH)) == (Ping.UNCLEAR, 0)


async def test_an_address_taken_away_meanwhile_is_not_called(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 200)
    (ready,) = await resources.database.read(verdicts.ready)
    await resources.database.write(verdicts.give, replace(ready))
    await resources.database.write(_without_url)
    await pings.watch(resources.database, fetcher)
    found = await verdict(outbox)
    assert found is not None
    assert (found.ping, newsroom.count(PATH)) == (Ping.FAILED, 0)


async def test_an_address_inside_our_own_network_is_not_called(
    resources: Resources, newsroom: Newsroom
) -> None:
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 200)
    async with Fetcher() as guarded:
        await pings.watch(resources.database, guarded)
    found = await verdict(outbox)
    assert found is not None
    assert newsroom.count(PATH) == 0
    assert "MEMO_FETCH_ALLOW" in (found.ping_problem or "")


async def test_a_call_that_waited_until_the_watcher_has_rung_is_not_made_any_more(
    resources: Resources, newsroom: Newsroom, fetcher: Fetcher
) -> None:
    """Queued in time, and nobody was at work for three hours."""
    outbox = await an_edition(resources, newsroom.serve(PATH, "ok"))
    await handed_over(outbox, 200)
    (ready,) = await resources.database.read(verdicts.ready)
    await resources.database.write(verdicts.give, ready)
    await resources.database.write(_hours_pass)
    await pings.watch(resources.database, fetcher)
    found = await verdict(outbox)
    assert found is not None
    assert (found.ping, found.ping_attempts, newsroom.count(PATH)) == (Ping.FAILED, 0, 0)
    assert found.ping_problem == verdicts.TOO_LATE


async def test_a_watcher_that_does_not_answer_delays_nobody_elses_call(
    resources: Resources, newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a verdict that is given while that one hangs."""
    monkeypatch.setattr(pings, "LOOK_SECONDS", 0.1)
    stalled = await an_edition(resources, newsroom.stall("/ping/stalled", after=None))
    await handed_over(stalled, 200)
    # It hangs for longer than is waited below: only so is the other one called beside it, and not behind it.
    hangs = FetchLimits(read_seconds=300.0, whole_seconds=300.0)
    async with Fetcher(allow=[f"127.0.0.1:{newsroom.port}"], limits=hangs) as patient:
        watching = asyncio.create_task(pings.watch(resources.database, patient))
        async with asyncio.timeout(60):
            while not newsroom.count("/ping/stalled"):
                await asyncio.sleep(0.05)
            other = await resources.database.write(_another, stalled, newsroom.serve(PATH, "ok"))
            while not newsroom.count(PATH):
                await asyncio.sleep(0.05)
            while (found := await verdict(other)) is None or found.ping != Ping.DONE:
                await asyncio.sleep(0.05)
        assert not watching.done()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    found = await verdict(stalled)
    assert found is not None
    assert found.ping == Ping.CALLING, "it may have arrived: unclear, once its time is over"


def _accepted_before(session: Session, away: timedelta) -> None:
    at = database.now(session) + away
    session.execute(sa.update(Delivery).values(at=at))
    session.execute(sa.update(Span).values(first_accepted_at=at, last_accepted_at=at))


def _audience_grows(session: Session) -> None:
    session.execute(sa.update(Run).values(is_fanned_out=False))


def _without_url(session: Session) -> None:
    session.execute(sa.update(Newsletter).values(options={}))


def _hours_pass(session: Session) -> None:
    past = database.now(session) - 3 * HOUR
    session.execute(sa.update(Deadline).values(due_at=past, ping_due_at=past, decided_at=past))


def _another(session: Session, like: Outbox, url: str) -> Outbox:
    """An edition of another newsletter, which everybody has already."""
    first = session.get_one(Edition, like.edition.id)
    memo = session.get_one(Newsletter, first.newsletter_id)
    number = once_more(session, first.id, 1)
    edition, now = session.get_one(Edition, number), database.now(session)
    other = Newsletter.model_validate(
        memo.model_dump(exclude={"id", "uid", "slug", "list_id"})
        | {"slug": "other", "list_id": "other.news.example.org", "options": {**memo.options, "ping_url": url}}
    )
    session.add(other)
    session.flush()
    edition.newsletter_id = session.get_one(Run, number).newsletter_id = other.id
    session.add(
        Occurrence(newsletter_id=other.id, local_date=edition.local_date, slot=edition.slot, due_at=now,
                   fate=Fate.EDITION, edition_id=number, at=now)
    )  # fmt: skip
    session.execute(
        sa.update(Delivery).where(col(Delivery.edition_id) == number)
        .values(state=DeliveryState.ACCEPTED, at=database.utc_now())
    )  # fmt: skip
    for span in session.execute(sa.select(Span).where(col(Span.edition_id) == number)).scalars():
        tallies.write(session, span)
    session.flush()
    return Outbox(like.resources, edition)
