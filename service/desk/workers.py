"""Who is at work, what each holds and how quickly it hands over; one that died is shown as gone, and since when."""

from fastapi import APIRouter
from fastapi.responses import Response

from service.desk.visit import AtDesk, DeskRoute
from service.workers import present

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@router.get("/desk/workers")
async def workers(visit: AtDesk) -> Response:
    found = await visit.resources.database.read(present.everybody)
    return visit.render(
        "desk/workers.html",
        workers=found,
        alive=sum(one.is_alive for one in found),
        rate=round(sum(one.rate for one in found), 1),
    )
