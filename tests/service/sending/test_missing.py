"""Sending an ended edition to those who are missing, and releasing those who were held: who gets it, and how often."""

import asyncio
from collections import Counter
from datetime import date, datetime, time, timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import closing, missing, reopening, retry, steering
from service.delivery.reopening import AfterTheNext, NobodyHeld, NobodyMissing, NotEnded
from service.dependencies import Resources
from service.editions.models import Cadence, Edition, State
from service.events import log
from service.ledger.models import Delivery, DeliveryState, Run, Span
from service.subscribers.models import State as Subscribed
from service.subscribers.models import Subscription
from service.worker import Worker
from tests.support.outbox import Outbox, office, open_outbox, relay_at, sending
from tests.support.relay import Relay

REFUSED = ("reader2@example.org", "reader3@example.org", "reader4@example.org")
DEAD = "reader5@example.org"


def readers(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(1, count + 1)]


def copies(relay: Relay) -> Counter[str]:
    return Counter(one.recipient for one in relay.received)


async def edition_of(resources: Resources, outbox: Outbox) -> Edition:
    return await resources.database.read(Session.get_one, Edition, outbox.edition.id)


async def short(resources: Resources, relay: Relay, count: int = 12) -> Outbox:
    """An ended edition: three readers were refused for no fault of theirs, one address is dead."""
    for address in REFUSED:
        relay.when(phase="rcpt", recipient=address).reply(
            f"550 5.4.1 {address} recipient address rejected: access denied"
        ).times(1)
    relay.when(phase="rcpt", recipient=DEAD).reply("550 5.1.1 no such user")
    outbox = await open_outbox(resources, readers(count))
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.refused) == (count - 4, 4)
    return outbox


async def send_missing(resources: Resources, outbox: Outbox) -> int:
    return (await reopening.send_missing(resources, outbox.edition.uid, actor="test")).readers


async def test_those_who_are_missing_get_it_once_and_nobody_else_again(
    resources: Resources, relay: Relay
) -> None:
    outbox = await short(resources, relay)
    before = await edition_of(resources, outbox)
    assert (before.standing, before.missing_count) == ("sent, 3 missing", 3)

    assert await send_missing(resources, outbox) == 3
    run = await resources.database.read(Session.get_one, Run, outbox.edition.id)
    assert run.turn == 1, "whoever still holds a span of it finds the fence fallen"
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()

    assert (found.accepted, found.refused, found.audience) == (11, 1, 12)
    assert copies(relay) == Counter(one for one in readers(12) if one != DEAD)
    after = await edition_of(resources, outbox)
    assert (after.standing, after.missing_count) == ("sent", 0)
    rows = await outbox.rows()
    assert {rows[one].attempts for one in REFUSED} == {2}
    assert rows[DEAD].attempts == 1
    said = await resources.database.read(log.latest, subject_uid=outbox.edition.uid)
    assert [event.facts for event in said if event.name == "edition.sent_to_missing"] == [{"readers": 3}]


async def test_nb_05_who_has_left_since_is_not_missing(resources: Resources, relay: Relay) -> None:
    outbox = await short(resources, relay)
    await resources.database.write(leave, outbox.subscribers[REFUSED[0]])
    listed = await resources.database.read(missing.first, outbox.edition.id, limit=10)
    assert [row.address for row in listed] == list(REFUSED[1:])

    assert await send_missing(resources, outbox) == 2
    while await resources.database.write(reopening.carry_on, outbox.edition.id) is not None:
        pass
    await resources.database.write(leave, outbox.subscribers[REFUSED[1]])
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()

    assert (found.refused, found.accepted) == (2, 9)
    assert (found.skipped, found.audience) == (1, 12)
    assert not {*REFUSED[:2]} & set(copies(relay))


def leave(session: Session, subscriber_id: int) -> None:
    found = session.exec(select(Subscription).where(Subscription.subscriber_id == subscriber_id)).one()
    found.state = Subscribed.ENDED
    session.add(found)


