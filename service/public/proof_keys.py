"""The public keys that proofs are checked with: for anybody, since whoever is shown a proof may be a stranger here."""

import asyncio
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from service.asking import Asked
from service.public import headers
from service.tokens import Keys

router = APIRouter()
KEYS_SECONDS = 300


@router.api_route("/proof-keys", methods=["GET", "HEAD"])
async def proof_keys(resources: Asked) -> Response:
    """The one that signs now comes first; those before it stay as long as `MEMO_SECRET_KEY` names them."""
    return headers.shared(JSONResponse(await asyncio.to_thread(_published, resources.keys)), KEYS_SECONDS)


def _published(keys: Keys) -> dict[str, Any]:
    from service.proofs import seal

    return seal.published(keys)
