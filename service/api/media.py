"""Pictures: sent as they are, made fit for mail, kept, and shown at an address of ours."""

from datetime import datetime
from functools import partial
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, problems
from service.api.authorization import Writer
from service.api.idempotency import Posted
from service.api.shapes import media as shapes
from service.api.shapes.media import KeptPicture
from service.asking import Asked
from service.media import pictures, register
from service.media.pictures import Made

router = operations.router("/media", "media", takes_json=False)
KINDS = ("image/jpeg", "image/png", "image/gif", "image/webp")
NO_PICTURE = "Send the picture itself as the body, with its Content-Type, for example image/jpeg."
_SAID = {
    413: ("The picture is larger than 10 MB.", "This is too large: at most 11000 kB can be sent here."),
    415: ("The body is no picture.", NO_PICTURE),
}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in KINDS},
}


@router.post(
    "",
    status_code=201,
    response_model=KeptPicture,
    summary="Keep a picture",
    responses=problems.documented(409, 413, 415, 503, status=201, example=shapes.PICTURE_EXAMPLE, said=_SAID),
    openapi_extra={"requestBody": _BODY},
)
async def kept(request: Request, resources: Asked, who: Writer, posting: Posted) -> Response:
    """JPEG, PNG, GIF or WebP, as the body itself. It is turned upright, made at most 1200 pixels wide, freed of where and when it
    was taken, and kept as JPEG or PNG; of a moving picture the first frame. What no edition shows is let go after a while.
    """
    known = await posting.kept()
    if known is not None:
        return known
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind.startswith("image/"):
        raise HTTPException(415, NO_PICTURE)
    made = await pictures.take(resources.media, await request.body())
    now, base_url = resources.clock.now(), resources.settings.base_url
    return await posting.write(201, partial(_keep, made=made, base_url=base_url, now=now))


def _keep(session: Session, *, made: Made, base_url: str, now: datetime) -> KeptPicture:
    return shapes.picture(register.keep(session, made, now=now), base_url)
