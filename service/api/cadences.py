"""When a newsletter appears regularly. Setting it needs the scope send: from then on editions may leave by themselves."""

from typing import Annotated

from fastapi import Query
from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, problems
from service.api.authorization import Reader, Sender
from service.api.shapes import newsletters as shapes
from service.api.shapes.newsletters import Cadence, CadenceRule, Cadences
from service.asking import Asked
from service.editions import queries, rhythm
from service.editions.rhythm import Rhythm
from service.newsletters import publication

router = operations.router("/newsletters/{slug}/cadence", "newsletters")
Slot = Annotated[
    int,
    Query(
        ge=1,
        le=rhythm.MOST_SLOTS,
        description="Which regular edition of the day: 1, or 2 for an evening one …",
    ),
]


@router.get(
    "",
    summary="Get a newsletter's cadence",
    responses=problems.documented(404, example={"items": [shapes.CADENCE_EXAMPLE]}),
)
async def cadence(resources: Asked, who: Reader, slug: str) -> Cadences:
    """Each regular slot with its next five dates."""

    def read(session: Session) -> Cadences:
        newsletter = publication.get(session, slug)
        rows = queries.cadences_of(session, newsletter.id)
        return Cadences(items=[shapes.cadence(row) for row in rows])

    return await resources.database.read(read)


@router.put(
    "",
    summary="Set a newsletter's cadence",
    responses=problems.documented(404, 413, 415, example=shapes.CADENCE_EXAMPLE),
)
async def replaced(resources: Asked, who: Sender, slug: str, asked: CadenceRule, slot: Slot = 1) -> Cadence:
    """The answer names the next five dates. On days when the clock changes, a time that does not exist is moved on by an hour,
    and one that comes twice counts once.
    """
    now = resources.clock.now()
    wanted = Rhythm(
        weekdays=",".join(str(day) for day in asked.weekdays),
        local_time=asked.local_time,
        is_automatic=asked.is_automatic,
        slot=slot,
    )

    def replace(session: Session) -> Cadence:
        newsletter = publication.get(session, slug)
        return shapes.cadence(rhythm.set_cadence(session, newsletter, wanted, now=now, actor=who.actor))

    return await resources.database.write(replace)


@router.delete(
    "",
    status_code=204,
    summary="End a newsletter's cadence",
    responses=problems.refusals(404),
)
async def ended(resources: Asked, who: Sender, slug: str, slot: Slot = 1) -> Response:
    """From now on that slot has no regular edition. Editions already scheduled stay scheduled."""
    now = resources.clock.now()

    def end(session: Session) -> None:
        newsletter = publication.get(session, slug)
        rhythm.end_cadence(session, newsletter, slot, now=now, actor=who.actor)

    await resources.database.write(end)
    return Response(status_code=204)
