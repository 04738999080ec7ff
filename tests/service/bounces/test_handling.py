"""What follows from what came back: to the reader it is about, once, and to nobody else."""

import asyncio
import json
import random
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.bounces import refusals, wave
from service.bounces.findings import Kind, Original
from service.bounces.models import Action, BounceWave, WaveState
from service.bounces.wave import WaveDecided
from service.delivery.return_paths import Named
from service.dependencies import Resources
from service.ledger import progress, rows, tallies
from service.ledger.models import Delivery, DeliveryState, Span
from service.newsletters.models import Newsletter
from service.proofs import facts
from service.proofs import writing as proofs
from service.subscribers import links
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscriber, Subscription
from service.suppressions.models import Reason
from tests.service.bounces.steps import Desk, desk_of, earlier_edition
from tests.support.clock import HandClock

NORA = "nora@example.net"
OMAR = "omar@example.net"
MADE_UP = f"<https://news.example.org/unsubscribe/{'A' * 43}>"


def give_alarm_address(session: Session) -> None:
    newsletter = session.exec(select(Newsletter)).one()
    newsletter.options = {**newsletter.options, "alarm_address": "desk@example.org"}
    session.add(newsletter)


async def state_of(desk: Desk, address: str) -> State:
    query = (
        select(Subscription)
        .join(Subscriber, col(Subscriber.id) == col(Subscription.subscriber_id))
        .where(Subscriber.address == address)
    )
    return await desk.resources.database.read(lambda session: session.exec(query).one().state)


async def test_a_dead_address_is_suppressed_once_whoever_tells_it(resources: Resources) -> None:
    """In any order, several times, from a report and from a relay."""
    desk = await desk_of(resources, [NORA, OMAR])
    named = await desk.named(NORA)
    told = [("a", False), ("a", False), ("b", True), ("b", True), ("c", False), ("a", False)]
    random.Random(6).shuffle(told)
    actions = [
        bounce.action if (bounce := await desk.tell(
            Kind.PERMANENT, named, event=event, is_proved=proved,
            recipient=NORA, status="5.1.1", reply="550", text=f"5.1.1 {NORA} no such user",
        )) else None
        for event, proved in told
    ]  # fmt: skip
    assert sorted(filter(None, actions)) == [Action.KNOWN, Action.KNOWN, Action.SUPPRESSED]
    entry = await desk.suppression(NORA)
    assert entry is not None
    assert (entry.reason, entry.source) == (Reason.BOUNCE, "test")
    assert NORA not in entry.evidence and "no such user" in entry.evidence
    (back,) = await desk.returned()
    assert (back.number, back.kind, back.status) == (named.number, "permanent", "5.1.1")
    assert await desk.suppression(OMAR) is None
    found = await resources.database.read(progress.of, desk.outbox.edition.id)
    assert (found.accepted, found.bounced_later, found.audience) == (2, 1, 2)


async def test_a_proof_shows_what_bounced_later_and_still_adds_up(
    resources: Resources, clock: HandClock
) -> None:
    """Only what had settled: bounces go on coming while it is being written."""
    desk = await desk_of(resources, [NORA, OMAR])
    await desk.tell(Kind.PERMANENT, await desk.named(NORA), reply="550", text=f"5.1.1 {NORA} no such user")
    clock.advance(timedelta(minutes=1))
    await desk.tell(Kind.TRANSIENT, await desk.named(OMAR), text="mailbox full")
    found = await resources.database.read(facts.of, desk.outbox.edition.uid, now=clock.now())
    pieces = [
        piece
        async for piece in proofs.stream(
            resources.database, resources.keys, found, proofs.wanted("json", has_whole_addresses=True)
        )
    ]
    read = json.loads(b"".join(pieces))
    totals = read["proof"]["totals"]
    assert read["listed"] == totals
    assert (totals["audience"], totals["accepted"], totals["bounced_later"]) == (2, 2, 1)
    said = {row["address"]: row["bounced"] for row in read["deliveries"]}
    assert said == {NORA: "550 5.1.1 … no such user", OMAR: None}


async def test_told_by_two_at_the_same_moment_it_happens_once(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA])
    named = await desk.named(NORA)
    found = await asyncio.gather(
        *(desk.tell(Kind.PERMANENT, named, event=f"event {number % 4}") for number in range(8))
    )
    actions = [bounce.action for bounce in found if bounce is not None]
    assert sorted(actions) == [Action.KNOWN, Action.KNOWN, Action.KNOWN, Action.SUPPRESSED]


