"""The doctor: what it found last, and a new look."""

from fastapi.responses import Response

from service.api import operations, problems
from service.api.authorization import Reader, Writer
from service.api.idempotency import Posted
from service.api.shapes import checkups as shapes
from service.api.shapes.checkups import Checkup
from service.asking import Asked
from service.doctor import examining, keeping
from service.errors import NotFound

router = operations.router("/checkup", "checkup")


class NobodyHasLooked(NotFound):
    """Nobody has looked yet. POST here, or run `memo doctor`."""


@router.get(
    "", summary="Get the last checkup", responses=problems.documented(404, example=shapes.CHECKUP_EXAMPLE)
)
async def last(resources: Asked, who: Reader) -> Checkup:
    """What was found at the last look at everything, from here or from the desk. Asks nobody."""
    kept = await resources.database.read(keeping.last)
    if kept is None:
        raise NobodyHasLooked
    return shapes.checkup(kept.examination)


@router.post(
    "",
    response_model=Checkup,
    summary="Make a checkup",
    responses=problems.documented(409, example=shapes.CHECKUP_EXAMPLE),
)
async def made(resources: Asked, who: Writer, posting: Posted) -> Response:
    """Ask for the domains' records, try the relays out as far as the sign-in, open an unsubscribe link, look at the machine. It takes
    some seconds, or half a minute where somebody does not answer; nothing is sent or changed. At most one in 15 seconds.
    """

    async def looked() -> Checkup:
        return shapes.checkup(await examining.take(resources, actor=who.actor))

    return await posting.around(200, looked)
