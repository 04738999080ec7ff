"""How fast an edition leaves: what the relay's quota lets through, told before, and slower by hand."""

import uuid

from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from service.api import editions, operations, problems
from service.api.authorization import Reader, Sender
from service.api.idempotency import Posted
from service.api.shapes import editions as shapes
from service.api.shapes.editions import Outlook, WantedPace, WholeEdition
from service.asking import Asked
from service.delivery import quota, slowing
from service.editions import queries
from service.subscribers import audience

router = operations.router("/editions/{uid}", "editions")


@router.get(
    "/outlook",
    summary="Look ahead before sending",
    responses=problems.documented(404, example=shapes.OUTLOOK_EXAMPLE),
)
async def outlook(resources: Asked, who: Reader, uid: uuid.UUID) -> Outlook:
    """How many readers it would go to now, and whether the quota of the relay in use leaves so much."""

    def read(session: Session) -> Outlook:
        readers = audience.count(session, queries.get(session, uid).newsletter_id)
        return Outlook(readers=readers, quota=quota.said_ahead(session, readers))

    return await resources.database.read(read)


@router.post(
    "/slow",
    response_model=WholeEdition,
    summary="Slow the sending down",
    responses=problems.documented(404, 409, 413, 415, example=shapes.WHOLE_EXAMPLE | {"state": "sending"}),
)
async def slowed(
    resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID, asked: WantedPace
) -> Response:
    """So many messages a second from all workers together, within a second; null: full speed again, which is whatever the relay's
    own pace allows.
    """
    now = resources.clock.now()

    def slow(session: Session) -> BaseModel:
        row = slowing.slow(session, uid, asked.per_second, now=now, actor=who.actor)
        return editions.whole(session, row, resources.settings.base_url)

    return await posting.write(200, slow)
