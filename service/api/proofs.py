"""The file that proves an edition, streamed."""

import uuid
from typing import Annotated, Literal

from fastapi import Header, Query
from fastapi.responses import StreamingResponse

from service.api import operations, problems
from service.api.authorization import Reader
from service.api.shapes import proofs as shapes
from service.asking import Asked
from service.proofs import facts, writing

router = operations.router("/editions/{uid}", "editions")


@router.get(
    "/proof",
    summary="Get an edition's proof",
    response_class=StreamingResponse,
    response_model=None,
    responses=problems.documented(404, 409, example=shapes.PROOF_EXAMPLE)
    | {
        200: {
            "model": shapes.Proof,
            "description": "The signed file. One that breaks off without its signature is no proof.",
            "content": {
                "application/json": {"example": shapes.PROOF_EXAMPLE},
                "text/csv": {"schema": {"type": "string"}, "example": shapes.CSV_EXAMPLE},
            },
        }
    },
)
async def proof(
    resources: Asked,
    who: Reader,
    uid: uuid.UUID,
    form: Annotated[
        Literal["json", "csv"] | None,
        Query(alias="format", description="Without it, `Accept: text/csv` gives CSV, anything else JSON."),
    ] = None,
    addresses: Annotated[
        Literal["masked", "whole"], Query(description="`a***@example.org`, or as they are.")
    ] = "masked",
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> StreamingResponse:
    """Accounts for every reader, adds up, and is signed (Ed25519) so that others can check it with a key from `/proof-keys`;
    `memo proof --verify FILE` does. A ledger that does not add up gets no proof but a 409.
    """
    prefers_csv = "text/csv" in accept and "json" not in accept
    asked = writing.wanted(
        form or ("csv" if prefers_csv else "json"), has_whole_addresses=addresses == "whole"
    )
    found = await resources.database.read(facts.of, uid, now=resources.clock.now())
    return StreamingResponse(
        writing.stream(resources.database, resources.keys, found, asked),
        media_type=asked.form.media_type,
        headers=asked.headers(found) | {"Vary": "Accept"},
    )
