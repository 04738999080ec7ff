"""`/n/{newsletter}/{date}` and `/n/{newsletter}/archive`: editions on the web, made without any reader."""

import asyncio
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from service.asking import Asked
from service.dependencies import Resources
from service.editions import composition, content, queries
from service.editions.models import Edition
from service.editions.queries import EditionNotFound
from service.public import front, headers, masthead, showing, telling
from service.public.form import Filled
from service.public.masthead import Masthead
from service.rendering import body
from service.rendering.content import EditionContent

if TYPE_CHECKING:
    from service.languages.speaking import Words

router = APIRouter()
ENTRIES_ON_A_PAGE = 50
MOST_PAGES = 1_000
_WHEN = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-([2-9]|[1-9]\d{1,2}))?", re.ASCII)


@dataclass(frozen=True)
class Read:
    newsletter: Masthead
    content: EditionContent
    published: datetime | None


@dataclass(frozen=True)
class Entry:
    path: str
    day: date
    date: str
    title: str


@dataclass(frozen=True)
class Archive:
    newsletter: Masthead
    entries: list[Entry]
    has_older: bool


@router.api_route("/n/{slug}/archive", methods=["GET", "HEAD"])
async def archive(
    request: Request, slug: str, asked: Asked, page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1
) -> Response:
    read = await asked.database.read(_archive, slug, page)
    answer = showing.page(
        request,
        "public/archive.html",
        read.newsletter,
        entries=read.entries,
        has_older=read.has_older,
        page=page,
        url=asked.url(f"n/{slug}/archive") + (f"?page={page}" if page > 1 else ""),
    )
    return headers.shared(answer, headers.FRONT_PAGE_SECONDS)


@router.api_route("/n/{slug}/{when}", methods=["GET", "HEAD"])
async def edition(request: Request, slug: str, when: str, asked: Asked) -> Response:
    """Only what is out: drafts and planned editions do not exist here (faults.md NB-38)."""
    read = await asked.database.read(_edition, slug, when, None, base_url=asked.settings.base_url)
    return await _page(request, read, asked)


@router.api_route("/n/{slug}/{when}/{mark}", methods=["GET", "HEAD"])
async def private_edition(request: Request, slug: str, when: str, mark: str, asked: Asked) -> Response:
    """At the address that is only in the mail; it stays good when the newsletter becomes public."""
    read = await asked.database.read(_edition, slug, when, mark, base_url=asked.settings.base_url)
    return await _page(request, read, asked)


async def _page(request: Request, read: Read, asked: Resources) -> Response:
    from service.languages import speaking

    document, is_public = read.content.document, read.newsletter.is_on_web
    own_page = (read.content.web_url or "") if is_public else asked.url(f"n/{read.newsletter.slug}")
    answer = showing.page(
        request,
        "public/edition.html",
        read.newsletter,
        title=telling.title(document),
        line=telling.line(document),
        picture=telling.picture(read.content),
        day=read.content.date,
        date=speaking.of(read.newsletter.language).date(read.content.date),
        published=read.published,
        url=own_page,
        body=await asyncio.to_thread(body.web_page, read.content, asked.templates),
        styles=body.web_styles(read.content, asked.templates),
        form=Filled(page=own_page),
    )
    return headers.shared(answer, headers.EDITION_SECONDS) if is_public else headers.personal(answer)


def _edition(session: Session, slug: str, when: str, mark: str | None, *, base_url: str) -> Read:
    day, slot = _read_when(when)
    newsletter = (
        front.on_web(session, slug) if mark is None else front.with_mark(session, slug, day, slot, mark)
    )
    found = queries.public_by_date(session, newsletter.id, day, slot)
    return Read(masthead.of(newsletter), content.of(session, found, base_url=base_url), found.started_at)


def _archive(session: Session, slug: str, page: int) -> Archive:
    from service.languages import speaking

    newsletter = front.on_web(session, slug)
    found = queries.public_editions(
        session, newsletter.id, limit=ENTRIES_ON_A_PAGE + 1, offset=(page - 1) * ENTRIES_ON_A_PAGE
    )
    if page > 1 and not found:
        raise front.PageNotFound
    words = speaking.of(newsletter.language)
    entries = [_entry(session, slug, one, words) for one in found[:ENTRIES_ON_A_PAGE]]
    return Archive(masthead.of(newsletter), entries, len(found) > ENTRIES_ON_A_PAGE)


def _entry(session: Session, slug: str, edition: Edition, words: "Words") -> Entry:
    title = telling.title(composition.document_of(session, edition))
    day = edition.local_date
    return Entry(front.edition_path(slug, edition), day, words.date(day), title)


def _read_when(when: str) -> tuple[date, int]:
    match = _WHEN.fullmatch(when)
    if match is None:
        raise EditionNotFound
    try:
        return date.fromisoformat(match.group(1)), int(match.group(2) or 1)
    except ValueError as error:
        raise EditionNotFound from error
