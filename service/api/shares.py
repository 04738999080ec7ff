"""Links that show an edition to colleagues who have no key and do not sign in."""

import uuid

from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, problems
from service.api.authorization import Writer
from service.api.idempotency import Posted
from service.api.shapes import shares as shapes
from service.api.shapes.shares import NewShare, Share, Shares
from service.asking import Asked
from service.editions import queries, sharing

router = operations.router("/editions/{uid}/shares", "editions")


@router.get(
    "",
    summary="List the links to an edition",
    responses=problems.documented(404, example={"items": [shapes.SHARE_EXAMPLE]}),
)
async def listed(resources: Asked, who: Writer, uid: uuid.UUID) -> Shares:
    """Those that open now. They open drafts, so a key that may only read does not see them."""
    now, base_url = resources.clock.now(), resources.settings.base_url

    def read(session: Session) -> Shares:
        found = sharing.good(session, queries.get(session, uid), now=now)
        return Shares(items=[shapes.share(one, resources.keys, base_url) for one in found])

    return await resources.database.read(read)


@router.post(
    "",
    status_code=201,
    response_model=Share,
    summary="Make a link to an edition",
    responses=problems.documented(404, 409, 413, 415, status=201, example=shapes.SHARE_EXAMPLE),
)
async def made(
    resources: Asked, who: Writer, posting: Posted, uid: uuid.UUID, asked: NewShare | None = None
) -> Response:
    """Whoever has it sees the edition, also while it is a draft, as a reader of whom nothing is known; for 48 hours, or as many
    as you say.
    """
    now, base_url = resources.clock.now(), resources.settings.base_url
    hours = (asked or NewShare()).hours

    def make(session: Session) -> Share:
        row = sharing.make(session, uid, hours=hours, now=now, actor=who.actor)
        return shapes.share(row, resources.keys, base_url)

    return await posting.write(201, make)


@router.delete(
    "/{share_uid}", status_code=204, summary="Withdraw a link to an edition", responses=problems.refusals(404)
)
async def withdrawn(resources: Asked, who: Writer, uid: uuid.UUID, share_uid: uuid.UUID) -> Response:
    """It opens nothing any more. A second time changes nothing."""
    now = resources.clock.now()
    await resources.database.write(sharing.withdraw, uid, share_uid, now=now, actor=who.actor)
    return Response(status_code=204)
