from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from service.ops import health, mailbox_pages, metrics

router = APIRouter(include_in_schema=False)


@router.api_route("/", methods=["GET", "HEAD"])
async def front() -> Response:
    """Whoever types the bare address most likely works here; readers come by links to their newsletter."""
    return RedirectResponse("/desk", status_code=307)


ROUTES = [
    route for part in (health.router, metrics.router, mailbox_pages.router, router) for route in part.routes
]
