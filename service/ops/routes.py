from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from service.ops import health, mailbox_pages, metrics

router = APIRouter(include_in_schema=False)
router.include_router(health.router)
router.include_router(metrics.router)
router.include_router(mailbox_pages.router)


@router.api_route("/", methods=["GET", "HEAD"])
async def front() -> Response:
    """Whoever types the bare address most likely works here; readers come by links to their newsletter."""
    return RedirectResponse("/desk", status_code=307)
