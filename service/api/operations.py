"""Where the API's operations are registered: each router is complete by itself.

None is included in another. FastAPI makes everything about a route once more for each router it is reached through: for this
application that were 14 MB, and most of the time that a request takes to find its route.
"""

from fastapi import APIRouter, Depends

from service.api import openapi
from service.api.authorization import caller, json_only

ROOT = "/api/v1"


def router(prefix: str = "", *tags: str, takes_json: bool = True) -> APIRouter:
    """For operations below `/api/v1`, each for callers with a key only. With `takes_json` no body of another type is read."""
    needs = [Depends(caller), *([Depends(json_only)] if takes_json else [])]
    return APIRouter(
        prefix=ROOT + prefix,
        tags=[*tags],
        dependencies=needs,
        generate_unique_id_function=openapi.operation_id,
    )
