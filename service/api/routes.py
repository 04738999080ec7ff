from fastapi import APIRouter
from fastapi.responses import JSONResponse

from service.api import (
    articles,
    cadences,
    checkups,
    dkim,
    editions,
    imports,
    media,
    newsletters,
    openapi,
    operations,
    pace,
    proofs,
    recovery,
    relay_providers,
    relays,
    sending,
    shares,
    subscribers,
    suppressions,
)
from service.asking import Asked

OPERATIONS = [
    route
    for part in (
        newsletters,
        cadences,
        articles,
        editions,
        sending,
        pace,
        shares,
        proofs,
        recovery,
        subscribers,
        imports,
        suppressions,
        relays,
        relay_providers,
        dkim,
        checkups,
        media,
    )
    for route in part.router.routes
]
_describing = APIRouter(prefix=operations.ROOT, include_in_schema=False)


@_describing.get("/openapi.json")
async def description(resources: Asked) -> JSONResponse:
    return JSONResponse(openapi.document(OPERATIONS, resources.settings.base_url))


ROUTES = [*OPERATIONS, *_describing.routes]
