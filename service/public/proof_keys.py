"""The public keys that proofs are checked with: for anybody, since whoever is shown a proof may be a stranger here."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from service.dependencies import Asked
from service.proofs import seal
from service.public import headers

router = APIRouter()
KEYS_SECONDS = 300


@router.api_route("/proof-keys", methods=["GET", "HEAD"])
async def proof_keys(resources: Asked) -> Response:
    """The one that signs now comes first; those before it stay as long as `MEMO_SECRET_KEY` names them."""
    return headers.shared(JSONResponse(seal.published(resources.keys)), KEYS_SECONDS)
