"""The relays messages leave through. Passwords come in and are never told."""

from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, problems
from service.api.authorization import Reader, Sender
from service.api.idempotency import Posted
from service.api.shapes import relays as shapes
from service.api.shapes.editions import Reason
from service.api.shapes.relays import NewRelay, NewRole, Pace, Relay, RelayChanges, Relays, Trial, WantedTrial
from service.asking import Asked
from service.delivery import relay_details, relay_pace, relay_pause, relay_register, relay_trial
from service.delivery.relay_pace import RelayPace
from service.delivery.relay_trial import Wanted

router = operations.router("/relays", "relays")


@router.get(
    "", summary="List relays", responses=problems.documented(example={"items": [shapes.RELAY_EXAMPLE]})
)
async def listed(resources: Asked, who: Reader) -> Relays:
    """The main one, its fallback, then those that are off; with what went wrong last, if anything did."""
    rows = await resources.database.read(relay_register.all_of)
    return Relays(items=[shapes.relay(row) for row in rows])


@router.post(
    "",
    status_code=201,
    response_model=Relay,
    summary="Add a relay",
    responses=problems.documented(409, 413, 415, status=201, example={**shapes.RELAY_EXAMPLE, "role": "off"}),
)
async def added(resources: Asked, who: Sender, posting: Posted, asked: NewRelay) -> Response:
    """It is off: nothing is sent through it until it has a role. Test it first."""
    details = relay_details.read(asked.model_dump(exclude={"password"}))
    now = resources.clock.now()

    def add(session: Session) -> Relay:
        row = relay_register.add(
            session, details, password=asked.password or "", keys=resources.keys, now=now, actor=who.actor
        )
        return shapes.relay(row)

    return await posting.write(201, add)


@router.get(
    "/{name}", summary="Get a relay", responses=problems.documented(404, example=shapes.RELAY_EXAMPLE)
)
async def one(resources: Asked, who: Reader, name: str) -> Relay:
    """By its name, with what went wrong last, if anything did."""
    return shapes.relay(await resources.database.read(relay_register.get, name))


@router.patch(
    "/{name}",
    summary="Change a relay",
    responses=problems.documented(404, 409, 413, 415, example=shapes.RELAY_EXAMPLE),
)
async def changed(resources: Asked, who: Sender, name: str, asked: RelayChanges) -> Relay:
    """Only what is given changes; it is tried again at once. With another host, port or TLS the password has to be given anew."""
    changes, now = asked.model_dump(exclude_unset=True, exclude={"password"}), resources.clock.now()

    def change(session: Session) -> Relay:
        row = relay_register.get_own(session, name)
        wanted = relay_details.read(relay_details.of(row).model_dump() | changes)
        row = relay_register.change(
            session, wanted, password=asked.password, keys=resources.keys, now=now, actor=who.actor
        )
        return shapes.relay(row)

    return await resources.database.write(change)


@router.put(
    "/{name}/pace",
    summary="Set a relay's pace",
    responses=problems.documented(404, 413, 415, example=shapes.RELAY_EXAMPLE),
)
async def paced(resources: Asked, who: Sender, name: str, asked: Pace) -> Relay:
    """All of it at once; what is left out has no limit. Every worker follows within a second. Also for the relay that
    MEMO_RELAY_URL tells.
    """
    wanted, now = RelayPace(**asked.model_dump()), resources.clock.now()

    def change(session: Session) -> Relay:
        return shapes.relay(relay_pace.change(session, name, wanted, now=now, actor=who.actor))

    return await resources.database.write(change)


@router.post(
    "/{name}/role",
    response_model=Relay,
    summary="Give a relay its role",
    responses=problems.documented(404, 409, 413, 415, example=shapes.RELAY_EXAMPLE),
)
async def role_given(resources: Asked, who: Sender, posting: Posted, name: str, asked: NewRole) -> Response:
    """`main`, `fallback` or `off`. A relay that has that role already changes places with this one."""
    now = resources.clock.now()

    def give(session: Session) -> Relay:
        return shapes.relay(relay_register.give_role(session, name, asked.role, now=now, actor=who.actor))

    return await posting.write(200, give)


@router.post(
    "/{name}/test",
    response_model=Trial,
    summary="Try a relay out",
    responses=problems.documented(404, 409, 413, 415, example=shapes.TRIAL_EXAMPLE),
)
async def tested(resources: Asked, who: Sender, posting: Posted, name: str, asked: WantedTrial) -> Response:
    """Connect, encrypt, sign in and, with `to`, send one message: each step with what happened and what to do. A relay that
    fails is an answer, too: look at `works`.
    """

    async def tried() -> Trial:
        wanted = Wanted(name, asked.to, asked.from_address)
        _, trial = await relay_trial.take(resources, wanted, actor=who.actor)
        return shapes.trial(trial)

    return await posting.around(200, tried)


@router.post(
    "/{name}/pause",
    response_model=Relay,
    summary="Pause a relay",
    responses=problems.documented(
        404, 409, 413, 415, example=shapes.RELAY_EXAMPLE | {"paused_because": "moving"}
    ),
)
async def paused(
    resources: Asked, who: Sender, posting: Posted, name: str, asked: Reason | None = None
) -> Response:
    """Editions wait, whichever they are, and notices still leave; every worker follows within a second."""
    now, reason = resources.clock.now(), asked.reason if asked else ""

    def pause(session: Session) -> Relay:
        return shapes.relay(relay_pause.pause(session, name, reason, now=now, actor=who.actor))

    return await posting.write(200, pause)


@router.post(
    "/{name}/resume",
    response_model=Relay,
    summary="Resume a relay",
    responses=problems.documented(404, 409, 413, 415, example=shapes.RELAY_EXAMPLE),
)
async def resumed(resources: Asked, who: Sender, posting: Posted, name: str) -> Response:
    """Editions go on where they stopped."""
    now = resources.clock.now()

    def resume(session: Session) -> Relay:
        return shapes.relay(relay_pause.resume(session, name, now=now, actor=who.actor))

    return await posting.write(200, resume)


@router.delete("/{name}", status_code=204, summary="Remove a relay", responses=problems.refusals(404, 409))
async def removed(resources: Asked, who: Sender, name: str) -> Response:
    """Only one that is off."""
    now = resources.clock.now()
    await resources.database.write(relay_register.remove, name, now=now, actor=who.actor)
    return Response(status_code=204)
