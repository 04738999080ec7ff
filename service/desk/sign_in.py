"""Signing in and out. One message for an unknown address and a wrong password; both cost the same time."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from service import addresses, pages
from service.accounts import signin
from service.accounts.limiter import TooManyAttempts
from service.accounts.models import Account
from service.addresses import AddressInvalid
from service.asking import Asked, Client
from service.dependencies import Resources
from service.desk import process, visit
from service.desk.process import Process
from service.desk.visit import DeskRoute

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
WRONG = "This address and password do not belong together. Please check both."


@router.get("/desk/sign-in")
async def form(request: Request, next: str = visit.HOME) -> Response:  # noqa: A002
    return _page(request, next_path=next)


@router.post("/desk/sign-in")
async def sign_in(
    request: Request,
    resources: Asked,
    client: Client,
    address: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = visit.HOME,  # noqa: A002
) -> Response:
    held = process.of(request, resources)
    key = _key(address)
    try:
        held.limiter.admit(key, client, now=resources.clock.now())
    except TooManyAttempts as error:
        return _page(request, next_path=next, address=address, problem=error.message, status=429)
    account = await _proven(resources, held, key, password)
    if account is None:
        held.limiter.failed(key, client, now=resources.clock.now())
        return _page(request, next_path=next, address=address, problem=WRONG, status=422)
    held.limiter.succeeded(key, client)
    secret = await resources.database.write(signin.open_session, account, now=resources.clock.now())
    answer = RedirectResponse(visit.own_path(next), status_code=303)
    answer.set_cookie(
        visit.COOKIE,
        secret,
        max_age=int(signin.SESSION_LASTS.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=visit.is_https(resources),
    )
    return answer


@router.post("/desk/sign-out")
async def sign_out(request: Request, resources: Asked) -> Response:
    secret = request.cookies.get(visit.COOKIE)
    if secret:
        await resources.database.write(signin.close_session, secret)
    answer = RedirectResponse("/desk/sign-in", status_code=303)
    answer.delete_cookie(visit.COOKIE, path="/")
    return answer


async def _proven(resources: Resources, held: Process, address: str, password: str) -> Account | None:
    account = await resources.database.read(signin.find_account, address)
    fits = await held.passwords.verify(password, account.password_hash if account else None)
    return account if fits else None


def _page(
    request: Request, *, next_path: str, address: str = "", problem: str | None = None, status: int = 200
) -> Response:
    answer = pages.render(
        request,
        "desk/sign-in.html",
        status=status,
        account=None,
        said=None,
        next=visit.own_path(next_path),
        address=address[:254],
        problem=problem,
        is_wrong=problem == WRONG,
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _key(address: str) -> str:
    try:
        return addresses.parse(address).key
    except AddressInvalid:
        return address.strip()[:254]
