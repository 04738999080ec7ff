"""Where the API's operations are registered: each router is complete by itself.

None is included in another. FastAPI makes everything about a route once more for each router it is reached through: for this
application that were 14 MB, and most of the time that a request takes to find its route.
"""

from fastapi import APIRouter, Depends

from service.api import openapi, texts
from service.api.authorization import caller, json_only

ROOT = "/api/v1"


def router(prefix: str = "", *tags: str, takes_json: bool = True, cleans_texts: bool = False) -> APIRouter:
    """For operations below `/api/v1`, each for callers with a key only. With `takes_json` no body of another type is read.

    `cleans_texts`: what is no text is taken out of articles and editions, and refused elsewhere. A broken title stops no edition.
    """
    needs = [Depends(caller), Depends(texts.in_address)]
    if takes_json:
        needs += [Depends(json_only)] if cleans_texts else [Depends(json_only), Depends(texts.in_body)]
    return APIRouter(
        prefix=ROOT + prefix,
        tags=[*tags],
        dependencies=needs,
        generate_unique_id_function=openapi.operation_id,
    )
