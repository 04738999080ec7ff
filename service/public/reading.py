"""`/n/{newsletter}/{date}` and `/n/{newsletter}/archive`: editions on the web, made without any reader."""

import asyncio
import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from service import pages
from service.asking import Asked
from service.editions import composition, content, queries
from service.editions.models import Edition
from service.editions.queries import EditionNotFound
from service.public import front, headers, masthead
from service.public.form import Filled
from service.public.masthead import Masthead
from service.rendering import body, wording
from service.rendering.content import EditionContent
from service.rendering.fields import Marks

router = APIRouter()
ENTRIES_ON_A_PAGE = 50
MOST_PAGES = 1_000
_WHEN = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-([2-9]|[1-9]\d{1,2}))?", re.ASCII)


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
    read = await asked.database.read(_archive, slug, page, templates=asked.templates)
    answer = pages.render(
        request,
        "public/archive.html",
        newsletter=read.newsletter,
        entries=read.entries,
        has_older=read.has_older,
        page=page,
    )
    return headers.shared(answer, headers.FRONT_PAGE_SECONDS)


@router.api_route("/n/{slug}/{when}", methods=["GET", "HEAD"])
async def edition(request: Request, slug: str, when: str, asked: Asked) -> Response:
    """Only what is out: drafts and planned editions do not exist here (faults.md NB-38)."""
    shown, found = await asked.database.read(_edition, slug, when, base_url=asked.settings.base_url)
    answer = pages.render(
        request,
        "public/edition.html",
        newsletter=shown,
        title=_without_fields(found.document.subject),
        day=found.date,
        date=wording.of(shown.language, asked.templates).date(found.date),
        url=found.web_url,
        body=await asyncio.to_thread(body.web_page, found, asked.templates),
        styles=body.web_styles(found, asked.templates),
        form=Filled(page=found.web_url),
    )
    return headers.shared(answer, headers.EDITION_SECONDS)


def _edition(session: Session, slug: str, when: str, *, base_url: str) -> tuple[Masthead, EditionContent]:
    newsletter = front.newsletter_of(session, slug)
    day, slot = _read_when(when)
    found = queries.public_by_date(session, newsletter.id, day, slot)
    return masthead.of(newsletter), content.of(session, found, base_url=base_url)


def _archive(session: Session, slug: str, page: int, *, templates: Path) -> Archive:
    newsletter = front.newsletter_of(session, slug)
    found = queries.public_editions(
        session, newsletter.id, limit=ENTRIES_ON_A_PAGE + 1, offset=(page - 1) * ENTRIES_ON_A_PAGE
    )
    words = wording.of(newsletter.language, templates)
    entries = [_entry(session, slug, one, words) for one in found[:ENTRIES_ON_A_PAGE]]
    return Archive(masthead.of(newsletter), entries, len(found) > ENTRIES_ON_A_PAGE)


def _entry(session: Session, slug: str, edition: Edition, words: wording.Wording) -> Entry:
    title = _without_fields(composition.document_of(session, edition).subject)
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


def _without_fields(subject: str) -> str:
    """Places for a reader's own values show what they show when there is none."""
    marks = Marks("0" * 12)
    return marks.filled(marks.text(subject, "attribute"), lambda hole: hole.default)
