"""On a relay's page: nothing of an edition goes through it until a person says so."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from service.delivery import relay_pause
from service.desk import relays
from service.desk.refusals import refused
from service.desk.visit import AtDesk, DeskRoute
from service.errors import Conflict

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = relays.PATH + "/{name}"


@router.post(f"{PATH}/pause")
async def pause(visit: AtDesk, name: str, pause_reason: Annotated[str, Form()] = "") -> Response:
    now, actor = visit.resources.clock.now(), visit.account.name
    await visit.resources.database.write(relay_pause.pause, name, pause_reason, now=now, actor=actor)
    said = f"{name} is paused: editions wait, notices still leave. Every worker follows within a second."
    return visit.done(f"{relays.PATH}/{name}", said)


@router.post(f"{PATH}/resume")
async def resume(visit: AtDesk, name: str) -> Response:
    now, actor = visit.resources.clock.now(), visit.account.name
    try:
        await visit.resources.database.write(relay_pause.resume, name, now=now, actor=actor)
    except Conflict as error:
        return await relays.show(visit, name, problem=refused(error))
    return visit.done(f"{relays.PATH}/{name}", f"{name} takes editions again.")
