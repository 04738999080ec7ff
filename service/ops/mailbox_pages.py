"""`/mailbox`: the messages that the built-in mailbox caught, newest first, and each of them from every side."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute

from service import pages
from service.asking import Asked
from service.delivery import relay_choice
from service.dependencies import Resources
from service.mailbox import reading, store
from service.mailbox.models import CaughtMessage
from service.mailbox.store import MessageNotFound, Page
from service.newsletters import publication
from service.ops import admission, isolation
from service.ops.admission import MailboxClosed

PAGE_MESSAGES = 50
LONGEST_SEARCH = 320
_NUMBER = re.compile(r"[0-9]{1,18}")  # fits both databases' largest key


class View(StrEnum):
    HTML = "html"
    TEXT = "text"
    HEADERS = "headers"
    RAW = "raw"


@dataclass(frozen=True)
class Listing:
    page: Page
    search: str
    is_first: bool
    kept: int = store.KEPT


class MailboxRoute(APIRoute):
    """Nobody keeps what these pages show; who may not see them, or asks for what is gone, is told so in their look."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                answer = await handle(request)
            except MailboxClosed as error:
                answer = _problem(request, 403, "The mailbox is closed from here", error.message)
            except MessageNotFound as error:
                answer = _problem(request, 404, "Not in the mailbox", error.message)
            answer.headers.update(isolation.KEPT_BY_NOBODY)
            return answer

        return answered


router = APIRouter(prefix="/mailbox", route_class=MailboxRoute, dependencies=[Depends(admission.admitted)])


@router.api_route("", methods=["GET", "HEAD"])
async def listing(request: Request, asked: Asked, q: str = "", before: str = "") -> Response:
    is_kept_here = not asked.settings.relay_url and not await asked.database.read(relay_choice.has_any)
    found = await _listed(asked, q, before)
    zone = await asked.database.read(publication.newsroom_zone)
    return pages.render(request, "mailbox/list.html", listing=found, is_kept_here=is_kept_here, zone=zone)


@router.get("/list")
async def news(request: Request, asked: Asked, q: str = "", newest: str = "") -> Response:
    """The list alone, for a page that is open already; nothing if that page shows it as it is."""
    listing = await _listed(asked, q, "")
    if str(listing.page.newest) == newest:
        return Response(status_code=204)
    zone = await asked.database.read(publication.newsroom_zone)
    return pages.render(request, "mailbox/_list.html", listing=listing, zone=zone)


@router.api_route("/{number}", methods=["GET", "HEAD"])
async def message(request: Request, number: str, asked: Asked, view: str = "") -> Response:
    caught = await _caught(asked, number)
    opened = await asyncio.to_thread(reading.opened, caught.raw)
    whole = View.HTML if opened.html is not None else View.TEXT
    chosen = View(view) if view in set(View) else whole
    text = caught.raw.decode("utf-8", "replace") if chosen is View.RAW else opened.text or ""
    shown, is_cut = reading.without_excess(text)
    return pages.render(
        request,
        "mailbox/message.html",
        zone=await asked.database.read(publication.newsroom_zone),
        message=caught,
        opened=opened,
        view=chosen,
        views=View,
        shown=shown,
        is_cut=is_cut,
        sandbox=isolation.SANDBOX,
    )


@router.get("/{number}/html")
async def html(number: str, asked: Asked) -> Response:
    opened = await asyncio.to_thread(reading.opened, (await _caught(asked, number)).raw)
    if opened.html is None:
        raise MessageNotFound("This message has no HTML; its text is on its own page.")
    return isolation.document(opened.html)


@router.get("/{number}/raw")
async def raw(number: str, asked: Asked) -> Response:
    return isolation.plain((await _caught(asked, number)).raw)


@router.get("/{number}/message.eml")
async def download(number: str, asked: Asked) -> Response:
    caught = await _caught(asked, number)
    return isolation.attached(caught.raw, f"message-{caught.id}.eml")


async def _listed(asked: Resources, q: str, before: str) -> Listing:
    search = q[:LONGEST_SEARCH]
    shown = await asked.database.read(
        store.page,
        search=search,
        before=int(before) if _NUMBER.fullmatch(before) else None,
        limit=PAGE_MESSAGES,
    )
    return Listing(shown, search, is_first=not before)


async def _caught(asked: Resources, number: str) -> CaughtMessage:
    if not _NUMBER.fullmatch(number):
        raise MessageNotFound
    return await asked.database.read(store.get, int(number))


def _problem(request: Request, status: int, heading: str, message: str) -> Response:
    return pages.render(request, "mailbox/problem.html", status=status, heading=heading, message=message)
