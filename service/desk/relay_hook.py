"""Where a relay tells us events: its address is made, renewed, given its key or topic, and what was heard there is shown.

An address or a key of ours is on the answer to the post that makes it, and on no other page: only a hash of it, or its box, is kept.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from service.bounces.hooks import confirming, formats, keeping, register
from service.bounces.hooks.calls import Trouble
from service.bounces.hooks.formats import Format
from service.bounces.hooks.models import RelayEvent, RelayHook
from service.bounces.hooks.register import Made
from service.bounces.models import Action
from service.delivery import relay_register
from service.delivery.models import Relay
from service.desk.refusals import Place, Refusal, refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.errors import Conflict, Invalid, Unavailable

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = "/desk/relays/{name}/hook"
PLACES = {"key": Place("key"), "format": Place("format")}
FORMER = {"0": "not at all", "24": "for a day", "168": "for a week", "720": "for 30 days"}

OUTCOMES = {
    None: "not handled yet",
    Action.NONE.value: "nothing had to be done",
    Action.SUPPRESSED.value: "not mailed any more",
    Action.STRUCK.value: "counted against the address",
    Action.WAITS.value: "believed when it is said again a day later",
    Action.HELD.value: "held for a person: many readers got the same",
    Action.DISMISSED.value: "no fault of the reader",
    Action.ENDED.value: "the subscription has ended",
    Action.ALARMED.value: "the newsroom was told",
    Action.KNOWN.value: "known already",
    Action.UNMATCHED.value: "no reader of ours",
}


@dataclass(frozen=True)
class Refused:
    """Requests that were not believed or not understood, for one reason."""

    why: str
    count: int
    since: datetime
    last: datetime


@dataclass(frozen=True)
class HookView:
    relay: Relay
    hook: RelayHook | None
    form: Format
    events: tuple[RelayEvent, ...]
    refused: tuple[Refused, ...]


def of(session: Session, name: str) -> HookView:
    relay = relay_register.get(session, name)
    hook = register.of_relay(session, name)
    return HookView(
        relay=relay,
        hook=hook,
        form=formats.BY_KEY[hook.format] if hook else formats.usual(relay.profile),
        events=tuple(keeping.latest(session, hook.id)) if hook else (),
        refused=tuple(_refused(hook)) if hook else (),
    )


@router.get(PATH)
async def look(visit: AtDesk, name: str) -> Response:
    return await _page(visit, name)


@router.post(PATH)
async def make(visit: AtDesk, name: str, form: Annotated[str, Form(alias="format")] = "") -> Response:
    held = visit.resources
    try:
        made = await held.database.write(
            register.make, name, form, keys=held.keys, now=held.clock.now(), actor=visit.account.name
        )
    except (Conflict, Invalid) as error:
        return await _page(visit, name, problem=refused(error, PLACES))
    return await _page(visit, name, made=made)


@router.post(PATH + "/renew")
async def renew(visit: AtDesk, name: str, former: Annotated[str, Form()] = "24") -> Response:
    held = visit.resources
    kept = timedelta(hours=int(former) if former in FORMER else 24)
    made = await held.database.write(
        register.renew, name, former_for=kept, now=held.clock.now(), actor=visit.account.name
    )
    return await _page(visit, name, made=made)


@router.post(PATH + "/key")
async def enter_key(visit: AtDesk, name: str, key: Annotated[str, Form()] = "") -> Response:
    held = visit.resources
    try:
        await held.database.write(
            register.enter_key, name, key, keys=held.keys, now=held.clock.now(), actor=visit.account.name
        )
    except Invalid as error:
        return await _page(visit, name, problem=refused(error, PLACES))
    return visit.done(PATH.format(name=name), "The key is entered: what the relay signs with it is believed.")


@router.post(PATH + "/confirm")
async def confirm(visit: AtDesk, name: str) -> Response:
    held = visit.resources
    try:
        topic = await confirming.confirm(
            held.database, held.fetcher, held.clock, name, actor=visit.account.name
        )
    except (Conflict, Unavailable) as error:
        return await _page(visit, name, problem=refused(error, PLACES))
    return visit.done(PATH.format(name=name), f"{topic} is confirmed: it is believed, and no other.")


@router.post(PATH + "/forget")
async def forget_topic(visit: AtDesk, name: str) -> Response:
    held = visit.resources
    await held.database.write(register.forget_topic, name, now=held.clock.now(), actor=visit.account.name)
    return visit.done(PATH.format(name=name), "No topic is believed now, until one is confirmed.")


@router.post(PATH + "/remove")
async def remove(visit: AtDesk, name: str) -> Response:
    held = visit.resources
    await held.database.write(register.remove, name, now=held.clock.now(), actor=visit.account.name)
    return visit.done(PATH.format(name=name), "The address is gone, and what was told there.")


async def _page(
    visit: Visit, name: str, *, problem: Refusal | None = None, made: Made | None = None
) -> Response:
    found = await visit.resources.database.read(of, name)
    return visit.render(
        "desk/relay-hook.html",
        status=problem.status if problem else 200,
        found=found,
        made=made,
        address=visit.resources.url(made.path) if made else None,
        problem=problem,
        forms=formats.FORMATS,
        former=FORMER,
        outcomes=OUTCOMES,
        looked_at=formats.LOOKED_AT,
    )


def _refused(hook: RelayHook) -> list[Refused]:
    found = [
        Refused(
            Trouble[word].value,
            one["count"],
            datetime.fromisoformat(one["since"]),
            datetime.fromisoformat(one["last"]),
        )
        for word, one in hook.troubles.items()
    ]
    return sorted(found, key=lambda one: one.last, reverse=True)
