"""What went wrong at an address of the desk, but on none of its pages: said in the desk's own frame, with a way back."""

from fastapi import Request
from fastapi.responses import Response

from service.desk import visit

FORM_ONLY = "This address only takes a form, so there is nothing to look at. Nothing was changed."


async def page(request: Request, status: int, *, heading: str, message: str) -> Response:
    """Whoever is not signed in sees the same, and is asked to sign in on the way back."""
    is_unasked = not hasattr(request.state, "account")
    if is_unasked and status < 500:  # after a fault of ours the database is left alone
        found = await visit.seen(request, request.app.state.resources)
        request.state.account = found.account if found else None
    if status == 405:
        return visit.problem_page(
            request, status, heading="This is no page", message=FORM_ONLY, back=visit.page_above(request)
        )
    return visit.problem_page(request, status, heading=heading, message=message)
