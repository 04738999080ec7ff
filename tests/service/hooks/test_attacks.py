"""What goes wrong between a relay's event and its effect: too early, twice at once, about the wrong one, with a lost key."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service.bounces.findings import Kind
from service.bounces.hooks import handling, keeping, register
from service.bounces.hooks.calls import Trouble
from service.bounces.models import Action
from service.ledger import rows
from service.ledger.models import Delivery
from service.subscribers.models import Subscriber
from service.tokens import keys_from
from tests.service.bounces import steps
from tests.service.bounces.steps import Desk
from tests.service.hooks.conftest import Hooked
from tests.service.hooks.test_handling import MARA, NOOR, OLE, handle, message_id, tell
from tests.support import relay_events
from tests.support.application import app_of
from tests.support.outbox import open_outbox


async def test_a_bounce_that_is_told_before_its_accept_is_recorded_has_its_effect(hooked: Hooked) -> None:
    outbox = await open_outbox(hooked.resources, [MARA, OLE])
    desk = Desk(hooked.resources, outbox, steps.means_of(hooked.resources))
    await hooked.relay("brevo")
    said = relay_events.brevo_bounce(MARA, **{"message-id": await message_id(desk, MARA)})
    await tell(hooked, "brevo", said)
    await handle(desk)
    await hooked.resources.database.write(steps.accept_all, outbox.edition.id, desk.now)
    await tell(hooked, "brevo", said)
    await handle(desk)
    assert await desk.suppression(MARA) is not None
    assert [one.number for one in await desk.returned()] == [(await outbox.rows())[MARA].number]


async def test_two_workers_at_once_apply_each_event_once(hooked: Hooked) -> None:
    readers = [f"reader{number}@example.net" for number in range(40)]
    desk = await steps.desk_of(hooked.resources, readers)
    await hooked.relay("sendgrid")
    numbered = await desk.outbox.rows()
    batch = [
        relay_events.sendgrid_bounce(
            one, event="spamreport",
            **{"smtp-id": rows.message_id(desk.outbox.edition.uid, numbered[one].number, "news.example.org")},
        )
        for one in readers
    ]  # fmt: skip
    await tell(hooked, "sendgrid", batch)
    done = await asyncio.gather(*(handle(desk) for _ in range(4)))
    while await hooked.resources.database.read(keeping.is_any_waiting):
        done.append(await handle(desk))
    assert sum(done) == 40
    assert {one.outcome for one in await hooked.events("sendgrid")} == {"ended"}
    assert len(await desk.bounces()) == 40


async def test_it_is_about_whom_the_message_went_to_not_whom_it_names(hooked: Hooked) -> None:
    """Mail that is forwarded bounces with an address that is not ours (faults.md NB-31)."""
    desk = await steps.desk_of(hooked.resources, [MARA, NOOR])
    await hooked.relay("brevo")
    said = {"message-id": await message_id(desk, MARA)}
    await tell(hooked, "brevo", relay_events.brevo_bounce("elsewhere@example.com", **said))
    await handle(desk)
    assert await desk.suppression(MARA) is not None
    assert await desk.suppression("elsewhere@example.com") is await desk.suppression(NOOR) is None


@pytest.mark.parametrize("spelling", ["MARA@EXAMPLE.NET", " <mara@example.net> ", "mara@Example.net."])
async def test_any_spelling_is_the_same_reader(hooked: Hooked, spelling: str) -> None:
    desk = await steps.desk_of(hooked.resources, [MARA])
    await hooked.relay("mailjet")
    await tell(hooked, "mailjet", relay_events.mailjet_bounce(spelling))
    await handle(desk)
    assert await desk.suppression(MARA) is not None


async def test_after_a_reader_is_gone_their_events_do_nothing(hooked: Hooked) -> None:
    desk = await steps.desk_of(hooked.resources, [MARA])
    await hooked.relay("postmark")
    await hooked.resources.database.write(_rename, "somebody-else@example.net")
    await tell(hooked, "postmark", relay_events.postmark_bounce(MARA))
    await handle(desk)
    (event,) = await hooked.events("postmark")
    assert event.outcome == Action.UNMATCHED.value
    assert await desk.suppression(MARA) is await desk.suppression("somebody-else@example.net") is None


async def test_a_graver_word_is_kept_and_a_lighter_one_takes_nothing_back(hooked: Hooked) -> None:
    desk = await steps.desk_of(hooked.resources, [MARA])
    await hooked.relay("brevo")
    said = {"message-id": await message_id(desk, MARA)}
    for event, reason in (
        ("soft_bounce", "452 4.2.2 full"),
        ("hard_bounce", relay_events.NO_SUCH),
        ("soft_bounce", "421 later"),
    ):
        at = {"ts_event": 1795672807 + len(reason)}
        await tell(hooked, "brevo", relay_events.brevo_bounce(MARA, event=event, reason=reason, **said, **at))
        await handle(desk)
    assert [one.kind for one in await desk.bounces()] == [Kind.TRANSIENT, Kind.PERMANENT, Kind.TRANSIENT]
    (back,) = await desk.returned()
    assert back.kind == Kind.PERMANENT.value
    assert await desk.suppression(MARA) is not None


async def test_a_key_that_cannot_be_read_any_more_is_said_and_locked_anew_before_that(hooked: Hooked) -> None:
    await hooked.relay("mailgun")
    both = keys_from("newest, a, key, for, tests, only")
    assert await hooked.resources.database.write(register.lock_anew, both) == 1
    assert await hooked.resources.database.write(register.lock_anew, both) == 0
    assert (await hooked.tell("mailgun")).status_code == 403  # this process knows only the old one
    assert await hooked.troubles("mailgun") == {"NO_KEY": 1}
    app_of(replace(hooked.resources, keys=keys_from("newest")))
    assert (await hooked.tell("mailgun")).status_code == 200


async def test_troubles_of_last_month_are_forgotten(hooked: Hooked) -> None:
    await hooked.relay("brevo")
    hook, now = await hooked.hook("brevo"), hooked.resources.clock.now()
    write = hooked.resources.database.write
    await write(register.note, hook.id, Trouble.UNREADABLE, now=now - timedelta(days=31))
    await write(register.note, hook.id, Trouble.WRONG_TYPE, now=now)
    await handling.tidy(hooked.resources.database, hooked.resources.keys, now)
    assert await hooked.troubles("brevo") == {"WRONG_TYPE": 1}


async def test_a_flood_of_nonsense_with_the_right_secret_leaves_the_good_events_alone(hooked: Hooked) -> None:
    desk = await steps.desk_of(hooked.resources, [MARA])
    await hooked.relay("signed")
    nonsense = [
        b"{",
        json.dumps({"event": "bounce"}).encode(),
        b"[1,2,3]",
        json.dumps({"event": "complaint", "id": "1"}).encode(),
    ]
    for body in nonsense:
        await hooked.tell("signed", body)
    good = json.dumps(relay_events.signed_bounce(MARA, message_id=await message_id(desk, MARA))).encode()
    assert (await hooked.tell("signed", good)).status_code == 200
    assert await handle(desk) == 1
    assert await desk.suppression(MARA) is not None


def _rename(session: Session, address: str) -> None:
    """As erasing does: another person, or nobody, is behind that key now."""
    changed = {"address": address, "address_key": address}
    session.execute(
        sa.update(Subscriber).values(
            {key: value for key, value in changed.items() if hasattr(Subscriber, key)}
        )
    )
    session.execute(sa.update(Delivery).where(col(Delivery.address) == MARA).values(address=""))
