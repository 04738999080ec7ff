"""Keys that sign what leaves (DKIM), by the rules of `memo dkim`. Private halves come in and are never told."""

import asyncio

from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, problems
from service.api.authorization import Reader, Sender
from service.api.idempotency import Posted
from service.api.shapes import dkim as shapes
from service.api.shapes.dkim import DkimKey, DkimKeys, NewDkimKey
from service.asking import Asked
from service.delivery import dkim_keys

router = operations.router("/dkim-keys", "relays")
ACTIVE_EXAMPLE = {**shapes.KEY_EXAMPLE, "state": "active", "activated_at": "2026-11-27T11:00:00Z"}
RETIRED_EXAMPLE = {**ACTIVE_EXAMPLE, "state": "retired", "retired_at": "2027-05-27T11:00:00Z"}


@router.get(
    "", summary="List DKIM keys", responses=problems.documented(example={"items": [shapes.KEY_EXAMPLE]})
)
async def listed(resources: Asked, who: Reader) -> DkimKeys:
    """By domain, the one that signs first, each with the DNS record to publish."""
    rows = await resources.database.read(dkim_keys.all_of)
    return DkimKeys(items=[shapes.dkim_key(row) for row in rows])


@router.post(
    "",
    status_code=201,
    response_model=DkimKey,
    summary="Make or import a DKIM key",
    responses=problems.documented(409, 413, 415, status=201, example=shapes.KEY_EXAMPLE),
)
async def added(resources: Asked, who: Sender, posting: Posted, asked: NewDkimKey) -> Response:
    """It signs nothing yet: publish its record, then activate it."""
    from service.delivery import dkim_material

    kept = await posting.kept()
    if kept is not None:
        return kept
    dkim_material.checked_domain(asked.domain)
    if asked.private_key is None:
        private = await asyncio.to_thread(dkim_material.new_private_key)
    else:
        private = await asyncio.to_thread(dkim_material.read_pem, asked.private_key.encode())
    now = resources.clock.now()

    def add(session: Session) -> DkimKey:
        place = asked.domain, asked.selector or dkim_keys.free_selector(session, asked.domain, now)
        return shapes.dkim_key(
            dkim_keys.add(session, resources.keys, place, private, actor=who.actor, now=now)
        )

    return await posting.write(201, add)


@router.post(
    "/{domain}/{selector}/activate",
    response_model=DkimKey,
    summary="Sign with a DKIM key",
    responses=problems.documented(404, 409, example=ACTIVE_EXAMPLE),
)
async def activated(resources: Asked, who: Sender, posting: Posted, domain: str, selector: str) -> Response:
    """What is begun from now on is signed with it, and the domain's key before it is retired. Its record has to be in the DNS:
    nobody checks that here.
    """

    def activate(session: Session) -> DkimKey:
        now = resources.clock.now()
        done = dkim_keys.activate(session, (domain, selector), actor=who.actor, now=now)
        return shapes.dkim_key(done.key)

    return await posting.write(200, activate)


@router.post(
    "/{domain}/{selector}/retire",
    response_model=DkimKey,
    summary="Retire a DKIM key",
    responses=problems.documented(404, 409, example=RETIRED_EXAMPLE),
)
async def retired(resources: Asked, who: Sender, posting: Posted, domain: str, selector: str) -> Response:
    """It signs nothing new. If it was the active one, the domain's messages leave unsigned from now on."""

    def retire(session: Session) -> DkimKey:
        now = resources.clock.now()
        return shapes.dkim_key(dkim_keys.retire(session, (domain, selector), actor=who.actor, now=now))

    return await posting.write(200, retire)


@router.delete(
    "/{domain}/{selector}",
    status_code=204,
    summary="Remove a DKIM key",
    responses=problems.refusals(404, 409),
)
async def removed(resources: Asked, who: Sender, domain: str, selector: str) -> Response:
    """Only one that never signed, or was retired a week ago. Then its record can leave the DNS."""
    now = resources.clock.now()
    await resources.database.write(dkim_keys.remove, (domain, selector), actor=who.actor, now=now)
    return Response(status_code=204)
