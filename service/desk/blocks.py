"""One block of an edition: added, or changed, by a form that its class makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from sqlmodel import Session

from service.articles import queries as articles
from service.desk import documents, fields, pictures, refusals
from service.desk.fields import Asked, BlockInvalid
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.editions import automatic, composition, placeholders, queries
from service.editions.models import Edition
from service.errors import Conflict, Invalid, MemoError, NotFound
from service.media.pictures import Made
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering import blocks
from service.rendering.blocks import Block, Document, LatestFromSection, takes_fields
from service.rendering.fields import unknown_in
from service.rendering.pieces import Piece

SECTIONS_SHOWN = 20
NOTHING_IN_SECTION = (
    "No article of this section is left that the edition does not have already. Look at how it is spelled."
)

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


class NoSuchKind(NotFound):
    """There is no such block. Go back to the edition and choose one from the list."""


@dataclass(frozen=True)
class Opened:
    """A block on the way in: `number` where it stands, or is to stand; `was` marks the one that is changed."""

    kind: type[Piece]
    number: int
    was: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    spare: int = 0
    made: tuple[Made, ...] = ()

    @property
    def asked(self) -> tuple[Asked, ...]:
        return fields.asked(self.kind, self.values, self.problems, spare=self.spare)

    @property
    def may_take_fields(self) -> bool:
        return blocks.may_take_fields(self.kind)

    @property
    def is_fillable(self) -> bool:
        return self.kind is LatestFromSection


@dataclass(frozen=True)
class BlockView:
    edition: Edition
    newsletter: Newsletter
    document: Document
    lines: tuple[documents.BlockLine, ...]
    sections: tuple[str, ...]


@router.get("/desk/editions/{uid}/blocks/new")
async def new(visit: AtDesk, uid: UUID, kind: Annotated[str, Query()] = "") -> Response:
    found = _kind(kind)
    view = await visit.resources.database.read(_editable, uid)
    number = documents.usual_place(view.document, found)
    return _page(visit, view, Opened(found, number, spare=fields.ROWS_AT_FIRST))


@router.get("/desk/editions/{uid}/blocks/{number}")
async def opened(visit: AtDesk, uid: UUID, number: int) -> Response:
    view = await visit.resources.database.read(_editable, uid)
    block = documents.standing_at(view.document, number)
    values = block.model_dump(mode="json")
    return _page(visit, view, Opened(type(block), number, documents.mark(block), values, spare=1))


@router.post("/desk/editions/{uid}/blocks/new")
async def add(visit: AtDesk, uid: UUID) -> Response:
    form = await pictures.form_of(visit)
    found = _kind(form.texts.get("kind", ""))
    at = form.texts.get("at", "")
    number = int(at) if at.isdecimal() and len(at) < 5 else blocks.BLOCKS
    return await _taken(visit, uid, form, Opened(found, number, made=form.made))


@router.post("/desk/editions/{uid}/blocks/{number}")
async def change(visit: AtDesk, uid: UUID, number: int) -> Response:
    form = await pictures.form_of(visit)
    found, was = _kind(form.texts.get("kind", "")), form.texts.get("was", "")
    return await _taken(visit, uid, form, Opened(found, number, was, made=form.made))


def view_of(session: Session, uid: UUID) -> BlockView:
    found = queries.get(session, uid)
    document = composition.document_of(session, found)
    newsletter = publication.get_by_id(session, found.newsletter_id)
    sections = articles.sections(session, newsletter.id, limit=SECTIONS_SHOWN)
    return BlockView(found, newsletter, document, documents.lines(document), tuple(sections))


def _editable(session: Session, uid: UUID) -> BlockView:
    view = view_of(session, uid)
    composition.check_open(view.edition)
    return view


async def _taken(visit: Visit, uid: UUID, form: pictures.Form, sent: Opened) -> Response:
    held = visit.resources
    values = fields.typed(sent.kind, form.texts)
    action = form.texts.get("action", "save")
    if form.problems:
        return await _again(visit, uid, sent, values, problem=BlockInvalid(form.problems), spare=1)
    if action == "fill":
        values["items"] = await held.database.read(_latest, uid, str(values.get("section", "")).strip())
        nothing = None if values["items"] else BlockInvalid({"section": NOTHING_IN_SECTION})
        return await _again(visit, uid, sent, values, problem=nothing, spare=1)
    if action == "more":
        return await _again(visit, uid, sent, values, spare=fields.ROWS_MORE)
    try:
        await held.database.write(_save, uid, sent, values, now=held.clock.now(), actor=visit.account.name)
    except (Conflict, Invalid) as error:
        return await _again(visit, uid, sent, values, problem=error, spare=1)
    called = getattr(sent.kind, "called", "Block")
    return visit.done(f"/desk/editions/{uid}#blocks-title", f"{called}: saved.")


async def _again(
    visit: Visit,
    uid: UUID,
    sent: Opened,
    values: Mapping[str, Any],
    *,
    problem: MemoError | None = None,
    spare: int,
) -> Response:
    """The form once more with what was typed. A picture that came with it is kept, so that nobody has to choose it again."""
    if sent.made:
        await visit.resources.database.write(pictures.keep, sent.made, now=visit.resources.clock.now())
    problems = problem.problems if isinstance(problem, BlockInvalid) else {}
    view = await visit.resources.database.read(view_of, uid)
    shown = Opened(sent.kind, sent.number, sent.was, values, problems, spare)
    return _page(visit, view, shown, problem=problem)


def _page(visit: Visit, view: BlockView, shown: Opened, *, problem: MemoError | None = None) -> Response:
    refusal = refusals.refused_block(problem, shown.asked) if problem else None
    return visit.render(
        "desk/block.html",
        status=refusal.status if refusal else 200,
        view=view,
        opened=shown,
        problem=refusal,
    )


def _save(
    session: Session, uid: UUID, sent: Opened, values: Mapping[str, Any], *, now: datetime, actor: str
) -> None:
    pictures.keep(session, sent.made, now=now)
    found = queries.get(session, uid)
    document = composition.document_of(session, found)
    if sent.was is None:
        block = _read(sent.kind, values)
        changed = documents.with_block(document, block, sent.number)
    else:
        number = documents.marked(document, sent.number, sent.was)
        before = documents.standing_at(document, number).model_dump(mode="json")
        block = _read(sent.kind, fields.kept(sent.kind, values, before))
        changed = documents.with_changed(document, number, block)
    pictures.check_described(block)
    composition.replace(session, found, changed, now=now, actor=actor)


def _read(kind: type[Piece], values: Mapping[str, Any]) -> Block:
    block = cast(Block, fields.read(kind, values))
    unknown = {one.path: placeholders.said(one) for one in unknown_in(block)} if takes_fields(block) else {}
    if unknown:
        raise BlockInvalid(unknown)
    return block


def _latest(session: Session, uid: UUID, section: str) -> list[dict[str, Any]]:
    found = queries.get(session, uid)
    newsletter = publication.get_by_id(session, found.newsletter_id)
    document = composition.document_of(session, found)
    found_briefs = automatic.latest_of(session, newsletter, section, document)
    return [brief.model_dump(mode="json") for brief in found_briefs]


def _kind(name: str) -> type[Piece]:
    if name not in blocks.KINDS:
        raise NoSuchKind
    return blocks.KINDS[name]


async def form_of(visit: Visit) -> dict[str, str]:
    form = await visit.request.form()
    return {name: value for name, value in form.items() if isinstance(value, str)}
