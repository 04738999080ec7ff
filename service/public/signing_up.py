"""`/n/{newsletter}`: the page that invites, and the form that takes a request, from here or from a newsroom's own pages."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from service import logs
from service.asking import Asked, Client
from service.dependencies import Resources
from service.jobs import Kind
from service.newsletters.models import Newsletter
from service.public import form, front, headers, showing
from service.public.form import Entries, Filled
from service.public.front import Front
from service.subscribers import optin, signup
from service.subscribers.cooldowns import ClientTooOften, TooManySignUps
from service.subscribers.signup import SignUp

log = logs.get(__name__)

router = APIRouter()
RETRY_AFTER_SECONDS = 3_600
PATIENCE_SECONDS = 30.0


@router.api_route("/n/{slug}", methods=["GET", "HEAD"])
async def show(request: Request, slug: str, asked: Asked) -> Response:
    shown = await asked.database.read(front.read, slug)
    return headers.shared(_form_page(request, shown, Filled()), headers.FRONT_PAGE_SECONDS)


@router.api_route("/n/{slug}/", methods=["GET", "HEAD"])
async def without_slash(slug: str, asked: Asked) -> Response:
    """Our own redirect: the framework's would begin with whatever Host the request names (faults.md NB-17)."""
    await asked.database.read(front.newsletter_of, slug)
    return RedirectResponse(asked.url(f"n/{slug}"), status_code=308)


@router.post("/n/{slug}")
async def take(
    request: Request,
    slug: str,
    asked: Asked,
    client: Client,
    given: Annotated[Entries, Depends(form.entries)],
) -> Response:
    """The answer is the same whether the address is unknown, pending, active, ended or suppressed."""
    shown = await asked.database.read(front.read, slug)
    if not shown.newsletter.is_open:
        return headers.personal(_form_page(request, shown, Filled(), status=409))
    if given.is_trapped:
        return _sent_page(request, shown, given.email.strip()[: form.SHOWN_CHARACTERS])
    read = form.read(
        given,
        own_page=asked.url(f"n/{slug}"),
        own_wording=shown.newsletter.wording,
        client=signup.client_mark(client, asked.pepper),
    )
    if isinstance(read, Filled):
        return headers.personal(_form_page(request, shown, read, status=422))
    try:
        notice_id = await _written(asked, shown.stored, read)
    except (ClientTooOften, TooManySignUps) as error:
        return _full_page(request, shown, form.filled(given, notice=error))
    await _wake(asked, notice_id)
    return _sent_page(request, shown, read.address.shown)


async def _written(asked: Resources, newsletter: Newsletter, request: SignUp) -> int | None:
    """Raises what `optin.ask` does; TooManySignUps also if those before it take too long."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asked.sign_ups.acquire()
    except TimeoutError as error:
        raise TooManySignUps from error
    try:
        return await asked.database.write(
            optin.ask, newsletter, request, pepper=asked.pepper, now=asked.clock.now()
        )
    finally:
        asked.sign_ups.release()


async def _wake(asked: Resources, notice_id: int | None) -> None:
    """Also when there is nothing to send: what a nudge costs would tell the two apart. A lost one is made good by a tick."""
    try:
        await asked.jobs.nudge(Kind.NOTICE, "idle" if notice_id is None else str(notice_id))
    except Exception as error:
        log.warning("signup.nudge_lost", problem=repr(error))


def _form_page(request: Request, shown: Front, filled: Filled, *, status: int = 200) -> Response:
    template = "public/signup.html" if shown.newsletter.is_open else "public/closed.html"
    return showing.page(
        request,
        template,
        shown.newsletter,
        status=status,
        appears=shown.appears,
        latest=shown.latest,
        form=filled,
    )


def _full_page(request: Request, shown: Front, filled: Filled) -> Response:
    full = _form_page(request, shown, filled, status=429)
    full.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return headers.personal(full)


def _sent_page(request: Request, shown: Front, address: str) -> Response:
    page = showing.page(request, "public/sent.html", shown.newsletter, address=address)
    return headers.personal(page)
