"""What the readers of one provider get through a relay: a limit of ours, and what the provider asked for itself."""

from fastapi.responses import Response
from sqlmodel import Session

from service import database
from service.api import operations, problems
from service.api.authorization import Reader, Sender
from service.api.shapes import relay_providers as shapes
from service.api.shapes.relay_providers import NewLimit, Provider, Providers
from service.asking import Asked
from service.delivery import provider_limits, relay_register, slowings
from service.delivery.provider_limits import WantedLimit

router = operations.router("/relays/{name}/providers", "relays")


@router.get(
    "",
    summary="List the providers that get less",
    responses=problems.documented(404, example={"items": [shapes.PROVIDER_EXAMPLE]}),
)
async def listed(resources: Asked, who: Reader, name: str) -> Providers:
    """Those with a limit of ours, and those that asked for less; readers of all others get what the relay's own pace allows."""

    def read(session: Session) -> Providers:
        relay, now = relay_register.get(session, name), database.now(session)
        slowed = slowings.rows_of(session, relay.name, now)
        return shapes.providers(provider_limits.rows_of(session, relay.name), slowed, now)

    return await resources.database.read(read)


@router.put(
    "/{provider}",
    summary="Limit a provider",
    responses=problems.documented(404, 413, 415, example=shapes.PROVIDER_EXAMPLE),
)
async def limited(resources: Asked, who: Sender, name: str, provider: str, asked: NewLimit) -> Provider:
    """`provider` is one of its domains or its name: `gmail.com` and `Google` are the same. All its domains together get so many
    messages a second in editions; every worker follows within a second, and notices are not held back.
    """
    meant, now = provider_limits.named(provider), resources.clock.now()
    wanted = WantedLimit(**asked.model_dump())

    def put(session: Session) -> Provider:
        row = provider_limits.put(session, name, meant, wanted, now=now, actor=who.actor)
        slowed = {one.provider: one for one in slowings.rows_of(session, row.relay, database.now(session))}
        return shapes.provider(meant, row, slowed.get(meant), database.now(session))

    return await resources.database.write(put)


@router.delete(
    "/{provider}", status_code=204, summary="Take a provider's limit away", responses=problems.refusals(404)
)
async def unlimited(resources: Asked, who: Sender, name: str, provider: str) -> Response:
    """Whoever waits for it is due at once. What the provider asked for itself stays."""
    meant, now = provider_limits.named(provider), resources.clock.now()
    await resources.database.write(provider_limits.lift, name, meant, now=now, actor=who.actor)
    return Response(status_code=204)
