"""`/shared/{token}`: an edition for colleagues of the newsroom, drafts too, made without any reader. Looking changes nothing."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from service import pages
from service.asking import Asked
from service.dependencies import Resources
from service.editions import queries, sharing, specimen
from service.editions.models import Edition, Share
from service.editions.sharing import ShareOver
from service.errors import NotFound
from service.newsletters.models import Newsletter
from service.public import headers, masthead
from service.rendering import schemes

router = APIRouter()
Look = Annotated[Literal["desktop", "phone", "dark", "text"], Query()]


class ShareUnknown(NotFound):
    """This link is not one of ours. Perhaps a part of it got lost: please open it again from where you found it."""


@dataclass(frozen=True)
class Opened:
    share: Share
    edition: Edition
    newsletter: Newsletter


@router.api_route("/shared/{token}", methods=["GET", "HEAD"])
async def shared(request: Request, token: str, asked: Asked, look: Look = "desktop") -> Response:
    try:
        found = await _opened(asked, token)
    except (ShareUnknown, ShareOver) as error:
        return _problem(request, error)
    seen = await specimen.take(asked, found.edition.uid)
    return _page(
        request,
        "desk/shared.html",
        newsletter=masthead.of(found.newsletter),
        zone=found.newsletter.time_zone,
        share=found.share,
        edition=found.edition,
        seen=seen,
        look=look,
        path=f"/shared/{token}",
    )


@router.get("/shared/{token}/message.html")
async def message(request: Request, token: str, asked: Asked, look: Look = "desktop") -> Response:
    """For the frame of the page above."""
    try:
        found = await _opened(asked, token)
    except (ShareUnknown, ShareOver) as error:
        return _problem(request, error)
    seen = await specimen.take(asked, found.edition.uid)
    return pages.framed(schemes.shown(seen.html, "dark" if look == "dark" else "light"))


async def _opened(asked: Resources, token: str) -> Opened:
    uid = sharing.read_token(asked.keys, token)
    if uid is None:
        raise ShareUnknown
    return await asked.database.read(_read, uid, now=asked.clock.now())


def _read(session: Session, uid: uuid.UUID, *, now: datetime) -> Opened:
    share, edition = sharing.opened(session, uid, now=now)
    return Opened(share, edition, queries.newsletter_of(session, edition))


def _problem(request: Request, error: ShareUnknown | ShareOver) -> Response:
    is_over = isinstance(error, ShareOver)
    return _page(
        request,
        "public/problem.html",
        status=410 if is_over else 404,
        heading="This link is over" if is_over else "This link is not complete",
        message=error.message,
    )


def _page(request: Request, template: str, *, status: int = 200, **values: object) -> Response:
    """For the newsroom, so in the language of the desk."""
    from service.languages import speaking

    words = speaking.of(speaking.SOURCE)
    page = pages.render(request, template, status=status, words=words, way="ltr", _=words.say, **values)
    return headers.personal(page)
