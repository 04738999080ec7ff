"""The web application: doors put together, errors translated once, headers set once."""

import re
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import logs, origins, wording
from service.api import problems
from service.api import routes as api_routes
from service.dependencies import Resources
from service.desk import astray
from service.desk import routes as desk_routes
from service.errors import Conflict, Invalid, MemoError, NotFound, Unavailable
from service.hooks import routes as hook_routes
from service.imports import packing
from service.languages import noted
from service.media.pictures import MOST_OCTETS
from service.ops import routes as ops_routes
from service.public import routes as public_routes
from service.public import showing
from service.settings import shipped

log = logs.get(__name__)

DOORS = (api_routes, desk_routes, public_routes, ops_routes, hook_routes)
NOTHING_HERE = noted("There is nothing at this address. Perhaps a letter of the link got lost.")
BODY_OCTETS = 1_000_000
HOOK_OCTETS = 4_000_000  # a relay may tell a thousand events at once, at two to three kB each
HOOKS = "/hooks/"
DESK = "/desk/"
UPLOAD_OCTETS = MOST_OCTETS + BODY_OCTETS
UPLOADS = re.compile(
    r"/api/v1/media|/desk/editions/[^/]+/blocks/[^/]+|/desk/newsletters/[^/]+/look(?:/preview\.html)?"
)
LIST_OCTETS = packing.MOST_OCTETS + BODY_OCTETS
LISTS = re.compile(r"/api/v1/newsletters/[^/]+/imports|/desk/newsletters/[^/]+/import")
STATUS: dict[type[MemoError], int] = {NotFound: 404, Conflict: 409, Invalid: 422, Unavailable: 503}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: https: http:; style-src 'self' 'unsafe-inline'; "
        "frame-ancestors 'self'; form-action 'self' http: https:; base-uri 'none'; object-src 'none'"
    ),
}


def create_app(resources: Resources) -> FastAPI:
    app = FastAPI(
        title="Morning Memo",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would be made from the request's Host (faults.md NB-17)
        # As they are: a router that is included is made a second time (see service/api/operations.py).
        routes=[route for door in DOORS for route in door.ROUTES],
    )
    app.state.resources = resources
    app.mount("/static", StaticFiles(directory=shipped("static")), name="static")
    app.add_exception_handler(MemoError, _memo_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(Exception, _unexpected)
    app.add_middleware(
        origins.SameOriginOnly, own_hosts=frozenset({urlsplit(resources.settings.base_url).netloc})
    )
    app.add_middleware(_Bounded)
    app.add_middleware(_StandingHeaders)
    return app


class _StandingHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class _Bounded:
    """No body beyond its limit is read; the framework's own limit would answer with two words of plain text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = _most_octets(scope["path"])
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > most:
            answer = await _http_error(Request(scope), HTTPException(413))
            await answer(scope, receive, send)
            return
        read_octets = 0

        async def counted() -> Message:
            nonlocal read_octets
            message = await receive()
            read_octets += len(message.get("body", b""))
            if read_octets > most:
                raise HTTPException(413)
            return message

        await self._app(scope, counted, send)


def _most_octets(path: str) -> int:
    if UPLOADS.fullmatch(path):
        return UPLOAD_OCTETS
    if LISTS.fullmatch(path):
        return LIST_OCTETS
    return HOOK_OCTETS if path.startswith(HOOKS) else BODY_OCTETS


def _status_of(error: MemoError) -> int:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


async def _memo_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MemoError)
    field = error.field if isinstance(error, Invalid) else None
    return await _answer(request, _status_of(error), wording.message_of(error), field=field)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    texts = {
        404: NOTHING_HERE,
        405: noted("This address does not take that kind of request."),
        413: f"This is too large: at most {_most_octets(request.url.path) // 1000} kB can be sent here.",
    }
    is_form = request.headers.get("content-type", "").startswith("multipart/")
    if error.status_code == 400 and _is_for_api(request) and not is_form:
        return await _answer(request, 422, problems.NO_JSON)  # no UTF-8, or nested too deep for the framework
    answer = await _answer(request, error.status_code, texts.get(error.status_code, str(error.detail)))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    if error.status_code == 405:
        answer.headers["Allow"] = _allowed(request)
    return answer


def _allowed(request: Request) -> str:
    """Of all routes at this path; the framework names the methods of the first one only (RFC 9110 §10.2.1)."""
    found: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return ", ".join(sorted(found))


async def _not_understood(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if _is_for_api(request):
        return problems.not_understood(error.errors(), error.body, instance=request.url.path)
    first = error.errors()[0]
    if first["loc"][0] == "path":
        return await _answer(request, 404, NOTHING_HERE)
    place = [str(part) for part in first["loc"] if part not in {"body", "query", "path"}]
    field = ".".join(place)
    said = wording.sentence(field or "The request", wording.phrase(first))
    return await _answer(request, 422, said, field=field or None)


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request.failed", path=_told(request), problem=repr(error))
    said = noted("Something went wrong on our side; nothing was changed. Please try again.")
    return await _answer(request, 500, said)


def _told(request: Request) -> str:
    """Its path for the log, without the secret of a reader's link or of a relay's address."""
    secret = request.path_params.get("token") or request.path_params.get("secret")
    return request.url.path.replace(secret, "…") if secret else request.url.path


async def _answer(request: Request, status: int, message: str, *, field: str | None = None) -> Response:
    if _is_for_api(request):
        return problems.answer(status, message, instance=request.url.path, field=field)
    if request.url.path.startswith(HOOKS):
        return PlainTextResponse(f"{message}\n", status_code=status)
    if request.url.path.startswith(DESK):
        return await astray.page(request, status, heading=_heading(status), message=message)
    return showing.page(
        request, "public/problem.html", status=status, heading=_heading(status), message=message
    )


def _is_for_api(request: Request) -> bool:
    return f"{request.url.path}/".startswith("/api/")


def _heading(status: int) -> str:
    headings = {
        404: noted("Not found"),
        409: noted("Not possible right now"),
        413: noted("Too large"),
        422: noted("Please check your entry"),
    }
    return headings.get(status, noted("Something went wrong"))