async def test_a_double_click_opens_it_once(resources: Resources, relay: Relay) -> None:
    outbox = await short(resources, relay)
    answers = await asyncio.gather(
        *(send_missing(resources, outbox) for _ in range(4)), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in answers) == ["NotEnded", "NotEnded", "NotEnded", "int"]
    async with sending(office(resources, relay_at(relay.url))):
        await outbox.until_ended()
    assert max(copies(relay).values()) == 1
    with pytest.raises(NobodyMissing):
        await send_missing(resources, outbox)


@pytest.mark.parametrize("state", [state for state in State if state is not State.SENT])
async def test_only_an_edition_that_has_been_sent_is_opened_again(resources: Resources, state: State) -> None:
    outbox = await open_outbox(resources, readers(1))

    def put(session: Session) -> None:
        session.get_one(Edition, outbox.edition.id).state = state
        session.get_one(Run, outbox.edition.id).ended_at = database.now(session)
        session.get_one(Delivery, (outbox.edition.id, 1)).state = DeliveryState.EXPIRED

    await resources.database.write(put)
    for act in (reopening.send_missing, reopening.release_held):
        with pytest.raises(
            NotEnded, match=r"This edition (has not been sent|is being sent|is paused|was cancelled)"
        ):
            await act(resources, outbox.edition.uid, actor="test")
    assert await outbox.state() is state


async def test_never_after_the_next_regular_edition_has_started(resources: Resources, relay: Relay) -> None:
    outbox = await short(resources, relay)

    def follow(session: Session) -> None:
        old = session.get_one(Edition, outbox.edition.id)
        assert old.started_at is not None
        session.add(
            Edition(
                newsletter_id=old.newsletter_id,
                local_date=date(2026, 3, 3),
                state=State.SENDING,
                created_at=old.created_at,
                started_at=old.started_at + timedelta(seconds=1),
            )
        )

    await resources.database.write(follow)
    with pytest.raises(AfterTheNext, match="2026-03-03 has begun to leave"):
        await send_missing(resources, outbox)
    assert await outbox.state() is State.SENT
    seen = await resources.database.read(reopening.short_of, await edition_of(resources, outbox))
    assert (seen.missing, seen.held) == (3, 0)
    assert seen.refusal is not None


async def in_doubt(resources: Resources, relay: Relay, *, accepted: int = 3) -> Outbox:
    """One reader has it twice without an answer and is held; one was uncertain, then refused."""
    relay.when(phase="dot", recipient="reader2@example.org").keep().drop().times(2)
    relay.when(phase="dot", recipient="reader3@example.org").keep().drop().times(1)
    relay.when(phase="rcpt", recipient="reader3@example.org", attempt=2).reply(
        "550 5.4.1 recipient address rejected: access denied"
    )
    outbox = await open_outbox(resources, readers(5))
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.held, found.refused) == (accepted, 1, 4 - accepted)
    return outbox


async def test_who_may_have_it_is_not_missing(resources: Resources, relay: Relay) -> None:
    outbox = await in_doubt(resources, relay)
    assert (await edition_of(resources, outbox)).standing == "sent"
    with pytest.raises(NobodyMissing):
        await send_missing(resources, outbox)
    assert copies(relay)["reader2@example.org"] == 2


async def test_who_may_have_it_is_left_out_when_others_are_sent_to(
    resources: Resources, relay: Relay
) -> None:
    relay.when(phase="rcpt", recipient="reader4@example.org").reply(
        "550 5.4.1 recipient address rejected: access denied"
    ).times(1)
    outbox = await in_doubt(resources, relay, accepted=2)
    assert await send_missing(resources, outbox) == 1
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.held, found.refused) == (3, 1, 1)
    assert copies(relay) == Counter(readers(5)) + Counter({"reader2@example.org": 1})


