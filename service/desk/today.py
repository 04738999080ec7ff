"""The first page: what leaves next, and what the desk has to know before it does."""

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from service.desk import overview
from service.desk.visit import HOME, AtDesk, DeskRoute

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@router.get("/desk")
async def today(visit: AtDesk) -> Response:
    now = visit.resources.clock.now()
    seen = await visit.resources.database.read(overview.today, now=now)
    return visit.render("desk/today.html", today=seen, now=now)


@router.get("/desk/")
async def today_as_typed() -> Response:
    return RedirectResponse(HOME, 308)
