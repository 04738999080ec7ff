"""One edition: what is in it, how it looks, how it stands; and the changes an editor makes to it while it is a draft or planned."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from service.desk import documents, overview, proof_view, sending_view
from service.desk.documents import BlockLine, EditionHasChanged
from service.desk.overview import Readers
from service.desk.preview import USUAL, AsLooked, Looking
from service.desk.proof_view import ProofView
from service.desk.refusals import Place, Refusal, refused
from service.desk.sending_view import SendingView
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.editions import composition, pictures, queries, specimen
from service.editions.models import Edition, State
from service.editions.pictures import Standing
from service.errors import Conflict, Invalid
from service.newsletters import publication, web
from service.newsletters.models import Newsletter
from service.rendering import blocks
from service.rendering.blocks import Document, Masthead
from service.rendering.pieces import Piece

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
EDITABLE = (State.DRAFT, State.SCHEDULED)
USUAL_TIME = time(6)
LEAVING = (State.SENDING, State.PAUSED, State.SENT, State.CANCELLED)
WORDS = {"subject": Place("subject"), "preheader": Place("preheader")}


@dataclass(frozen=True)
class EditionView:
    edition: Edition
    newsletter: Newsletter
    document: Document
    lines: tuple[BlockLine, ...]
    readers: Readers
    pictures: Standing
    sending: SendingView | None
    proof: ProofView | None
    is_regular: bool  # the one that the timetable waits for
    planned_day: str
    planned_time: str

    @property
    def kinds(self) -> list[tuple[str, type[Piece]]]:
        """What can be added: everything, but no second masthead."""
        has_masthead = any(isinstance(block, Masthead) for block in self.document.blocks)
        return [
            (kind, block) for kind, block in blocks.KINDS.items() if block is not Masthead or not has_masthead
        ]

    @property
    def is_editable(self) -> bool:
        return self.edition.state in EDITABLE

    @property
    def web_path(self) -> str | None:
        """Where what has begun to leave can be read on the web."""
        if self.edition.started_at is None:
            return None
        return web.address(self.newsletter, self.edition.local_date, self.edition.slot, base_url="")

    @property
    def is_live(self) -> bool:
        return self.sending is not None and not self.sending.is_final


@router.get("/desk/editions/{uid}")
async def edition(visit: AtDesk, uid: UUID, asked: AsLooked) -> Response:
    return await show(visit, uid, asked=asked)


@router.post("/desk/editions/{uid}/words")
async def words(
    visit: AtDesk,
    uid: UUID,
    version: Annotated[int, Form()],
    subject: Annotated[str, Form()] = "",
    preheader: Annotated[str, Form()] = "",
) -> Response:
    def change(document: Document) -> Document:
        return documents.with_words(document, subject=subject, preheader=preheader)

    entered = {"subject": subject, "preheader": preheader}
    return await _changed(
        visit, uid, version, change, entered=entered, said="Subject and preheader are saved."
    )


@router.post("/desk/editions/{uid}/blocks/{number}/{action}")
async def block(
    visit: AtDesk,
    uid: UUID,
    number: int,
    action: Literal["up", "down", "remove"],
    version: Annotated[int, Form()],
) -> Response:
    def change(document: Document) -> Document:
        if action == "remove":
            return documents.without(document, number)
        return documents.moved(document, number, -1 if action == "up" else 1)

    said = "The block is removed." if action == "remove" else "The order is saved."
    return await _changed(visit, uid, version, change, entered={}, said=said)


@router.post("/desk/editions/{uid}/pictures")
async def try_pictures_again(visit: AtDesk, uid: UUID) -> Response:
    await visit.resources.database.write(_try_pictures_again, uid, now=visit.resources.clock.now())
    return visit.done(f"/desk/editions/{uid}", "The pictures are being fetched once more.")


async def show(
    visit: Visit,
    uid: UUID,
    *,
    problem: Refusal | None = None,
    entered: Mapping[str, str] | None = None,
    asked: Looking = USUAL,
) -> Response:
    """The edition's page; with what could not be done, and what was typed still in its place."""
    now = visit.resources.clock.now()
    view = await visit.resources.database.read(view_of, uid, now=now)
    return visit.render(
        "desk/edition.html",
        status=problem.status if problem else 200,
        view=view,
        sample=await specimen.take(visit.resources, uid),
        problem=problem,
        entered=dict(entered or {}),
        asked=asked,
        now=now,
    )


def view_of(session: Session, uid: UUID, *, now: datetime) -> EditionView:
    found = queries.get(session, uid)
    document = composition.document_of(session, found)
    newsletter = publication.get_by_id(session, found.newsletter_id)
    planned = _planned(found, ZoneInfo(newsletter.time_zone), now)
    return EditionView(
        edition=found,
        newsletter=newsletter,
        document=document,
        lines=documents.lines(document),
        readers=overview.readers(session, newsletter.id),
        pictures=pictures.standing(session, found, document),
        sending=sending_view.of(session, uid, now=now) if found.state in LEAVING else None,
        proof=proof_view.of(session, found, now=now) if found.started_at and found.state in LEAVING else None,
        is_regular=found.state in EDITABLE and queries.is_kept(session, found),
        planned_day=f"{planned:%Y-%m-%d}",
        planned_time=f"{planned:%H:%M}",
    )


def _planned(found: Edition, zone: ZoneInfo, now: datetime) -> datetime:
    """When it leaves, on the wall of that zone; not planned yet, the usual time of its day, or of the next that comes."""
    if found.scheduled_at is not None:
        return found.scheduled_at.astimezone(zone)
    here = now.astimezone(zone)
    planned = datetime.combine(max(found.local_date, here.date()), USUAL_TIME, zone)
    return planned if planned > here else datetime.combine(here.date() + timedelta(days=1), USUAL_TIME, zone)


def _try_pictures_again(session: Session, uid: UUID, *, now: datetime) -> None:
    found = queries.get(session, uid)
    composition.check_open(found)
    pictures.try_again(session, found, now=now)


async def _changed(
    visit: Visit,
    uid: UUID,
    version: int,
    change: Callable[[Document], Document],
    *,
    entered: Mapping[str, str],
    said: str,
) -> Response:
    now = visit.resources.clock.now()
    try:
        await visit.resources.database.write(_change, uid, version, change, now=now, actor=visit.account.name)
    except (Conflict, Invalid) as error:
        return await show(visit, uid, problem=refused(error, WORDS), entered=entered)
    return visit.done(f"/desk/editions/{uid}", said)


def _change(
    session: Session,
    uid: UUID,
    version: int,
    change: Callable[[Document], Document],
    *,
    now: datetime,
    actor: str,
) -> None:
    found = queries.get(session, uid)
    if found.version_number != version:
        raise EditionHasChanged
    document = change(composition.document_of(session, found))
    composition.replace(session, found, document, now=now, actor=actor)