async def test_the_graver_word_counts(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA])
    named = await desk.named(NORA)
    for kind in (Kind.TRANSIENT, Kind.SENDER, Kind.PERMANENT, Kind.STRIKE):
        await desk.tell(kind, named)
    actions = [bounce.action for bounce in await desk.bounces()]
    assert actions == [Action.NONE, Action.KNOWN, Action.SUPPRESSED, Action.KNOWN]


async def test_nb_31_nobody_is_guessed(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA, OMAR])
    row = (await desk.outbox.rows())[NORA]
    message_id = rows.message_id(desk.outbox.edition.uid, row.number, "news.example.org").strip("<>")
    shown = Original(message_id=message_id)
    unmatched = [
        await desk.tell(Kind.PERMANENT, None, recipient=NORA),
        await desk.tell(Kind.PERMANENT, None, recipient=OMAR, original=shown),
        await desk.tell(Kind.COMPLAINT, None, original=shown),
        await desk.tell(Kind.PERMANENT, None, recipient="other@example.org", original=Original(to=NORA)),
        await desk.tell(Kind.COMPLAINT, None, original=Original(list_unsubscribe=MADE_UP)),
    ]  # fmt: skip
    assert [bounce.action for bounce in unmatched if bounce] == [Action.UNMATCHED] * 5
    assert await desk.suppression(NORA) is await desk.suppression(OMAR) is None
    certain = await desk.tell(Kind.PERMANENT, None, recipient=NORA.upper(), original=shown)
    assert certain is not None and certain.action is Action.SUPPRESSED


async def test_nb_31_a_forwarding_target_is_not_the_reader(resources: Resources) -> None:
    """The return path says who was mailed, whatever address failed in the end."""
    desk = await desk_of(resources, [NORA])
    bounce = await desk.tell(Kind.PERMANENT, await desk.named(NORA), recipient="other@example.org")
    assert bounce is not None and bounce.address == NORA
    assert await desk.suppression("other@example.org") is None
    assert await desk.suppression(NORA) is not None


async def test_nb_31_it_works_when_the_details_are_gone(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA])
    named = await desk.named(NORA)
    await resources.database.write(lambda session: session.execute(sa.delete(Delivery)) and None)
    bounce = await desk.tell(Kind.PERMANENT, named, recipient=NORA)
    assert bounce is not None
    assert (bounce.action, bounce.edition_id, bounce.address) == (Action.NONE, named.id, None)
    assert [back.number for back in await desk.returned()] == [named.number]
    for kind in Kind:
        await desk.tell(kind, Named(named.id + 9, 3))
        await desk.tell(kind, Named(12345, 0))


async def test_it_may_come_before_the_accept_is_committed(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA])
    named = await desk.named(NORA)

    def set_state(session: Session, state: DeliveryState) -> None:
        session.execute(sa.update(Delivery).values(state=state))

    await resources.database.write(set_state, DeliveryState.UNCERTAIN)
    await desk.tell(Kind.PERMANENT, named)
    assert (await resources.database.read(progress.of, desk.outbox.edition.id)).bounced_later == 0
    await resources.database.write(set_state, DeliveryState.ACCEPTED)
    assert (await resources.database.read(progress.of, desk.outbox.edition.id)).bounced_later == 1


async def test_nb_32_notes_and_delays_change_nothing(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA])
    named = await desk.named(NORA)
    for kind in (Kind.AUTO_REPLY, Kind.DELAY, Kind.NOT_A_REPORT, Kind.TRANSIENT):
        bounce = await desk.tell(kind, named)
        assert bounce is not None and bounce.action is Action.NONE
    assert await desk.suppression(NORA) is None
    assert [back.kind for back in await desk.returned()] == ["transient"]


async def test_strikes_suppress_after_three_editions_and_fourteen_days(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA, OMAR])
    number = (await desk.named(NORA)).number
    first, second = [
        await resources.database.write(earlier_edition, desk.outbox, days_ago=days, now=desk.now)
        for days in (14, 7)
    ]
    for named in (Named(first, number), Named(second, number)):
        bounce = await desk.tell(Kind.STRIKE, named)
        assert bounce is not None and bounce.action is Action.STRUCK
    assert await desk.suppression(NORA) is None
    last = await desk.tell(Kind.STRIKE, await desk.named(NORA))
    assert last is not None and last.action is Action.SUPPRESSED
    assert await desk.suppression(OMAR) is None