async def test_what_an_old_holder_left_behind_is_forgotten(resources: Resources, relay: Relay) -> None:
    outbox = await short(resources, relay)

    def leave_behind(session: Session) -> None:
        session.execute(sa.update(Span).values(in_flight=[2, 3], deaths=4))

    await resources.database.write(leave_behind)
    await send_missing(resources, outbox)
    async with sending(office(resources, relay_at(relay.url))):
        await outbox.until_ended()
    assert {row.uncertain_count for row in (await outbox.rows()).values()} == {0}


async def test_held_readers_are_released_by_a_person_with_the_same_bytes(
    resources: Resources, relay: Relay
) -> None:
    outbox = await in_doubt(resources, relay)

    released = await reopening.release_held(resources, outbox.edition.uid, actor="Ada")
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()

    assert released.readers == 2
    assert (found.accepted, found.held, found.refused) == (5, 0, 0)
    assert copies(relay) == Counter(readers(5)) + Counter(
        {"reader2@example.org": 2, "reader3@example.org": 1}
    )
    assert len({one.sha256 for one in relay.to("reader2@example.org")}) == 1
    rows = await outbox.rows()
    assert rows["reader2@example.org"].uncertain_count == 2, "the proof says that it may have come twice"
    with pytest.raises(NobodyHeld):
        await reopening.release_held(resources, outbox.edition.uid, actor="Ada")


async def test_a_held_reader_who_leaves_before_the_release_stays_held(
    resources: Resources, relay: Relay
) -> None:
    """Skipped would say that they do not have it."""
    outbox = await in_doubt(resources, relay)
    await reopening.release_held(resources, outbox.edition.uid, actor="Ada")
    while await resources.database.write(reopening.carry_on, outbox.edition.id) is not None:
        pass
    await resources.database.write(leave, outbox.subscribers["reader2@example.org"])
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.held, found.skipped) == (4, 1, 0)


async def test_what_is_released_without_a_clear_answer_again_is_held_again(
    resources: Resources, relay: Relay
) -> None:
    outbox = await in_doubt(resources, relay)
    relay.when(phase="dot", recipient="reader2@example.org").keep().drop().times(5)
    await reopening.release_held(resources, outbox.edition.uid, actor="Ada")
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, found.held) == (4, 1)
    assert copies(relay)["reader2@example.org"] == 3


async def test_nb_29_cancelling_it_leaves_the_edition_sent(resources: Resources, relay: Relay) -> None:
    outbox = await short(resources, relay)
    await send_missing(resources, outbox)
    now = resources.clock.now()
    cancelled = await resources.database.write(steering.cancel, outbox.edition.uid, now=now, actor="test")
    assert cancelled.state is State.SENT, "or its page would be taken from readers who have it"
    with pytest.raises(NotEnded, match="try again in a moment"):
        await send_missing(resources, outbox)
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert found.audience == 12
    assert (await edition_of(resources, outbox)).standing == "sent, 3 missing"
    assert not set(REFUSED) & set(copies(relay))

    assert await send_missing(resources, outbox) == 3
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert (found.accepted, max(copies(relay).values())) == (11, 1)


async def test_nb_02_it_is_not_done_half_opened_and_a_resume_goes_on(
    resources: Resources, relay: Relay
) -> None:
    outbox = await short(resources, relay)
    uid, now = outbox.edition.uid, resources.clock.now()
    await send_missing(resources, outbox)
    closed = await resources.database.write(closing.close_ended, pepper=resources.pepper, now=now)
    assert closed == [], "no span is due yet, but it has only begun"
    await resources.database.write(steering.pause, uid, reason="lunch", now=now, actor="test")
    assert await resources.database.write(reopening.carry_on, outbox.edition.id) is None
    await resources.database.write(steering.resume, uid, now=now, actor="test")
    assert await resources.database.read(reopening.unfinished) == [outbox.edition.id]
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
    assert found.accepted == 11


