"""An edition's figures while it leaves: a fragment for whoever asks, a stream for whoever stays."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from uuid import UUID

import anyio
from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from service import pages
from service.desk import process, sending_view
from service.desk.sending_view import SendingView
from service.desk.visit import AtDesk, DeskRoute

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PING_SECONDS = 15
FAREWELL_SECONDS = 1.0  # less than the server waits for open streams when it stops
GONE_AFTER_SECONDS = 30.0  # a viewer who takes nothing for so long holds no slot


@router.get("/desk/editions/{uid}/progress")
async def progress(visit: AtDesk, uid: UUID) -> Response:
    seen = await visit.resources.database.read(sending_view.of, uid, now=visit.resources.clock.now())
    return HTMLResponse(_fragment(seen), headers={"Cache-Control": "no-store"})


@router.get("/desk/editions/{uid}/events")
async def events(visit: AtDesk, uid: UUID, shown: str = "") -> Response:
    await visit.resources.database.read(sending_view.of, uid, now=visit.resources.clock.now())
    watching = process.of(visit.request, visit.resources).watching
    stopping = anyio.Event()
    return EventSourceResponse(
        _stream(watching.follow(uid, until=stopping.wait), shown),
        ping=PING_SECONDS,
        send_timeout=GONE_AFTER_SECONDS,
        shutdown_event=stopping,
        shutdown_grace_period=FAREWELL_SECONDS,
    )


async def _stream(figures: AsyncGenerator[SendingView], shown: str) -> AsyncIterator[ServerSentEvent]:
    """Figures until the end, or until the edition is no longer in the state that the page was made for."""
    async with aclosing(figures):
        async for seen in figures:
            yield ServerSentEvent(_fragment(seen))
            if shown and seen.state != shown:
                break
    yield ServerSentEvent("", event="done")


def _fragment(seen: SendingView) -> str:
    return pages.fragment("desk/_progress.html", sending=seen)
