"""Whether what sending leans on is as it has to be: the last look, and buttons that look again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from service.desk import doctor_view, process
from service.desk.refusals import Place, Refusal, refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.doctor import examining, keeping
from service.doctor.answers import Unusable
from service.doctor.examining import Wanted
from service.doctor.findings import Examination
from service.doctor.keeping import TooSoon
from service.errors import Conflict

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
PATH = "/desk/doctor"
PLACES = {"domain": Place("domain")}


class LookedAtNow(Conflict):
    """Somebody is looking at this moment. Open this page again in half a minute: it shows what they found."""


@router.get(PATH)
async def doctor(visit: AtDesk) -> Response:
    return await _page(visit)


@router.post(PATH)
async def look(visit: AtDesk) -> Response:
    """Ask everywhere, then one write: the result. It can take half a minute where somebody does not answer."""
    try:
        async with _alone(visit):
            found = await examining.take(visit.resources, actor=visit.account.name)
    except (LookedAtNow, TooSoon, Unusable) as error:
        return await _page(visit, problem=refused(error))
    return visit.done(PATH, f"Looked at everything: {doctor_view.counted(found)}.")


@router.post(PATH + "/domain")
async def look_at_domain(visit: AtDesk, domain: Annotated[str, Form()] = "") -> Response:
    """The answer is the page itself: it is about a domain that may be none of ours, so nothing is kept."""
    try:
        if not domain.strip():
            raise examining.DomainUnusable(field="domain")
        async with _alone(visit):
            found = await examining.examine(visit.resources, Wanted(domain=domain))
    except (LookedAtNow, Unusable) as error:
        return await _page(visit, problem=refused(error, PLACES), domain=domain)
    return await _page(visit, found=found, domain=domain)


@asynccontextmanager
async def _alone(visit: Visit) -> AsyncIterator[None]:
    """One look at a time, in this process."""
    here = process.of(visit.request, visit.resources)
    if here.is_examining:
        raise LookedAtNow
    here.is_examining = True
    try:
        yield
    finally:
        here.is_examining = False


async def _page(
    visit: Visit, *, problem: Refusal | None = None, found: Examination | None = None, domain: str = ""
) -> Response:
    kept = await visit.resources.database.read(keeping.last)
    shown = found or (kept.examination if kept is not None else None)
    return visit.render(
        "desk/doctor.html",
        status=problem.status if problem else 200,
        shown=shown,
        groups=doctor_view.groups(shown) if shown is not None else [],
        counts=doctor_view.counts(shown) if shown is not None else [],
        kept=kept if found is None else None,
        problem=problem,
        domain=domain,
    )
