"""The OpenAPI document: the API's own operations, and what every one of them can answer."""

import re
from collections.abc import Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from service.api.problems import Problem

_NO_LETTERS = re.compile(r"[^a-z]+")

DESCRIPTION = """
Everything a newsroom's own programs need: articles in, editions made, scheduled and sent, readers kept.

**Keys.** Send `Authorization: Bearer memo_…`. A key has any of the scopes `read`, `write` and `send`; none implies another.

**Errors** are problem+json (RFC 9457); `detail` says what to do, `field` which part of the request has to change.

**Doing it once.** Every POST takes an `Idempotency-Key`: sent again within 24 hours with the same body it is answered the same,
with `Idempotent-Replayed: true`, and not done again. Another body under the same key is a 422; while the first is at work, a 409.

**Pages.** Give `next` of one page as `after` for the following one.

**Times** are RFC 3339. They are told in UTC, with a `Z`, and taken with any offset. An edition can be scheduled for a time without one:
that is meant on the newsletter's own clock, and comes back in UTC like all others.
"""
TAGS = [
    {"name": "newsletters", "description": "Publications, when they appear, and the feeds they read."},
    {"name": "articles", "description": "Texts, kept once for each address."},
    {"name": "editions", "description": "One dated instance of a newsletter: made, planned, sent, watched."},
    {"name": "media", "description": "Pictures of our own, for blocks of editions."},
    {"name": "subscribers", "description": "Readers of a newsletter."},
    {"name": "suppressions", "description": "Addresses that get no mail."},
    {
        "name": "relays",
        "description": "The mail servers that take our messages, and the keys that sign them.",
    },
    {"name": "checkup", "description": "Whether all that sending leans on is as it has to be."},
]


def operation_id(route: APIRoute) -> str:
    """What generators of clients name their functions: the summary's words, such as `send_an_edition_now`."""
    words = (route.summary or route.name).lower().replace("'s", "")
    return _NO_LETTERS.sub("_", words).strip("_")


def document(routes: Sequence[BaseRoute], public_url: str) -> dict[str, Any]:
    made = get_openapi(
        title="Morning Memo",
        version="1",
        description=DESCRIPTION.strip(),
        routes=routes,
        tags=TAGS,
        servers=[{"url": public_url}],
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs", {}))
    schemas["Problem"] = problem
    return made