async def test_nb_13_too_late_ones_get_a_new_time_and_new_tries(resources: Resources, relay: Relay) -> None:
    relay.when(phase="rcpt", attempt=1).reply("450 4.7.1 try later")
    outbox = await open_outbox(resources, readers(3))

    def expire(session: Session) -> None:
        run = session.get_one(Run, outbox.edition.id)
        run.give_up_at = database.now(session) - timedelta(seconds=1)
        session.execute(
            sa.update(Delivery)
            .where(col(Delivery.edition_id) == outbox.edition.id)
            .values(attempts=len(retry.WAITS))
        )

    await resources.database.write(expire)
    async with sending(office(resources, relay_at(relay.url))):
        found = await outbox.until_ended()
        assert (found.expired, found.accepted) == (3, 0)
        assert await send_missing(resources, outbox) == 3
        async with asyncio.timeout(10):
            while (await outbox.progress()).deferred < 3:
                await asyncio.sleep(0.02)
        await outbox.everybody_due()
        found = await outbox.until_ended()
    assert found.accepted == 3
    run = await resources.database.read(Session.get_one, Run, outbox.edition.id)
    assert run.give_up_at > run.started_at
    assert {row.attempts for row in (await outbox.rows()).values()} == {len(retry.WAITS) + 2}


def plan(session: Session, newsletter_id: int, due: datetime) -> None:
    session.add(
        Cadence(
            newsletter_id=newsletter_id,
            weekdays="mon",
            local_time=time(6),
            time_zone="UTC",
            next_date=due.date(),
            next_run_at=due,
        )
    )


async def test_it_gives_up_when_the_next_regular_edition_is_due(resources: Resources, relay: Relay) -> None:
    outbox = await short(resources, relay)
    due = await resources.database.read(database.now) + timedelta(seconds=20)
    await resources.database.write(plan, outbox.edition.newsletter_id, due)
    await send_missing(resources, outbox)
    run = await resources.database.read(Session.get_one, Run, outbox.edition.id)
    assert run.give_up_at == due, "however soon that is"


async def test_it_is_not_begun_in_the_second_before_the_next_edition_starts(
    resources: Resources, relay: Relay
) -> None:
    outbox = await short(resources, relay)
    due = await resources.database.read(database.now)
    await resources.database.write(plan, outbox.edition.newsletter_id, due)
    with pytest.raises(AfterTheNext, match="is due now"):
        await send_missing(resources, outbox)
    assert await outbox.state() is State.SENT


async def test_the_worker_opens_sends_and_closes_it_by_itself(resources: Resources, relay: Relay) -> None:
    outbox = await short(resources, relay, 6)
    async with Worker(resources, relay.url).running():
        await send_missing(resources, outbox)
        found = await outbox.until_ended()
    assert (found.accepted, max(copies(relay).values())) == (5, 1)
    assert (await edition_of(resources, outbox)).standing == "sent"


async def test_what_was_under_way_when_it_was_cancelled_counts_as_handed_over(resources: Resources) -> None:
    """So the proof knows that it may be there, and a release sends the same bytes."""
    outbox = await open_outbox(resources, readers(3))
    pins = {"rendition": 1, "date": "2026-03-02T05:00:00+00:00", "key": "k"}

    def take(session: Session) -> None:
        span = session.exec(select(Span).where(Span.edition_id == outbox.edition.id)).one()
        span.in_flight, span.pins = [2], pins
        session.add(span)

    await resources.database.write(take)
    now = resources.clock.now()
    await resources.database.write(steering.cancel, outbox.edition.uid, now=now, actor="test")
    await resources.database.write(closing.sweep_cancelled)
    rows = {row.number: row for row in (await outbox.rows()).values()}
    assert [rows[number].state.value for number in (1, 2, 3)] == ["cancelled", "held", "cancelled"]
    assert (rows[2].attempts, rows[2].uncertain_count, rows[2].pins) == (1, 1, pins)
    assert (rows[1].attempts, rows[1].uncertain_count, rows[1].pins) == (0, 0, None)
