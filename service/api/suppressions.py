"""Addresses that get no mail, whatever they subscribe to. An address is the name of an entry, so it travels in bodies."""

from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, problems
from service.api.authorization import Reader, Writer
from service.api.idempotency import Posted
from service.api.paging import Page, Paged, Paging
from service.api.shapes import subscribers as shapes
from service.api.shapes.subscribers import LiftedSuppression, NewSuppression, Suppression
from service.asking import Asked
from service.suppressions import register
from service.suppressions.models import Reason
from service.suppressions.register import Cause, SuppressionNotFound

router = operations.router("/suppressions", "suppressions")
LISTING = "suppressions"


@router.get(
    "",
    summary="List suppressions",
    responses=problems.documented(example={"items": [shapes.SUPPRESSION_EXAMPLE], "next": None}),
)
async def listed(
    resources: Asked, who: Reader, paging: Paged, address: str | None = None
) -> Page[Suppression]:
    """Those in force, oldest first; with `address`, in any spelling, only that one. In a URL a plus sign is `%2B`."""
    if address is None:
        return await resources.database.read(_page, paging)
    row = await resources.database.read(register.find_by_address, address, pepper=resources.pepper)
    return Page(items=[shapes.suppression(row)] if row else [], next=None)


@router.post(
    "",
    status_code=201,
    response_model=Suppression,
    summary="Suppress an address",
    responses=problems.documented(409, 413, 415, status=201, example=shapes.SUPPRESSION_EXAMPLE),
)
async def added(resources: Asked, who: Writer, posting: Posted, asked: NewSuppression) -> Response:
    """It gets nothing from now on; deliveries that wait skip it. An entry already in force stays as it is."""
    now = resources.clock.now()

    def suppress(session: Session) -> Suppression:
        cause = Cause(Reason(asked.reason), source=who.actor[:40], evidence=asked.evidence)
        row = register.suppress(session, asked.address, cause, pepper=resources.pepper, now=now)
        return shapes.suppression(row)

    return await posting.write(201, suppress)


@router.post(
    "/lift",
    response_model=Suppression,
    summary="Lift a suppression",
    responses=problems.documented(
        404,
        409,
        413,
        415,
        example={
            **shapes.SUPPRESSION_EXAMPLE,
            "lifted_at": "2026-03-09T09:00:00Z",
            "lifted_because": "The mailbox works again, she says.",
        },
    ),
)
async def lifted(resources: Asked, who: Writer, posting: Posted, asked: LiftedSuppression) -> Response:
    """The address gets mail again if it subscribes; the entry stays on record with the reason for lifting it.

    A complaint only the reader takes back, by signing up and confirming anew.
    """
    now = resources.clock.now()

    def lift(session: Session) -> Suppression:
        row = register.find_by_address(session, asked.address, pepper=resources.pepper)
        if row is None:
            raise SuppressionNotFound
        return shapes.suppression(
            register.lift_for_staff(session, row.id, because=asked.because, actor=who.actor, now=now)
        )

    return await posting.write(200, lift)


def _page(session: Session, paging: Paging) -> Page[Suppression]:
    rows = register.page(session, after=paging.start(LISTING), limit=paging.limit + 1)
    return paging.page(LISTING, rows, lambda row: row.id, shapes.suppression)
