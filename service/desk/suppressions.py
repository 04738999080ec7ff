"""Addresses that get no mail: searched, explained, entered by hand, and let go again with a reason."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from service.addresses import AddressInvalid
from service.desk.visit import AtDesk, DeskRoute, Visit, status_of
from service.errors import Invalid, MemoError
from service.suppressions import register
from service.suppressions.models import Reason, Suppression
from service.suppressions.register import Cause

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = "/desk/suppressions"
PER_PAGE = 50
SEARCH_CHARACTERS = 320


@router.get(PATH)
async def suppressions(visit: AtDesk, address: str = "", before: int | None = None) -> Response:
    return await _list(visit, address=address[:SEARCH_CHARACTERS], before=before)


@router.post(PATH)
async def add(
    visit: AtDesk, address: Annotated[str, Form()] = "", evidence: Annotated[str, Form()] = ""
) -> Response:
    held = visit.resources
    cause = Cause(Reason.MANUAL, visit.account.name[:40], evidence)
    try:
        await held.database.write(register.suppress, address, cause, pepper=held.pepper, now=held.clock.now())
    except AddressInvalid as error:
        return await _list(visit, problem=error, entered=address[:SEARCH_CHARACTERS])
    return visit.done(PATH, "It is suppressed: it gets nothing from now on.")


@router.post(PATH + "/{number}/lift")
async def lift(visit: AtDesk, number: int, because: Annotated[str, Form()] = "") -> Response:
    held = visit.resources
    if not because.strip():
        return await _list(visit, problem=Invalid("Say why: whoever looks at it later wants to know."))
    await held.database.write(
        register.lift_for_staff,
        number,
        because=because.strip(),
        actor=visit.account.name,
        now=held.clock.now(),
    )
    return visit.done(PATH, "It is lifted: the address gets mail again if it subscribes.")


async def _list(
    visit: Visit, *, address: str = "", before: int | None = None, problem: MemoError | None = None, entered: str = ""
) -> Response:  # fmt: skip
    held = visit.resources
    rows = await held.database.read(_found, address, before, pepper=held.pepper)
    return visit.render(
        "desk/suppressions.html",
        status=status_of(problem) if problem is not None else 200,
        rows=rows[:PER_PAGE],
        older=rows[PER_PAGE - 1].id if len(rows) > PER_PAGE else None,
        address=address,
        entered=entered,
        problem=problem.message if problem is not None else None,
        own=register.NEVER_FOR_THEM,
    )


def _found(session: Session, address: str, before: int | None, *, pepper: str) -> list[Suppression]:
    return register.searched(session, address, pepper=pepper, before=before, limit=PER_PAGE + 1)
