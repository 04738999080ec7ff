"""Links to an edition for colleagues who do not sign in: made and withdrawn on its preview page."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response

from service.desk.visit import AtDesk, DeskRoute
from service.editions import sharing

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@router.post("/desk/editions/{uid}/shares")
async def share(visit: AtDesk, uid: UUID, hours: Annotated[int, Form()] = sharing.USUAL_HOURS) -> Response:
    now, actor = visit.resources.clock.now(), visit.account.name
    await visit.resources.database.write(sharing.make, uid, hours=hours, now=now, actor=actor)
    return visit.done(f"/desk/editions/{uid}/preview#share", "The link is ready below: copy it.")


@router.post("/desk/editions/{uid}/shares/{share_uid}/withdraw")
async def withdraw(visit: AtDesk, uid: UUID, share_uid: UUID) -> Response:
    now, actor = visit.resources.clock.now(), visit.account.name
    await visit.resources.database.write(sharing.withdraw, uid, share_uid, now=now, actor=actor)
    return visit.done(
        f"/desk/editions/{uid}/preview#share", "The link is withdrawn: it opens nothing any more."
    )
