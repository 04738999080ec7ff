"""`/media/{name}`: a picture of ours. What it holds is in its name, so whoever has it need not ask again."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.asking import Asked
from service.errors import NotFound
from service.media.pictures import CONTENT_TYPES, NAME

router = APIRouter()
YEAR_SECONDS = 31_536_000


class PictureNotFound(NotFound):
    """There is no such picture, or it has been let go because no edition shows it."""


@router.api_route("/media/{name}", methods=["GET", "HEAD"])
async def picture(request: Request, name: str, asked: Asked) -> Response:
    if not NAME.fullmatch(name):
        raise PictureNotFound
    tag = f'"{name[:32]}"'
    headers = {
        "Cache-Control": f"public, max-age={YEAR_SECONDS}, immutable",
        "ETag": tag,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        # It is there to be shown elsewhere: in mail programs on the web, and on the newsroom's own pages.
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = await asked.media.get(name)
    if body is None:
        raise PictureNotFound
    return Response(body, headers=headers, media_type=CONTENT_TYPES[name.rpartition(".")[2]])
