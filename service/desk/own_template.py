"""A newsletter's own template: written at the desk, tried on an edition, and refused with the line where it cannot be used."""

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import PlainTextResponse, Response
from sqlmodel import Session

from service.desk import looks
from service.desk.refusals import Refusal, refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.errors import Invalid
from service.newsletters import details, publication
from service.newsletters.models import Newsletter
from service.rendering import body, frames
from service.rendering.frames import FrameInvalid
from service.settings import shipped

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
Written = Annotated[str, Form(max_length=4 * frames.MOST_CHARACTERS)]


@router.get("/desk/newsletters/{slug}/template")
async def shown(visit: AtDesk, slug: str, start: Literal["ours", ""] = "") -> Response:
    newsletter = await visit.resources.database.read(publication.get, slug)
    written = publication.own_template(newsletter)
    return _page(visit, newsletter, ours() if start or not written else written)


@router.post("/desk/newsletters/{slug}/template")
async def change(
    visit: AtDesk,
    slug: str,
    template: Written = "",
    action: Annotated[Literal["save", "remove"], Form()] = "save",
) -> Response:
    held = visit.resources
    wanted = "" if action == "remove" else _lines(template)
    try:
        await held.database.write(_save, slug, wanted, now=held.clock.now(), actor=visit.account.name)
    except Invalid as error:
        newsletter = await held.database.read(publication.get, slug)
        refusal = refused(error, otherwise="template")
        return _page(visit, newsletter, _lines(template), refusal)
    said = "Our template is used again." if action == "remove" else "Saved. The next edition is drawn in it."
    return visit.done(f"/desk/newsletters/{slug}/template", said)


@router.post("/desk/newsletters/{slug}/template/preview.html")
async def tried(visit: AtDesk, slug: str, template: Written = "") -> Response:
    """What the form says now, into the frame beside it; nothing is saved."""
    sample = await visit.resources.database.read(looks.sample, visit, slug)
    facts = replace(sample.newsletter, template=_lines(template))
    content = replace(sample, newsletter=facts)
    try:
        await asyncio.to_thread(body.check_own_template, content, visit.resources.templates)
    except FrameInvalid as error:
        return PlainTextResponse(error.message, 422, headers={"Cache-Control": "no-store"})
    return await looks.tried_on(visit, content)


def ours() -> str:
    """One to begin with, that looks as ours does."""
    return (shipped("templates") / "email" / "_own.html").read_text(encoding="utf-8")


def _page(visit: Visit, newsletter: Newsletter, written: str, problem: Refusal | None = None) -> Response:
    return visit.render(
        "desk/own-template.html",
        status=problem.status if problem else 200,
        newsletter=newsletter,
        is_own=bool(publication.own_template(newsletter)),
        written=written,
        names=frames.NAMES,
        problem=problem,
    )


def _save(session: Session, slug: str, template: str, *, now: datetime, actor: str) -> None:
    newsletter = publication.get(session, slug)
    changed = details.read(publication.details_of(newsletter).model_dump() | {"template": template})
    publication.change(session, newsletter, changed, now=now, actor=actor)


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
