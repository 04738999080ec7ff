"""How a newsletter looks: a theme, what is to differ from it, and an edition to try it on before it is saved."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, Response
from sqlmodel import Session

from service import pages
from service.desk import blocks as sent
from service.desk import fields, pictures, refusals
from service.desk.fields import Asked, BlockInvalid
from service.desk.refusals import Place
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.editions import composition, content, queries
from service.errors import Invalid
from service.newsletters import details, publication, web
from service.newsletters.models import Newsletter
from service.rendering import body, themes
from service.rendering.blocks import Document
from service.rendering.content import EditionContent
from service.rendering.themes import Look, Theme
from service.settings import shipped

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@dataclass(frozen=True)
class LookView:
    newsletter: Newsletter
    theme: str
    accent: str
    asked: tuple[Asked, ...]

    @property
    def themes(self) -> list[tuple[str, str, Theme]]:
        return [(name, themes.TOLD[name], theme) for name, theme in themes.SHIPPED.items()]


@router.get("/desk/newsletters/{slug}/look")
async def look(visit: AtDesk, slug: str) -> Response:
    newsletter = await visit.resources.database.read(publication.get, slug)
    values = publication.details_of(newsletter).look.model_dump(mode="json")
    return _page(visit, newsletter, values, newsletter.accent, {})


@router.post("/desk/newsletters/{slug}/look")
async def change(visit: AtDesk, slug: str) -> Response:
    form = await pictures.form_of(visit)
    values, accent = fields.typed(Look, form.texts), form.texts.get("accent", "")
    now, actor = visit.resources.clock.now(), visit.account.name

    def save(session: Session) -> None:
        if form.problems:
            raise BlockInvalid(form.problems)
        pictures.keep(session, form.made, now=now)
        _save(session, slug, values, accent, now=now, actor=actor)

    try:
        await visit.resources.database.write(save)
    except Invalid as error:
        if form.made:  # nobody has to choose it again
            await visit.resources.database.write(pictures.keep, form.made, now=now)
        newsletter = await visit.resources.database.read(publication.get, slug)
        return _page(visit, newsletter, values, accent, _problems(error), error)
    return visit.done(f"/desk/newsletters/{slug}/look", "Saved. The next edition looks like this.")


@router.get("/desk/newsletters/{slug}/look/preview.html")
async def seen(visit: AtDesk, slug: str) -> Response:
    return await tried_on(visit, await visit.resources.database.read(sample, visit, slug))


@router.post("/desk/newsletters/{slug}/look/preview.html")
async def tried(visit: AtDesk, slug: str) -> Response:
    """What the form says now, into the frame beside it; nothing is saved."""
    form = await sent.form_of(visit)
    shown = await visit.resources.database.read(sample, visit, slug)
    try:
        wanted = cast(Look, fields.read(Look, fields.typed(Look, form)))
    except BlockInvalid as error:
        return PlainTextResponse(
            " ".join(error.problems.values()), 422, headers={"Cache-Control": "no-store"}
        )
    facts = replace(shown.newsletter, theme=themes.made(wanted), accent=form.get("accent", ""))
    return await tried_on(visit, replace(shown, newsletter=facts))


async def tried_on(visit: Visit, shown: EditionContent) -> Response:
    made = await asyncio.to_thread(body.page_without_reader, shown, visit.resources.templates)
    return pages.framed(made)


def _page(
    visit: Visit,
    newsletter: Newsletter,
    values: Mapping[str, Any],
    accent: str,
    problems: Mapping[str, str],
    problem: Invalid | None = None,
) -> Response:
    asked = tuple(one for one in fields.asked(Look, values, problems) if one.name != "theme")
    theme = values.get("theme")
    view = LookView(newsletter, theme if theme in themes.SHIPPED else "ledger", accent, asked)
    if "" in problems:
        problem = Invalid(f"The look {problems[''][:1].lower()}{problems[''][1:]}")
    refusal = (
        refusals.refused_block(problem, asked, {"accent": Place("accent", "Accent")}) if problem else None
    )
    return visit.render(
        "desk/look.html",
        status=refusal.status if refusal else 200,
        view=view,
        problem=refusal,
    )


def _problems(error: Invalid) -> Mapping[str, str]:
    return error.problems if isinstance(error, BlockInvalid) else {}


def _save(
    session: Session, slug: str, values: Mapping[str, Any], accent: str, *, now: datetime, actor: str
) -> None:
    newsletter = publication.get(session, slug)
    wanted = fields.read(Look, values)
    changes = {"look": wanted.model_dump(mode="json"), "accent": accent}
    changed = details.read(publication.details_of(newsletter).model_dump() | changes)
    publication.change(session, newsletter, changed, now=now, actor=actor)


def sample(session: Session, visit: Visit, slug: str) -> EditionContent:
    """The newest edition, or one of each kind of block if there is none yet."""
    newsletter = publication.get(session, slug)
    base_url = visit.resources.settings.base_url
    for edition in queries.for_newsletter(session, newsletter.id, limit=1):
        return content.of(session, edition, base_url=base_url)
    today = composition.today(newsletter, visit.resources.clock.now())
    return _every_block(newsletter, today, base_url)


def _every_block(newsletter: Newsletter, today: date, base_url: str) -> EditionContent:
    written = json.loads((shipped("examples") / "blocks.json").read_text(encoding="utf-8"))
    document = Document.model_validate(
        {"subject": newsletter.name, "blocks": [{"kind": kind, **values} for kind, values in written.items()]}
    )
    address = web.address(newsletter, today, 1, base_url=base_url)
    return EditionContent(content.facts(newsletter, base_url=base_url), document, today, address)
