"""How an edition leaves: a test, a time, now; how it is stopped, and how it stands."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Query
from fastapi.responses import Response
from pydantic import BaseModel
from sqlmodel import Session

from service.api import editions, operations, problems
from service.api.authorization import Reader, Sender
from service.api.idempotency import Posted
from service.api.paging import Page, Paged
from service.api.shapes import editions as shapes
from service.api.shapes import progress as progress_shapes
from service.api.shapes.editions import (
    Delivery,
    Departure,
    Moment,
    Reason,
    SentAgain,
    TestAddresses,
    TestsQueued,
    WholeEdition,
)
from service.api.shapes.progress import Progress
from service.asking import Asked
from service.backups import continuity
from service.deadlines import verdicts
from service.delivery import launch, missing, rehearsal, relays, reopening, steering
from service.delivery.reopening import Reopen
from service.dependencies import Resources
from service.editions import queries, timing
from service.editions.models import Edition as EditionRow
from service.ledger import progress as ledger_progress
from service.ledger import rows
from service.ledger.models import DeliveryState, Reopening
from service.newsletters import publication

router = operations.router("/editions/{uid}", "editions")
LISTING = "deliveries"


@router.post(
    "/schedule",
    response_model=WholeEdition,
    summary="Schedule an edition",
    responses=problems.documented(404, 409, 413, 415, example=shapes.WHOLE_EXAMPLE),
)
async def scheduled(
    resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID, asked: Moment
) -> Response:
    """It is sent at that time. A time without an offset is meant on the newsletter's own clock; the answer has it in UTC.
    A scheduled edition can be scheduled anew.
    """
    now = resources.clock.now()

    def schedule(session: Session) -> EditionRow:
        row = queries.get(session, uid)
        zone = publication.get_by_id(session, row.newsletter_id).time_zone
        timing.schedule(session, row, timing.read_moment(asked.at, zone), now=now, actor=who.actor)
        return queries.get(session, uid)

    return await posting.write(200, _whole(resources, schedule))


@router.post(
    "/unschedule",
    response_model=WholeEdition,
    summary="Take an edition's time back",
    responses=problems.documented(
        404, 409, 413, 415, example=shapes.WHOLE_EXAMPLE | {"state": "draft", "scheduled_at": None}
    ),
)
async def unscheduled(resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID) -> Response:
    """It is a draft again."""
    now = resources.clock.now()

    def unschedule(session: Session) -> EditionRow:
        row = queries.get(session, uid)
        timing.unschedule(session, row, now=now, actor=who.actor)
        return queries.get(session, uid)

    return await posting.write(200, _whole(resources, unschedule))


@router.post(
    "/send",
    status_code=202,
    response_model=WholeEdition,
    summary="Send an edition now",
    responses=problems.documented(
        404, 409, 413, 415, status=202, example=shapes.WHOLE_EXAMPLE | {"state": "sending"}
    ),
)
async def sent(
    resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID, asked: Departure | None = None
) -> Response:
    """It begins to leave at once, to everybody who is an active subscriber at this moment. An edition is sent once: a second
    time is a 409, also without an Idempotency-Key. The body may be left out.
    """
    lane = (asked or Departure()).lane

    async def send() -> BaseModel:
        row = await launch.launch(resources, uid, actor=who.actor, lane=lane)
        return await resources.database.read(editions.whole, row, resources.settings.base_url)

    return await posting.around(202, send)


@router.post(
    "/send-missing",
    status_code=202,
    response_model=SentAgain,
    summary="Send an edition to those who are missing",
    responses=problems.documented(404, 409, 413, 415, status=202, example=shapes.SENT_AGAIN_EXAMPLE),
)
async def sent_to_missing(resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID) -> Response:
    """Once more to readers who certainly do not have it: refused for no fault of their address, or too late. Not to those who
    are held, have left or cannot be mailed, and never after the next regular edition has begun to leave.
    """
    return await posting.around(202, _again(resources, uid, reopening.send_missing, who.actor))


@router.post(
    "/release-held",
    status_code=202,
    response_model=SentAgain,
    summary="Release an edition's held readers",
    responses=problems.documented(404, 409, 413, 415, status=202, example=shapes.SENT_AGAIN_EXAMPLE),
)
async def released(resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID) -> Response:
    """Once more to readers who may have it: it was handed over for them without a clear answer. **They may get it twice.**"""
    return await posting.around(202, _again(resources, uid, reopening.release_held, who.actor))


@router.post(
    "/test",
    status_code=202,
    response_model=TestsQueued,
    summary="Send a test",
    responses=problems.documented(404, 409, 413, 415, 503, status=202, example=shapes.TEST_EXAMPLE),
)
async def tested(
    resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID, asked: TestAddresses
) -> Response:
    """One message to each of these addresses, marked as a test; its links end nobody's subscription. Readers and the edition's
    state are not touched, and nothing is counted. None goes to a suppressed address (409), and there are at most 60 an hour for a
    key, 15 for a mailbox (503).
    """

    async def send() -> BaseModel:
        wires = await rehearsal.send_test(resources, uid, asked.addresses, actor=who.actor)
        return TestsQueued(addresses=wires)

    return await posting.around(202, send)


@router.post(
    "/pause",
    response_model=WholeEdition,
    summary="Pause the sending",
    responses=problems.documented(404, 409, 413, 415, example=shapes.WHOLE_EXAMPLE | {"state": "paused"}),
)
async def paused(
    resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID, asked: Reason | None = None
) -> Response:
    """At most one more message for each open connection leaves; the rest waits until you resume or cancel."""
    now = resources.clock.now()
    reason = " ".join((asked.reason if asked else "").split()) or f"paused by {who.actor}"

    def pause(session: Session) -> EditionRow:
        return steering.pause(session, uid, reason=reason, now=now, actor=who.actor)

    return await posting.write(200, _whole(resources, pause))


@router.post(
    "/resume",
    response_model=WholeEdition,
    summary="Resume the sending",
    responses=problems.documented(404, 409, 413, 415, example=shapes.WHOLE_EXAMPLE | {"state": "sending"}),
)
async def resumed(resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID) -> Response:
    """It goes on where it stopped: nobody gets it twice."""
    now = resources.clock.now()

    def resume(session: Session) -> EditionRow:
        return steering.resume(session, uid, now=now, actor=who.actor)

    return await posting.write(200, _whole(resources, resume))


@router.post(
    "/cancel",
    response_model=WholeEdition,
    summary="Cancel an edition",
    responses=problems.documented(404, 409, 413, 415, example=shapes.WHOLE_EXAMPLE | {"state": "cancelled"}),
)
async def cancelled(resources: Asked, who: Sender, posting: Posted, uid: uuid.UUID) -> Response:
    """For good: who has it keeps it, nobody else gets it. An edition that was sent and is being sent to those who were missing
    ends that, and stays sent.
    """
    now = resources.clock.now()

    def cancel(session: Session) -> EditionRow:
        return steering.cancel(session, uid, now=now, actor=who.actor)

    return await posting.write(200, _whole(resources, cancel))


@router.get(
    "/progress",
    summary="Get an edition's progress",
    responses=problems.documented(404, example=progress_shapes.PROGRESS_EXAMPLE),
)
async def progress(resources: Asked, who: Reader, uid: uuid.UUID) -> Progress:
    """Counted from the deliveries themselves, so it always adds up. `accepted` means that the relay has taken the message."""

    def read(session: Session) -> Progress:
        row = queries.get(session, uid)
        figures, deadline = ledger_progress.of(session, row.id), verdicts.of(session, row)
        found = progress_shapes.progress(
            row, figures, relays.state_of(session), deadline, now=resources.clock.now()
        )
        hold = continuity.hold(session)
        return found.model_copy(update={"on_hold": hold.reason if hold else None})

    return await resources.database.read(read)


@router.get(
    "/deliveries",
    summary="List an edition's deliveries",
    responses=problems.documented(404, example={"items": [shapes.DELIVERY_EXAMPLE], "next": None}),
)
async def deliveries(
    resources: Asked,
    who: Reader,
    uid: uuid.UUID,
    paging: Paged,
    state: DeliveryState | None = None,
    address: str | None = None,
    is_missing: Annotated[
        bool, Query(alias="missing", description="Only those whom `send-missing` would send to now.")
    ] = False,
) -> Page[Delivery]:
    """One for each reader, with what the relay replied. `address` finds a part of an address; in a URL a plus sign is `%2B`."""
    listing = f"{LISTING} {uid}"
    conditions = (*rows.in_state(state), *rows.with_address(address))
    if is_missing:
        conditions += missing.those(Reopening.MISSING)

    def read(session: Session) -> Page[Delivery]:
        found = rows.matching(
            session,
            queries.get(session, uid).id,
            conditions,
            after=paging.start(listing),
            limit=paging.limit + 1,
        )
        return paging.page(listing, found, lambda row: row.number, shapes.delivery)

    return await resources.database.read(read)


def _again(
    resources: Resources, uid: uuid.UUID, act: Reopen, actor: str
) -> Callable[[], Awaitable[BaseModel]]:
    async def opened() -> BaseModel:
        done = await act(resources, uid, actor=actor)
        base_url = resources.settings.base_url
        edition = await resources.database.read(editions.whole, done.edition, base_url)
        return SentAgain(readers=done.readers, edition=edition)

    return opened


def _whole(resources: Resources, act: Callable[[Session], EditionRow]) -> Callable[[Session], BaseModel]:
    """Act, and answer with the edition as it is then, in the same write."""

    def acted(session: Session) -> BaseModel:
        return editions.whole(session, act(session), resources.settings.base_url)

    return acted
