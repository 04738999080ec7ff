"""What answers say about keeping them: pages for one reader are kept by nobody and named to nobody."""

from fastapi.responses import Response

PERSONAL = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the address of the page is a secret of that reader
    "X-Robots-Tag": "noindex, nofollow",
}
FRONT_PAGE_SECONDS = 60
EDITION_SECONDS = 300


def personal(response: Response) -> Response:
    response.headers.update(PERSONAL)
    return response


def shared(response: Response, seconds: int) -> Response:
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    return response
