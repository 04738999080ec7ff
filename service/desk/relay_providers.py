"""On a relay's page: how much the readers of one provider get through it."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from service.delivery import provider_limits
from service.desk import relays
from service.desk.refusals import refused
from service.desk.visit import AtDesk, DeskRoute
from service.errors import Invalid

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = relays.PATH + "/{name}/providers"


@router.post(PATH)
async def limit(
    visit: AtDesk,
    name: str,
    provider: Annotated[str, Form()] = "",
    provider_rate: Annotated[str, Form()] = "",
    why: Annotated[str, Form()] = "",
) -> Response:
    now, actor = visit.resources.clock.now(), visit.account.name
    try:
        meant = provider_limits.named(provider)
        wanted = provider_limits.read({"rate": provider_rate.strip(), "why": " ".join(why.split())})
        await visit.resources.database.write(provider_limits.put, name, meant, wanted, now=now, actor=actor)
    except Invalid as error:
        if error.field == "rate":
            error.field = "provider_rate"  # the relay's own rate is on this page, too
        entered = {"provider": provider, "provider_rate": provider_rate, "why": why}
        return await relays.show(visit, name, problem=refused(error, relays.PLACES), entered=entered)
    return visit.done(
        f"{relays.PATH}/{name}#providers",
        f"{meant} gets at most {wanted.rate:,} a second. Every worker follows within a second.",
    )


@router.post(f"{PATH}/lift")
async def lift(visit: AtDesk, name: str, provider: Annotated[str, Form()] = "") -> Response:
    now, actor = visit.resources.clock.now(), visit.account.name
    await visit.resources.database.write(provider_limits.lift, name, provider, now=now, actor=actor)
    return visit.done(f"{relays.PATH}/{name}#providers", f"{provider} has no limit of ours any more.")
