"""Who goes first of a newsletter's editions, and what stops the rest: set on the newsletter's page."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from service.desk import newsletters
from service.desk.refusals import Place, refused
from service.desk.visit import AtDesk, DeskRoute
from service.errors import Invalid
from service.newsletters import details, publication

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
IS_ON = {"": None, "on": True, "off": False}
PLACES = {
    "canary.first_count": Place("canary-first", "Readers who go first"),
    "canary.wait_seconds": Place("canary-wait", "Wait (seconds)"),
    "canary.refused_percent": Place("canary-percent", "Stop above (percent refused)"),
    "canary.seeds": Place("canary-seeds"),
}


@router.post("/desk/newsletters/{slug}/canary")
async def canary(
    visit: AtDesk,
    slug: str,
    when: Annotated[str, Form()] = "",
    first: Annotated[str, Form()] = "",
    wait: Annotated[str, Form()] = "",
    percent: Annotated[str, Form()] = "",
    seeds: Annotated[str, Form()] = "",
) -> Response:
    entered = {"when": when, "first": first, "wait": wait, "percent": percent, "seeds": seeds}
    wanted = {
        "is_on": IS_ON.get(when),
        "first_count": first.strip(),
        "wait_seconds": wait.strip(),
        "refused_percent": percent.strip(),
        "seeds": seeds.replace(",", " ").split(),
    }
    now, actor = visit.resources.clock.now(), visit.account.name
    try:
        await visit.resources.database.write(_keep, slug, wanted, now=now, actor=actor)
    except Invalid as error:
        return await newsletters.show(visit, slug, problem=refused(error, PLACES), entered=entered)
    return visit.done(
        f"/desk/newsletters/{slug}#canary", "Who goes first is saved; it holds from the next edition on."
    )


def _keep(session: Session, slug: str, wanted: dict[str, Any], *, now: datetime, actor: str) -> None:
    newsletter = publication.get(session, slug)
    values = publication.details_of(newsletter).model_dump() | {"canary": wanted}
    publication.change(session, newsletter, details.read(values), now=now, actor=actor)
