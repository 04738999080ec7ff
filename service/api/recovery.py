"""After an older copy of the database was put back: what waits, and what a person decides."""

import uuid

from fastapi.responses import Response
from sqlmodel import Session

from service.api import editions, operations, problems
from service.api.authorization import Reader, Sender
from service.api.idempotency import Posted
from service.api.shapes import editions as edition_shapes
from service.api.shapes import recovery as shapes
from service.api.shapes.editions import WholeEdition
from service.api.shapes.recovery import Recovery
from service.asking import Asked
from service.backups import continuity, standstill
from service.delivery import restored

router = operations.router()


@router.get(
    "/recovery",
    tags=["recovery"],
    summary="Get what waits after a restore",
    responses=problems.documented(example=shapes.RECOVERY_EXAMPLE),
)
async def waiting(resources: Asked, who: Reader) -> Recovery:
    """Whether sending is on hold, which editions were stopped, and which slots may have been sent since the copy was made."""
    return shapes.recovery(await resources.database.read(standstill.of))


@router.post(
    "/recovery/release",
    tags=["recovery"],
    response_model=Recovery,
    summary="Go on sending after a restore",
    responses=problems.documented(409, 413, 415, example=shapes.RELEASED_EXAMPLE),
)
async def gone_on(resources: Asked, who: Sender, posting: Posted) -> Response:
    """What is due from now on leaves again. Editions that were stopped stay stopped: each is released or cancelled on its own."""
    now = resources.clock.now()

    def go_on(session: Session) -> Recovery:
        continuity.release(session, now=now, actor=who.actor)
        session.flush()
        return shapes.recovery(standstill.of(session))

    return await posting.write(200, go_on)


@router.post(
    "/editions/{uid}/release",
    tags=["editions"],
    response_model=WholeEdition,
    summary="Release an edition that a restore stopped",
    responses=problems.documented(
        404, 409, 413, 415, example=edition_shapes.WHOLE_EXAMPLE | {"state": "sending"}
    ),
)
async def released(resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID) -> Response:
    """It goes to the readers who are open in the copy. **Those who got it after the copy was made get it twice.** Never after the
    next regular edition has begun to leave.
    """
    now = resources.clock.now()

    def release(session: Session) -> WholeEdition:
        row = restored.release(session, uid, now=now, actor=who.actor)
        return editions.whole(session, row, resources.settings.base_url)

    return await posting.write(200, release)
