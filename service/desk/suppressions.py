"""Addresses that get no mail: searched, explained, entered by hand, and let go again with a reason."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from service.addresses import AddressInvalid
from service.desk.refusals import Refusal, refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.errors import Invalid
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
        refusal = refused(error, otherwise="address")
        entered = {"address": address[:SEARCH_CHARACTERS], "evidence": evidence}
        return await _list(visit, problem=refusal, entered=entered)
    return visit.done(PATH, "It is suppressed: it gets nothing from now on.")


@router.post(PATH + "/{number}/lift")
async def lift(
    visit: AtDesk,
    number: int,
    because: Annotated[str, Form()] = "",
    address: Annotated[str, Form()] = "",
    before: Annotated[int | None, Form()] = None,
) -> Response:
    """`address` and `before` are what the list was asked for, so that it stays the same where the reason is missing."""
    held = visit.resources
    if not because.strip():
        missing = Invalid("Say why: whoever looks at it later wants to know.")
        refusal = refused(missing, otherwise=f"because-{number}")
        return await _list(visit, address=address[:SEARCH_CHARACTERS], before=before, problem=refusal)
    await held.database.write(
        register.lift_for_staff,
        number,
        because=because.strip(),
        actor=visit.account.name,
        now=held.clock.now(),
    )
    return visit.done(PATH, "It is lifted: the address gets mail again if it subscribes.")


async def _list(
    visit: Visit,
    *,
    address: str = "",
    before: int | None = None,
    problem: Refusal | None = None,
    entered: Mapping[str, str] | None = None,
) -> Response:
    held = visit.resources
    rows = await held.database.read(_found, address, before, pepper=held.pepper)
    return visit.render(
        "desk/suppressions.html",
        status=problem.status if problem is not None else 200,
        rows=rows[:PER_PAGE],
        older=rows[PER_PAGE - 1].id if len(rows) > PER_PAGE else None,
        address=address,
        before=before,
        entered=entered or {},
        problem=problem,
        own=register.NEVER_FOR_THEM,
    )


def _found(session: Session, address: str, before: int | None, *, pepper: str) -> list[Suppression]:
    return register.searched(session, address, pepper=pepper, before=before, limit=PER_PAGE + 1)
