"""An edition as readers would get it: by day and by night, wide and narrow, without pictures, as text, as bytes; as any subscriber."""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlmodel import Session

from service import pages
from service.dependencies import Resources
from service.desk.visit import AtDesk, DeskRoute, status_of
from service.editions import composition, queries, sharing, specimen
from service.editions.models import Edition, Share
from service.editions.specimen import ReaderUnknown
from service.errors import Invalid, MemoError
from service.newsletters.models import Newsletter
from service.rendering import schemes
from service.rendering.blocks import Document
from service.rendering.schemes import Scheme

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
READER_CHARACTERS = 320


@dataclass(frozen=True)
class Looking:
    """How it is looked at, and through whose eyes; as the page's address says it."""

    reader: str = ""
    look: Literal["html", "text", "raw"] = "html"
    width: Literal["desktop", "phone"] = "desktop"
    scheme: Scheme = "light"
    pictures: Literal["on", "off"] = "on"

    def but(self, **changes: str) -> str:
        """The query of the same page but for these; what is usual is left out."""
        usual = asdict(Looking())
        values = asdict(self) | changes
        return urlencode({name: value for name, value in values.items() if value != usual[name]})

    def has(self, **wanted: str) -> bool:
        return wanted.items() <= asdict(self).items()


def looking(
    reader: str = "",
    look: Literal["html", "text", "raw"] = "html",
    width: Literal["desktop", "phone"] = "desktop",
    scheme: Scheme = "light",
    pictures: Literal["on", "off"] = "on",
) -> Looking:
    return Looking(reader.strip()[:READER_CHARACTERS], look, width, scheme, pictures)


USUAL = Looking()
AsLooked = Annotated[Looking, Depends(looking)]


@dataclass(frozen=True)
class Looked:
    edition: Edition
    newsletter: Newsletter
    document: Document
    shares: tuple[tuple[Share, str], ...]  # with their addresses


@router.get("/desk/editions/{uid}/preview")
async def preview(visit: AtDesk, uid: UUID, asked: AsLooked) -> Response:
    view = await visit.resources.database.read(_looked, uid, visit.resources)
    problem: MemoError | None = None
    seen_as = asked.reader
    try:
        seen = await specimen.take(visit.resources, uid, asked.reader)
    except (Invalid, ReaderUnknown) as error:
        problem, seen_as = error, ""
        seen = await specimen.take(visit.resources, uid)
    return visit.render(
        "desk/preview.html",
        status=status_of(problem) if problem else 200,
        view=view,
        seen=seen,
        asked=asked,
        shown=_with_reader(asked, seen_as),
        problem=problem.message if problem else None,
    )


@router.get("/desk/editions/{uid}/preview.html")
async def preview_html(visit: AtDesk, uid: UUID, asked: AsLooked) -> Response:
    seen = await specimen.take(visit.resources, uid, asked.reader)
    return pages.framed(schemes.shown(seen.html, asked.scheme), with_pictures=asked.pictures == "on")


@router.get("/desk/editions/{uid}/preview.eml")
async def preview_message(visit: AtDesk, uid: UUID, asked: AsLooked) -> Response:
    """For a mail program of the editor's own."""
    seen = await specimen.take(visit.resources, uid, asked.reader)
    headers = {
        "Content-Disposition": f'attachment; filename="edition-{uid}.eml"',
        "Cache-Control": "no-store",
    }
    return Response(seen.raw, headers=headers, media_type="message/rfc822")


def _looked(session: Session, uid: UUID, held: Resources) -> Looked:
    edition = queries.get(session, uid)
    shares = sharing.good(session, edition, now=held.clock.now())
    return Looked(
        edition=edition,
        newsletter=queries.newsletter_of(session, edition),
        document=composition.document_of(session, edition),
        shares=tuple((one, held.url(f"shared/{sharing.token(held.keys, one)}")) for one in shares),
    )


def _with_reader(asked: Looking, reader: str) -> Looking:
    return Looking(reader, asked.look, asked.width, asked.scheme, asked.pictures)
