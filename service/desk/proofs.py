"""An edition proven and completed: the signed file, sending to those who are missing, releasing those who are held."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from service.delivery import reopening
from service.delivery.reopening import Reopen
from service.desk import editions
from service.desk.departure import acted
from service.desk.refusals import refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.errors import Conflict
from service.ledger.models import Reopening
from service.proofs import facts, writing

router = APIRouter(route_class=DeskRoute, include_in_schema=False)


@router.get("/desk/editions/{uid}/proof")
async def proof(
    visit: AtDesk,
    uid: UUID,
    format: Literal["json", "csv"] = "json",  # noqa: A002 - the name it has in the address
    addresses: Literal["masked", "whole"] = "masked",
) -> Response:
    held = visit.resources
    asked = writing.wanted(format, has_whole_addresses=addresses == "whole")
    found = await held.database.read(facts.of, uid, now=held.clock.now())
    pieces = writing.stream(held.database, held.keys, found, asked)
    return StreamingResponse(pieces, media_type=asked.form.media_type, headers=asked.headers(found))


@router.get("/desk/editions/{uid}/send-missing")
async def ask_to_send_missing(visit: AtDesk, uid: UUID) -> Response:
    return await _ask(visit, uid, Reopening.MISSING)


@router.post("/desk/editions/{uid}/send-missing")
async def send_missing(visit: AtDesk, uid: UUID) -> Response:
    return await _again(visit, uid, reopening.send_missing, "It is on its way to those who were missing.")


@router.get("/desk/editions/{uid}/release-held")
async def ask_to_release_held(visit: AtDesk, uid: UUID) -> Response:
    return await _ask(visit, uid, Reopening.HELD)


@router.post("/desk/editions/{uid}/release-held")
async def release_held(visit: AtDesk, uid: UUID) -> Response:
    return await _again(visit, uid, reopening.release_held, "It is on its way to those who were held.")


async def _again(visit: Visit, uid: UUID, act: Reopen, said: str) -> Response:
    return await acted(visit, uid, act(visit.resources, uid, actor=visit.account.name), said=said)


async def _ask(visit: Visit, uid: UUID, which: Reopening) -> Response:
    """The page between the button and its effect: how many, and what it means for them."""
    view = await visit.resources.database.read(editions.view_of, uid, now=visit.resources.clock.now())
    short = view.proof.short if view.proof else None
    if short is None:
        return await editions.show(visit, uid, problem=refused(reopening.NotEnded()))
    readers = short.missing if which is Reopening.MISSING else short.held
    if short.refusal:
        return await editions.show(visit, uid, problem=refused(Conflict(short.refusal)))
    if not readers:
        nobody = reopening.NobodyMissing() if which is Reopening.MISSING else reopening.NobodyHeld()
        return await editions.show(visit, uid, problem=refused(nobody))
    return visit.render("desk/again.html", view=view, which=which.value, readers=readers)
