"""What went wrong at an address of the desk, but on none of its pages: said in the desk's own frame, with a way back."""

from fastapi import Request
from fastapi.responses import Response
from starlette.routing import Match

from service.desk import visit
from service.desk.visit import HOME

FORM_ONLY = "This address only takes a form, so there is nothing to look at. Nothing was changed."


async def page(request: Request, status: int, *, heading: str, message: str) -> Response:
    """Whoever is not signed in sees the same, and is asked to sign in on the way back."""
    is_unasked = not hasattr(request.state, "account")
    if is_unasked and status < 500:  # after a fault of ours the database is left alone
        found = await visit.seen(request, request.app.state.resources)
        request.state.account = found.account if found else None
    if status == 405:
        return visit.problem_page(
            request, status, heading="This is no page", message=FORM_ONLY, back=_page_above(request)
        )
    return visit.problem_page(request, status, heading=heading, message=message)


def _page_above(request: Request) -> str:
    """Where the form stands: after a refusal its address is still in the browser's line, and is opened again from there."""
    path = request.url.path
    while path.startswith(f"{HOME}/"):
        path = path.rpartition("/")[0]
        asked = {"type": "http", "method": "GET", "path": path, "root_path": ""}
        if any(route.matches(asked)[0] is Match.FULL for route in request.app.routes):
            return path
    return HOME
