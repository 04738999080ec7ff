"""Who is at the desk, and what a page answers with: the signed-in account, a flash line after a redirect, the layout's values."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from sqlmodel import Session
from starlette.routing import Match

from service import pages, wording
from service.accounts import signin
from service.accounts.models import Account
from service.asking import Asked
from service.backups import continuity
from service.backups.continuity import Hold
from service.dependencies import Resources
from service.errors import Conflict, Invalid, MemoError, NotFound, Unavailable
from service.newsletters import publication

COOKIE = "memo_desk"
FLASH_COOKIE = "memo_said"
FLASH_PURPOSE = "desk-flash"
FLASH_SECONDS = 60
FLASH_CHARACTERS = 600
HOME = "/desk"
_PLAIN_PATH = re.compile(r"/(?!/)[!-\[\]-~]*")  # printable ASCII without a backslash, on this host
STATUS: dict[type[MemoError], int] = {NotFound: 404, Conflict: 409, Invalid: 422, Unavailable: 503}
HEADINGS = {404: "Not found", 409: "Not possible right now", 422: "Please check your entry"}
WRONG = "Something went wrong"


class SignedOut(MemoError):
    """Please sign in first."""


@dataclass(frozen=True)
class Seen:
    """Who asks, and what every page has to know."""

    account: Account
    hold: Hold | None
    zone: str


@dataclass(frozen=True)
class Visit:
    """One request by a signed-in account."""

    request: Request
    resources: Resources
    account: Account
    hold: Hold | None  # nothing leaves: every page says so
    zone: str  # the newsroom's: in it a time is told that belongs to no newsletter

    def render(self, template: str, *, status: int = 200, **values: object) -> Response:
        said = _said(self.request, self.resources)
        answer = pages.render(
            self.request,
            template,
            status=status,
            **({"account": self.account, "said": said, "hold": self.hold, "zone": self.zone} | values),
        )
        if said is not None:
            answer.delete_cookie(FLASH_COOKIE, path=HOME)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def done(self, path: str, text: str) -> Response:
        """Redirect after a post that worked; the page it leads to says so once."""
        answer = RedirectResponse(path, status_code=303)
        answer.set_cookie(
            FLASH_COOKIE,
            _packed(self.resources, text),
            max_age=FLASH_SECONDS,
            path=HOME,
            httponly=True,
            samesite="lax",
            secure=is_https(self.resources),
        )
        return answer


async def at_the_desk(request: Request, resources: Asked) -> Visit:
    found = await seen(request, resources)
    if found is None:
        raise SignedOut
    request.state.account = found.account
    return Visit(request, resources, found.account, found.hold, found.zone)


async def seen(request: Request, resources: Resources) -> Seen | None:
    secret = request.cookies.get(COOKIE)
    return await resources.database.read(_seen, secret, now=resources.clock.now()) if secret else None


def _seen(session: Session, secret: str, *, now: datetime) -> Seen | None:
    account = signin.account_of(session, secret, now=now)
    if account is None:
        return None
    return Seen(account, continuity.hold(session), publication.newsroom_zone(session))


AtDesk = Annotated[Visit, Depends(at_the_desk)]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DeskRoute(APIRoute):
    """A route whose errors are answered inside the desk: signed out leads to the sign-in page and back, others say what to do."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handle(request)
            except SignedOut:
                if request.url.path.endswith("/events") or "HX-Request" in request.headers:
                    return Response(status_code=401)  # what is led to a form would show it among its figures
                return RedirectResponse(sign_in_path(request), status_code=303)
            except MemoError as error:
                return problem(request, error)

        return answered


def problem(request: Request, error: MemoError) -> Response:
    """An error on a page of its own, for those that belong to no form on a page."""
    status = status_of(error)
    back = None if status == 404 else came_from(request) or page_above(request)
    return problem_page(
        request, status, heading=HEADINGS.get(status, WRONG), message=wording.message_of(error), back=back
    )


def problem_page(
    request: Request, status: int, *, heading: str, message: str, back: str | None = None
) -> Response:
    """For whoever was signed in when it went wrong. `back` is None: to the page they came from."""
    answer = pages.render(
        request,
        "desk/problem.html",
        status=status,
        account=getattr(request.state, "account", None),
        said=None,
        heading=heading,
        message=message,
        back=back or came_from(request),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def status_of(error: MemoError) -> int:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def sign_in_path(request: Request) -> str:
    """The sign-in page, which leads back to the page asked for; a form sent while signed out leads back to where it stood."""
    if request.method in {"GET", "HEAD"}:
        asked = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    else:
        asked = came_from(request) or HOME
    return f"/desk/sign-in?next={quote(asked, safe='/')}"


def own_path(text: str) -> str:
    """That path if it is one of the desk's own, else Today: nobody is sent to another site after signing in."""
    if not _PLAIN_PATH.fullmatch(text) or "/../" in text + "/":
        return HOME
    parts = urlsplit(text)
    is_desk = parts.path == HOME or parts.path.startswith("/desk/")
    return text if is_desk and not parts.path.startswith("/desk/sign-") else HOME


def page_above(request: Request) -> str:
    """The nearest page over an address of the desk: for a form's own address, the page it stands on."""
    path = request.url.path
    while path.startswith(f"{HOME}/"):
        path = path.rpartition("/")[0]
        asked = {"type": "http", "method": "GET", "path": path, "root_path": ""}
        if any(route.matches(asked)[0] is Match.FULL for route in request.app.routes):
            return path
    return HOME


def came_from(request: Request) -> str | None:
    """The desk page a form stood on, if the browser says so."""
    there = urlsplit(request.headers.get("referer", ""))
    if there.netloc != request.headers.get("host") or not there.path.startswith(HOME):
        return None
    return own_path(there.path + (f"?{there.query}" if there.query else ""))


def is_https(resources: Resources) -> bool:
    return resources.settings.base_url.startswith("https://")


def _packed(resources: Resources, text: str) -> str:
    raw = text[:FLASH_CHARACTERS].encode()
    tag = resources.keys.sign(FLASH_PURPOSE, hashlib.sha256(raw).digest())
    return f"{base64.urlsafe_b64encode(raw).decode()}.{tag}"


def _said(request: Request, resources: Resources) -> str | None:
    """What the last post said, if we are the ones who wrote the cookie."""
    packed, _, tag = request.cookies.get(FLASH_COOKIE, "").partition(".")
    try:
        raw = base64.urlsafe_b64decode(packed)
        text = raw.decode()
    except (binascii.Error, ValueError):
        return None
    is_ours = resources.keys.verify(FLASH_PURPOSE, tag) == hashlib.sha256(raw).digest()
    return text if tag and is_ours else None
