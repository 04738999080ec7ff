from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from service.api import (
    articles,
    cadences,
    checkups,
    dkim,
    editions,
    media,
    newsletters,
    openapi,
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
from service.api.authorization import caller, json_only
from service.asking import Asked

_operations = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(caller)],
    generate_unique_id_function=openapi.operation_id,
)
_in_json = APIRouter(dependencies=[Depends(json_only)], generate_unique_id_function=openapi.operation_id)
for _part in (
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
    suppressions,
    relays,
    relay_providers,
    dkim,
    checkups,
):
    _in_json.include_router(_part.router)
_operations.include_router(_in_json)
_operations.include_router(media.router)

router = APIRouter()
router.include_router(_operations)


@router.get("/api/v1/openapi.json", include_in_schema=False)
async def description(resources: Asked) -> JSONResponse:
    return JSONResponse(openapi.document(_operations, resources.settings.base_url))
