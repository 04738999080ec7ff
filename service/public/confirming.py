"""`/confirm/{token}`: looking changes nothing, only the button does. A mail gateway looks; a person presses (GDPR Art. 7(1))."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service import addresses
from service.asking import Asked, Client
from service.languages import noted
from service.public import headers, masthead, showing
from service.subscribers import links, optin, signup
from service.subscribers.optin import ConfirmationUnknown, Invitation, Standing

router = APIRouter()
TEMPLATES = {
    Standing.OPEN: "public/confirm.html",
    Standing.CONFIRMED: "public/confirmed.html",
    Standing.OUTDATED: "public/outdated.html",
}


@router.api_route("/confirm/{token}", methods=["GET", "HEAD"])
async def look(request: Request, token: str, asked: Asked) -> Response:
    claim = links.read_confirm(asked.keys, token)
    try:
        if claim is None:
            raise ConfirmationUnknown
        invitation = await asked.database.read(optin.look, claim, now=asked.clock.now())
    except ConfirmationUnknown as error:
        return _unknown(request, error)
    return _page(request, invitation)


@router.post("/confirm/{token}")
async def confirm(request: Request, token: str, asked: Asked, client: Client) -> Response:
    claim = links.read_confirm(asked.keys, token)
    mark = signup.client_mark(client, asked.pepper)
    try:
        if claim is None:
            raise ConfirmationUnknown
        invitation = await asked.database.write(optin.accept, claim, now=asked.clock.now(), client=mark)
    except ConfirmationUnknown as error:
        return _unknown(request, error)
    return _page(request, invitation, is_done=True)


def _page(request: Request, invitation: Invitation, *, is_done: bool = False) -> Response:
    page = showing.page(
        request,
        TEMPLATES[invitation.standing],
        masthead.of(invitation.newsletter),
        status=410 if invitation.standing is Standing.OUTDATED else 200,
        address=addresses.masked(invitation.address),
        is_done=is_done,
    )
    return headers.personal(page)


def _unknown(request: Request, error: ConfirmationUnknown) -> Response:
    heading = noted("This link is not complete")
    page = showing.page(request, "public/problem.html", status=404, heading=heading, message=error.message)
    return headers.personal(page)
