"""`/n/{newsletter}/feed.xml`: the newest editions for feed readers, whole and without any reader of the newsletter."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from service.asking import Asked
from service.editions import content, queries, versions
from service.editions.models import Edition
from service.newsletters.models import Newsletter
from service.public import atom, front, headers, telling
from service.public.atom import AtomFeed, FeedEntry
from service.rendering import body
from service.rendering.content import EditionContent

router = APIRouter()
ENTRIES = 10


@dataclass(frozen=True)
class Told:
    uid: UUID
    content: EditionContent
    published: datetime
    updated: datetime


@router.api_route("/n/{slug}/feed.xml", methods=["GET", "HEAD"])
async def feed(request: Request, slug: str, asked: Asked) -> Response:
    newsletter, told = await asked.database.read(_read, slug, base_url=asked.settings.base_url)
    url = asked.url(f"n/{slug}")
    # Feed readers ask by the hour, mostly for what they have: then nothing is drawn.
    held = atom.validators(_source(newsletter, told, url), _updated(newsletter, told))
    if atom.is_known(request.headers, held):
        return headers.shared(Response(status_code=304, headers=held), headers.EDITION_SECONDS)
    written = await asyncio.to_thread(_written, newsletter, told, url, asked.templates)
    answer = Response(written, headers=held, media_type="application/atom+xml")
    return headers.shared(answer, headers.EDITION_SECONDS)


def _read(session: Session, slug: str, *, base_url: str) -> tuple[Newsletter, list[Told]]:
    newsletter = front.on_web(session, slug)
    found = queries.public_editions(session, newsletter.id, limit=ENTRIES)
    return newsletter, [_told(session, newsletter, one, base_url) for one in found]


def _told(session: Session, newsletter: Newsletter, edition: Edition, base_url: str) -> Told:
    """A text mended after the start is an update; one written before is not."""
    zone = ZoneInfo(newsletter.time_zone)
    started = (edition.started_at or edition.created_at).astimezone(zone)
    mended = versions.newest(session, edition).created_at.astimezone(zone)
    return Told(edition.uid, content.of(session, edition, base_url=base_url), started, max(started, mended))


def _source(newsletter: Newsletter, told: Sequence[Told], url: str) -> str:
    editions = [(one.uid.hex, one.content.document.sha256(), one.updated.isoformat()) for one in told]
    return f"{url} {newsletter.model_dump_json()} {editions}"


def _updated(newsletter: Newsletter, told: Sequence[Told]) -> datetime:
    return max((one.updated for one in told), default=newsletter.created_at)


def _written(newsletter: Newsletter, told: Sequence[Told], url: str, templates: Path) -> bytes:
    made = AtomFeed(
        id=newsletter.uid.urn,
        url=f"{url}/feed.xml",
        page_url=f"{url}/archive",
        title=newsletter.name,
        description=newsletter.description,
        author=newsletter.from_name,
        language=newsletter.language,
        updated=_updated(newsletter, told),
        entries=tuple(_entry(one, templates) for one in told),
    )
    return atom.document(made)


def _entry(told: Told, templates: Path) -> FeedEntry:
    document = told.content.document
    return FeedEntry(
        id=told.uid.urn,
        url=told.content.web_url or "",
        title=telling.title(document),
        summary=telling.line(document),
        html=body.web_page(told.content, templates),
        published=told.published,
        updated=told.updated,
    )
