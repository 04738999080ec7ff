"""After an older copy of the database was put back: what was stopped, what may have been sent, and what a person decides."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response

from service.backups import continuity, standstill
from service.delivery import restored
from service.desk import editions
from service.desk.departure import acted
from service.desk.refusals import refused
from service.desk.visit import AtDesk, DeskRoute

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = "/desk/recovery"


@router.get(PATH)
async def look(visit: AtDesk) -> Response:
    return visit.render("desk/recovery.html", found=await visit.resources.database.read(standstill.of))


@router.post(f"{PATH}/release")
async def go_on(visit: AtDesk) -> Response:
    now: datetime = visit.resources.clock.now()
    await visit.resources.database.write(continuity.release, now=now, actor=visit.account.name)
    return visit.done(PATH, "Sending goes on with what is due from now on.")


@router.get("/desk/editions/{uid}/release")
async def ask_to_release(visit: AtDesk, uid: UUID) -> Response:
    view = await visit.resources.database.read(editions.view_of, uid, now=visit.resources.clock.now())
    if view.sending is None or not view.sending.is_restored:
        return await editions.show(visit, uid, problem=refused(restored.NotRestored()))
    return visit.render("desk/release.html", view=view)


@router.post("/desk/editions/{uid}/release")
async def release(visit: AtDesk, uid: UUID) -> Response:
    releasing = visit.resources.database.write(
        restored.release, uid, now=visit.resources.clock.now(), actor=visit.account.name
    )
    return await acted(visit, uid, releasing, said="It goes to those who are still open.")
