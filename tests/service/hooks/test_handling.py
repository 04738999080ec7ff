"""What relays told is handled like reports that came by mail, with one effect for both, however often and in whatever order."""

import json
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlmodel import Session, select

from service.bounces.findings import Kind
from service.bounces.hooks import handling, keeping
from service.bounces.hooks.models import RelayEvent
from service.bounces.models import Action
from service.ledger import rows
from service.ledger.models import Delivery
from service.suppressions.models import Reason
from tests.service.bounces import steps
from tests.service.bounces.steps import Desk
from tests.service.hooks.conftest import Hooked
from tests.support import relay_events

MARA, NOOR, OLE = "mara@example.net", "Noor@example.net", "ole@example.org"


@pytest.fixture
async def desk(hooked: Hooked) -> Desk:
    return await steps.desk_of(hooked.resources, [MARA, NOOR, OLE])


async def message_id(desk: Desk, address: str) -> str:
    row = (await desk.outbox.rows())[address]
    return rows.message_id(desk.outbox.edition.uid, row.number, "news.example.org")


async def handle(desk: Desk) -> int:
    return await desk.resources.database.write(handling.work_through, desk.means, now=desk.now)


async def tell(hooked: Hooked, key: str, said: Any) -> None:
    answer = await hooked.tell(key, json.dumps(said).encode())
    assert answer.status_code == 200, answer.text


async def test_a_dead_address_is_suppressed_and_the_edition_knows(hooked: Hooked, desk: Desk) -> None:
    await hooked.relay("brevo")
    await tell(
        hooked, "brevo", relay_events.brevo_bounce(MARA, **{"message-id": await message_id(desk, MARA)})
    )
    assert await handle(desk) == 1
    assert await handle(desk) == 0
    entry = await desk.suppression(MARA)
    assert entry is not None
    assert (entry.reason, entry.source) == (Reason.BOUNCE, "relay brevo")
    (back,) = await desk.returned()
    assert (back.edition_id, back.number) == (desk.outbox.edition.id, (await desk.outbox.rows())[MARA].number)
    (event,) = await hooked.events("brevo")
    assert (event.outcome, event.handled_at) == ("suppressed", desk.now)


async def test_without_our_message_id_the_relays_number_says_which_message(
    hooked: Hooked, desk: Desk
) -> None:
    await hooked.relay("postmark")
    await hooked.resources.database.write(
        _answered, desk.outbox.edition.id, "250 2.0.0 Ok: queued as 6A59-77C1-0"
    )
    await tell(hooked, "postmark", relay_events.postmark_bounce(MARA, MessageID="6A59-77C1-0"))
    await tell(hooked, "postmark", relay_events.postmark_bounce(NOOR, MessageID="another-number", ID=2))
    await handle(desk)
    by_address = {one.address: one for one in await desk.bounces()}
    assert (by_address[MARA].matched, by_address[MARA].edition_id) == ("message-id", desk.outbox.edition.id)
    assert (by_address[NOOR].matched, by_address[NOOR].edition_id) == ("address", None)
    assert {one.action for one in by_address.values()} == {Action.SUPPRESSED}


async def test_policy_is_about_us_and_strikes_nobody(hooked: Hooked, desk: Desk) -> None:
    await hooked.relay("brevo")
    for address in (MARA, NOOR):
        said = {"message-id": await message_id(desk, address), "reason": "550 5.7.1 blocked by policy"}
        await tell(hooked, "brevo", relay_events.brevo_bounce(address, **said))
    await handle(desk)
    assert [await desk.suppression(one) for one in (MARA, NOOR)] == [None, None]
    assert {one.kind for one in await desk.bounces()} == {Kind.SENDER}


async def test_an_address_we_do_not_have_changes_nothing_and_is_said(hooked: Hooked, desk: Desk) -> None:
    await hooked.relay("mailjet")
    await tell(hooked, "mailjet", [relay_events.mailjet_bounce("stranger@example.com")])
    await handle(desk)
    (event,) = await hooked.events("mailjet")
    assert event.outcome == "unmatched"
    assert await desk.suppression("stranger@example.com") is None


async def test_an_event_that_cannot_be_handled_stops_none_behind_it(hooked: Hooked, desk: Desk) -> None:
    await hooked.relay("brevo")
    await tell(hooked, "brevo", relay_events.brevo_bounce(MARA))
    (event,) = await hooked.events("brevo")
    await hooked.resources.database.write(_spoil, event.id)
    await tell(hooked, "brevo", relay_events.brevo_bounce(OLE, event="spam"))
    assert await handle(desk) == 2
    spoilt, good = reversed(await hooked.events("brevo"))
    assert spoilt.outcome is not None
    assert spoilt.outcome.startswith("could not be handled")
    assert good.outcome == "ended"
    assert not await hooked.resources.database.read(keeping.is_any_waiting)


async def test_a_dsn_a_hard_bounce_a_complaint_and_their_doubles_have_one_effect_in_any_order(
    hooked: Hooked, desk: Desk
) -> None:
    """faults.md NB-44, and R5: doubled, out of order, and from mail and relay both."""
    await hooked.relay("brevo")
    ids = {"message-id": await message_id(desk, MARA)}
    bounce = relay_events.brevo_bounce(MARA, **ids)
    complaint = relay_events.brevo_bounce(MARA, event="spam", **ids)
    named = await desk.named(MARA)

    async def told(what: str) -> None:
        if what == "mail":
            await desk.tell(Kind.PERMANENT, named, event="a DSN", status="5.1.1", reply="550")
        else:
            await tell(hooked, "brevo", bounce if what == "bounce" else complaint)
            await handle(desk)

    for order in permutations(("mail", "bounce", "complaint")):
        for what in (*order, *order):
            await told(what)
    entry = await desk.suppression(MARA)
    assert entry is not None
    assert len(await desk.returned()) == 1
    assert len(await hooked.events("brevo")) == 2
    assert len(await desk.bounces()) == 3
    assert await desk.suppression(NOOR) is await desk.suppression(OLE) is None


async def test_a_relay_that_tells_it_a_month_later_again_is_not_heard_twice(
    hooked: Hooked, desk: Desk
) -> None:
    await hooked.relay("brevo")
    said = relay_events.brevo_bounce(
        MARA, event="soft_bounce", **{"message-id": await message_id(desk, MARA)}
    )
    await tell(hooked, "brevo", said)
    await handle(desk)
    await hooked.resources.database.write(keeping.forget_old, now=desk.now + timedelta(days=40))
    assert await hooked.events("brevo") == []
    await tell(hooked, "brevo", said)
    await handle(desk)
    (event,) = await hooked.events("brevo")
    assert event.outcome == handling.AGAIN
    assert len(await desk.bounces()) == 1


def _answered(session: Session, edition_id: int, reply: str) -> None:
    for row in session.exec(select(Delivery).where(Delivery.edition_id == edition_id)):
        row.reply = reply if row.address == MARA else "250 2.0.0 Ok: queued as 0000"
        session.add(row)


def _spoil(session: Session, event_id: int) -> None:
    event = session.get_one(RelayEvent, event_id)
    event.finding = {"kind": "nonsense"}
    session.add(event)
