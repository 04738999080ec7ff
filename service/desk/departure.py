"""How an edition leaves: a test, a time, now; and how it is stopped. Each button asks the room; what the room refuses, the page says."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from service.delivery import launch, quota, rehearsal, slowing, steering
from service.desk import editions
from service.desk.documents import EditionHasChanged
from service.desk.refusals import Place, refused
from service.desk.visit import AtDesk, DeskRoute, Visit
from service.editions import composition, queries, timing
from service.editions.models import Edition, State
from service.errors import Conflict, Invalid, Unavailable
from service.ledger.models import Lane
from service.newsletters import publication

router = APIRouter(route_class=DeskRoute, include_in_schema=False)
REASON_CHARACTERS = 300
PLACES = editions.WORDS | {
    "email": Place("address"),
    "at": Place("day"),
    "per_second": Place("per_second"),
}


@router.post("/desk/editions/{uid}/test")
async def test(visit: AtDesk, uid: UUID, address: Annotated[str, Form()] = "") -> Response:
    sending = rehearsal.send_test(visit.resources, uid, [address], actor=visit.account.name)
    said = f"A test message is on its way to {address.strip()}."
    return await acted(visit, uid, sending, said=said, otherwise="address", address=address)


@router.post("/desk/editions/{uid}/schedule")
async def schedule(
    visit: AtDesk, uid: UUID, day: Annotated[str, Form()] = "", clock_time: Annotated[str, Form()] = ""
) -> Response:
    planning = visit.resources.database.write(
        _schedule, uid, day, clock_time, now=visit.resources.clock.now(), actor=visit.account.name
    )
    try:
        said = await planning
    except (Conflict, Invalid) as error:
        entered = {"day": day, "clock_time": clock_time}
        return await editions.show(visit, uid, problem=refused(error, PLACES), entered=entered)
    return visit.done(f"/desk/editions/{uid}", said)


@router.post("/desk/editions/{uid}/unschedule")
async def unschedule(visit: AtDesk, uid: UUID) -> Response:
    undoing = visit.resources.database.write(
        _unschedule, uid, now=visit.resources.clock.now(), actor=visit.account.name
    )
    return await acted(visit, uid, undoing, said="The time is taken back: this edition is a draft again.")


@router.get("/desk/editions/{uid}/send")
async def ask_to_send(visit: AtDesk, uid: UUID) -> Response:
    return await _ask(visit, uid, "desk/send.html", possible=(State.DRAFT, State.SCHEDULED))


@router.post("/desk/editions/{uid}/send")
async def send(
    visit: AtDesk, uid: UUID, version: Annotated[int, Form()], breaking: Annotated[str, Form()] = ""
) -> Response:
    lane = Lane.BREAKING if breaking else Lane.SCHEDULED
    said = "It is on its way, before all others." if breaking else "It is on its way."
    return await acted(visit, uid, _send(visit, uid, version, lane), said=said)


@router.post("/desk/editions/{uid}/pause")
async def pause(visit: AtDesk, uid: UUID, reason: Annotated[str, Form()] = "") -> Response:
    pausing = visit.resources.database.write(
        steering.pause,
        uid,
        reason=" ".join(reason.split())[:REASON_CHARACTERS] or f"paused by {visit.account.name}",
        now=visit.resources.clock.now(),
        actor=visit.account.name,
    )
    return await acted(visit, uid, pausing, said="Paused. Readers who do not have it yet wait.")


@router.post("/desk/editions/{uid}/resume")
async def resume(visit: AtDesk, uid: UUID) -> Response:
    resuming = visit.resources.database.write(
        steering.resume, uid, now=visit.resources.clock.now(), actor=visit.account.name
    )
    return await acted(visit, uid, resuming, said="It goes on where it stopped.")


@router.post("/desk/editions/{uid}/slow")
async def slow(visit: AtDesk, uid: UUID, per_second: Annotated[str, Form()] = "") -> Response:
    """Empty: full speed again."""
    said = f"At most {per_second.strip()} messages a second." if per_second.strip() else "Full speed again."

    async def slowed() -> Edition:
        return await visit.resources.database.write(
            slowing.slow,
            uid,
            slowing.read(per_second),
            now=visit.resources.clock.now(),
            actor=visit.account.name,
        )

    return await acted(visit, uid, slowed(), said=said, per_second=per_second)


@router.get("/desk/editions/{uid}/cancel")
async def ask_to_cancel(visit: AtDesk, uid: UUID) -> Response:
    possible = (State.DRAFT, State.SCHEDULED, State.SENDING, State.PAUSED)
    return await _ask(visit, uid, "desk/cancel.html", possible=possible)


@router.post("/desk/editions/{uid}/cancel")
async def cancel(visit: AtDesk, uid: UUID, slot: Annotated[str, Form()] = "") -> Response:
    """`slot=free`: the timetable's next edition is to be another one. Else, with this one, none leaves then."""
    cancelling = visit.resources.database.write(
        _thrown_away if slot == "free" else steering.cancel,
        uid,
        now=visit.resources.clock.now(),
        actor=visit.account.name,
    )
    said = "Cancelled. Whoever has it keeps it; nobody else gets it."
    if slot == "free":
        said = "Thrown away. The timetable's next edition will be another one."
    return await acted(visit, uid, cancelling, said=said)


