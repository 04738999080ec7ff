"""`/unsubscribe/{token}`: a page with a button for people, one POST without questions for mail programs (RFC 8058)."""

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException

from service import addresses
from service.asking import Asked
from service.languages import noted
from service.public import headers, masthead, showing
from service.subscribers import links, optout
from service.subscribers.optout import Farewell, SubscriptionNotFound

router = APIRouter()
ONE_CLICK_FIELD = "List-Unsubscribe"
ONE_CLICK_VALUE = "one-click"
TESTED = "This message was a test or a preview: it belongs to no subscription, so nothing was changed.\n"
DONE = "You are unsubscribed.\n"
UNKNOWN = "This unsubscribe link is not one of ours, so nothing was changed.\n"


@router.api_route("/unsubscribe/{token}", methods=["GET", "HEAD"])
async def look(request: Request, token: str, asked: Asked) -> Response:
    if token == links.NOBODYS:
        return _tested_page(request)
    uid = links.read_unsubscribe(asked.keys, token)
    if uid is None:
        return _unknown_page(request)
    try:
        farewell = await asked.database.read(optout.look, uid)
    except SubscriptionNotFound:
        return _nobody_page(request)
    return _page(request, farewell)


@router.post("/unsubscribe/{token}")
async def leave(request: Request, token: str, asked: Asked) -> Response:
    """Mail programs get plain text with 200 and no redirect, cookie or question (RFC 8058 §3.1, §3.2), as often as they ask."""
    is_one_click = await _is_one_click(request)
    if token == links.NOBODYS:
        return _plain(TESTED) if is_one_click else _tested_page(request)
    uid = links.read_unsubscribe(asked.keys, token)
    if uid is None:
        return _plain(UNKNOWN, status=404) if is_one_click else _unknown_page(request)
    method = "one-click" if is_one_click else "button on the unsubscribe page"
    try:
        farewell = await asked.database.write(optout.leave, uid, method=method, now=asked.clock.now())
    except SubscriptionNotFound:
        return _plain(DONE) if is_one_click else _nobody_page(request)
    return _plain(DONE) if is_one_click else _page(request, farewell, is_done=True)


async def _is_one_click(request: Request) -> bool:
    """Urlencoded or multipart. A body that cannot be read keeps nobody from leaving."""
    try:
        sent = await request.form()
    except HTTPException:
        return False
    return str(sent.get(ONE_CLICK_FIELD, "")).strip().lower() == ONE_CLICK_VALUE


def _page(request: Request, farewell: Farewell, *, is_done: bool = False) -> Response:
    page = showing.page(
        request,
        "public/unsubscribed.html" if farewell.has_ended else "public/unsubscribe.html",
        masthead.of(farewell.newsletter),
        address=addresses.masked(farewell.address),
        is_done=is_done,
    )
    return headers.personal(page)


def _tested_page(request: Request) -> Response:
    message = noted(
        "The message that this link stands in was a test or a preview. It belongs to no subscription, so there is nothing to end. "
        "In a reader’s message the same link leads to the page where they leave."
    )
    page = showing.page(request, "public/problem.html", heading=noted("This was a test"), message=message)
    return headers.personal(page)


def _nobody_page(request: Request) -> Response:
    """The link is ours, the subscription has been erased since: nothing is left to end."""
    message = noted("No subscription is left behind this link, so you get nothing from us.")
    heading = noted("You are not subscribed")
    page = showing.page(request, "public/problem.html", heading=heading, message=message)
    return headers.personal(page)


def _unknown_page(request: Request) -> Response:
    message = noted(
        "This unsubscribe link is not one of ours, so nothing was changed. Perhaps a part of it got lost: "
        "please open it again from the end of the latest message."
    )
    heading = noted("This link is not complete")
    page = showing.page(request, "public/problem.html", status=404, heading=heading, message=message)
    return headers.personal(page)


def _plain(text: str, *, status: int = 200) -> Response:
    return headers.personal(PlainTextResponse(text, status_code=status))
