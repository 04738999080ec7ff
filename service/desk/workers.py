"""Who is at work, what each holds and how quickly it hands over; one that died is shown as gone, and since when."""

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session

from service.desk.visit import AtDesk, DeskRoute
from service.newsletters import publication
from service.workers import present
from service.workers.present import Present

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@router.get("/desk/workers")
async def workers(visit: AtDesk) -> Response:
    found, zone = await visit.resources.database.read(_read)
    return visit.render(
        "desk/workers.html",
        workers=found,
        alive=sum(one.is_alive for one in found),
        rate=round(sum(one.rate for one in found), 1),
        zone=zone,
    )


def _read(session: Session) -> tuple[list[Present], str]:
    """Times are told in the zone of the first newsletter, as on the first page."""
    newsletters = publication.all_of(session)
    return present.everybody(session), newsletters[0].time_zone if newsletters else "UTC"