async def acted(
    visit: Visit,
    uid: UUID,
    action: Awaitable[object],
    *,
    said: str,
    otherwise: str | None = None,
    **entered: str,
) -> Response:
    """`otherwise`: the field beside which a refusal is shown that names none."""
    try:
        await action
    except (Conflict, Invalid, Unavailable) as error:
        refusal = refused(error, PLACES, otherwise=otherwise)
        return await editions.show(visit, uid, problem=refusal, entered=entered)
    return visit.done(f"/desk/editions/{uid}", said)


def _thrown_away(session: Session, uid: UUID, *, now: datetime, actor: str) -> Edition:
    held = queries.lock(session, queries.get(session, uid))
    if held.state in editions.EDITABLE and queries.is_kept(session, held):
        composition.make_extra(session, held)
    return steering.cancel(session, uid, now=now, actor=actor)


async def _ask(visit: Visit, uid: UUID, template: str, *, possible: tuple[State, ...]) -> Response:
    """The page between a button that cannot be taken back and its effect."""
    now = visit.resources.clock.now()
    view = await visit.resources.database.read(editions.view_of, uid, now=now)
    ahead = await visit.resources.database.read(quota.said_ahead, view.readers.count)
    if view.edition.state not in possible:
        refusal = Conflict(f"This edition is {view.edition.state.value}, so this is not possible any more.")
        return await editions.show(visit, uid, problem=refused(refusal))
    return visit.render(template, view=view, now=now, ahead=ahead)


async def _send(visit: Visit, uid: UUID, version: int, lane: Lane) -> Edition:
    edition = await visit.resources.database.read(queries.get, uid)
    if edition.state == State.DRAFT and edition.version_number != version:
        raise EditionHasChanged
    return await launch.launch(visit.resources, uid, actor=visit.account.name, lane=lane)


def _schedule(session: Session, uid: UUID, day: str, clock_time: str, *, now: datetime, actor: str) -> str:
    edition = queries.get(session, uid)
    zone = publication.get_by_id(session, edition.newsletter_id).time_zone
    at = timing.read_moment(f"{day.strip()}T{clock_time.strip()}", zone)
    timing.schedule(session, edition, at, now=now, actor=actor)
    return f"Scheduled for {timing.said(at, zone)}."


def _unschedule(session: Session, uid: UUID, *, now: datetime, actor: str) -> None:
    timing.unschedule(session, queries.get(session, uid), now=now, actor=actor)
