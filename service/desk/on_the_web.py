"""Who may read a newsletter's editions on the web: set on the newsletter's page."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from service.desk import newsletters
from service.desk.refusals import refused
from service.desk.visit import AtDesk, DeskRoute
from service.errors import Invalid
from service.newsletters import details, publication
from service.newsletters.web import Web

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
SAID = {
    Web.PUBLIC: "Everybody may read its editions on the web.",
    Web.PRIVATE: "Only who has an edition's address from the mail may read it on the web.",
    Web.MAIL_ONLY: "Its editions are sent by mail only.",
}


@router.post("/desk/newsletters/{slug}/web")
async def web(visit: AtDesk, slug: str, web: Annotated[str, Form()] = "") -> Response:
    now, actor = visit.resources.clock.now(), visit.account.name
    try:
        kept = await visit.resources.database.write(_keep, slug, web, now=now, actor=actor)
    except Invalid as error:
        refusal = refused(error, otherwise="web-who")
        return await newsletters.show(visit, slug, problem=refusal, entered={"web": web})
    return visit.done(f"/desk/newsletters/{slug}#web", SAID[kept])


def _keep(session: Session, slug: str, web: str, *, now: datetime, actor: str) -> Web:
    newsletter = publication.get(session, slug)
    wanted = details.read(publication.details_of(newsletter).model_dump() | {"web": web})
    publication.change(session, newsletter, wanted, now=now, actor=actor)
    return wanted.web