@pytest.mark.parametrize("state", [DeliveryState.ACCEPTED, DeliveryState.REFUSED])
async def test_an_edition_between_clears_unless_it_failed_too(
    resources: Resources, state: DeliveryState
) -> None:
    desk = await desk_of(resources, [NORA])
    first = await resources.database.write(earlier_edition, desk.outbox, days_ago=20, now=desk.now)
    reply = "250 2.0.0 Ok" if state is DeliveryState.ACCEPTED else "550 mailbox unavailable"
    await resources.database.write(
        earlier_edition, desk.outbox, days_ago=10, now=desk.now, state=state, reply=reply
    )
    await desk.tell(Kind.STRIKE, Named(first, 1))
    last = await desk.tell(Kind.STRIKE, Named(desk.outbox.edition.id, 1))
    assert last is not None
    assert last.action is (Action.STRUCK if state is DeliveryState.ACCEPTED else Action.SUPPRESSED)


@pytest.mark.parametrize("refused", [1, 12])
async def test_refusals_by_the_relay_count_unless_they_are_too_many(
    resources: Resources, refused: int
) -> None:
    readers = [f"reader{number}@example.org" for number in range(12)]
    desk = await desk_of(resources, readers)
    state, reply = DeliveryState.REFUSED, "550 mailbox unavailable"
    for days in (20, 10):
        await resources.database.write(
            earlier_edition, desk.outbox, days_ago=days, now=desk.now, state=state, reply=reply
        )

    def refuse(session: Session) -> None:
        these = (col(Delivery.edition_id) == desk.outbox.edition.id, col(Delivery.number) <= refused)
        session.execute(sa.update(Delivery).where(*these).values(state=state, reply=reply))
        for span in session.exec(select(Span).where(Span.edition_id == desk.outbox.edition.id)):
            tallies.write(session, span)
            session.add(span)

    await resources.database.write(refuse)
    await refusals.strike_all(resources.database, desk.outbox.edition.id, resources.pepper, desk.now)
    entries = [await desk.suppression(address) for address in readers]
    assert sum(entry is not None for entry in entries) == (1 if refused == 1 else 0)
    if refused == 1:
        entry = next(filter(None, entries))
        assert "3 editions in a row failed" in entry.evidence and "mailbox unavailable" in entry.evidence


async def test_a_mailbox_that_stays_full_counts(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA])
    told = []
    for days in (20, 10):
        earlier = await resources.database.write(earlier_edition, desk.outbox, days_ago=days, now=desk.now)
        told.append(await desk.tell(Kind.TRANSIENT, Named(earlier, 1), rule="mailbox-full", strikes=True))
    told.append(await desk.tell(Kind.TRANSIENT, await desk.named(NORA), rule="mailbox-full", strikes=True))
    assert [bounce.action for bounce in told if bounce] == [Action.STRUCK, Action.STRUCK, Action.SUPPRESSED]


async def test_a_bad_domain_is_believed_when_it_is_said_again(resources: Resources, clock: HandClock) -> None:
    desk = await desk_of(resources, [NORA])
    earlier = await resources.database.write(earlier_edition, desk.outbox, days_ago=1, now=desk.now)
    first = await desk.tell(Kind.PERMANENT, Named(earlier, 1), rule="bad-domain", needs_second=True)
    assert first is not None and first.action is Action.WAITS
    clock.advance(timedelta(hours=25))
    second = await desk.tell(Kind.PERMANENT, await desk.named(NORA), rule="bad-domain", needs_second=True)
    assert second is not None and second.action is Action.SUPPRESSED


async def test_what_is_about_us_rings_once_and_strikes_nobody(resources: Resources) -> None:
    readers = [f"reader{number}@example.org" for number in range(3)]
    desk = await desk_of(resources, readers)
    await resources.database.write(give_alarm_address)
    for address in readers:
        await desk.tell(
            Kind.SENDER, await desk.named(address), rule="sender-refused", text="5.7.26 not authenticated"
        )
    actions = [bounce.action for bounce in await desk.bounces()]
    assert actions == [Action.ALARMED, Action.NONE, Action.NONE]
    assert len(await desk.alarms()) == 1
    assert [await desk.suppression(address) for address in readers] == [None] * 3


async def test_a_wave_is_held_for_a_person(resources: Resources) -> None:
    """The same words for twenty readers: those suppressed before it was seen are let go again."""
    readers = [f"reader{number}@example.org" for number in range(24)]
    desk = await desk_of(resources, readers)
    for number, address in enumerate(readers[:22]):
        await desk.tell(
            Kind.PERMANENT,
            await desk.named(address),
            text=f"550 5.1.1 {address} rejected by policy {number:06}a",
        )
    assert {bounce.action for bounce in await desk.bounces()} == {Action.HELD}
    assert [await desk.suppression(address) for address in readers] == [None] * 24
    held = await resources.database.read(lambda session: session.exec(select(BounceWave)).one())

    await resources.database.write(
        wave.decide, held.uid, suppresses=True, pepper=resources.pepper, actor="Ines", now=desk.now
    )
    assert [await desk.suppression(address) is not None for address in readers] == [True] * 22 + [False] * 2
    late = await desk.tell(
        Kind.PERMANENT,
        await desk.named(readers[22]),
        text=f"550 5.1.1 {readers[22]} rejected by policy 900001a",
    )
    assert late is not None and late.action is Action.SUPPRESSED
    with pytest.raises(WaveDecided):
        await resources.database.write(
            wave.decide, held.uid, suppresses=False, pepper=resources.pepper, actor="Ines", now=desk.now
        )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_dismissed_wave_leaves_everybody_alone(resources: Resources) -> None:
    readers = [f"reader{number}@example.org" for number in range(21)]
    desk = await desk_of(resources, readers)
    for address in readers[:20]:
        await desk.tell(Kind.PERMANENT, await desk.named(address), text="550 no")
    held = await resources.database.read(lambda session: session.exec(select(BounceWave)).one())
    decided = await resources.database.write(
        wave.decide, held.uid, suppresses=False, pepper=resources.pepper, actor="Ines", now=desk.now
    )
    assert (decided.state, decided.decided_by) == (WaveState.DISMISSED, "Ines")
    late = await desk.tell(Kind.PERMANENT, await desk.named(readers[20]), text="550 no")
    assert late is not None and late.action is Action.DISMISSED
    assert [await desk.suppression(address) for address in readers] == [None] * 21


async def test_a_complaint_ends_the_subscription_and_only_its_owner_comes_back(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA, OMAR])
    uid = (await desk.outbox.rows())[NORA].fields["subscription"]
    field = f"<https://news.example.org/unsubscribe/{links.unsubscribe_token(resources.keys, UUID(uid))}>"
    bounce = await desk.tell(
        Kind.COMPLAINT, None, feedback="abuse", original=Original(list_unsubscribe=field)
    )
    assert bounce is not None and (bounce.action, bounce.matched) == (Action.ENDED, "unsubscribe link")
    assert (await state_of(desk, NORA), await state_of(desk, OMAR)) == (State.ENDED, State.ACTIVE)
    entry = await desk.suppression(NORA)
    assert entry is not None and entry.reason is Reason.COMPLAINT
    events = await resources.database.read(
        lambda session: session.exec(
            select(ConsentEvent).where(ConsentEvent.kind == ConsentKind.UNSUBSCRIBED)
        ).all()
    )
    assert [event.method for event in events] == ["complaint"]
    await desk.tell(Kind.COMPLAINT, await desk.named(NORA))
    assert len(await desk.bounces()) == 2


async def test_a_wish_to_leave_by_mail_ends_that_subscription(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA])
    bounce = await desk.tell(Kind.UNSUBSCRIBE, await desk.named(NORA))
    assert bounce is not None and bounce.action is Action.ENDED
    assert await state_of(desk, NORA) is State.ENDED
    assert await desk.suppression(NORA) is None


async def test_a_relay_that_has_proved_itself_may_name_an_address(resources: Resources) -> None:
    desk = await desk_of(resources, [NORA])
    said = await desk.tell(Kind.UNSUBSCRIBE, None, recipient=NORA)
    assert said is not None and said.action is Action.UNMATCHED
    proved = await desk.tell(Kind.UNSUBSCRIBE, None, recipient="Nora@Example.NET", is_proved=True)
    assert proved is not None and (proved.action, proved.matched) == (Action.ENDED, "address")
    stranger = await desk.tell(Kind.PERMANENT, None, recipient="stranger@example.net", is_proved=True)
    assert stranger is not None and stranger.action is Action.UNMATCHED
    assert await desk.suppression("stranger@example.net") is None
