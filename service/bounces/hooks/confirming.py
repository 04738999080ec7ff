"""A topic is confirmed: by a person, who has seen its name."""

from service.bounces.hooks import register
from service.clock import Clock
from service.database import Database
from service.errors import Conflict, Invalid
from service.fetching import Fetcher


class NotConfirmed(Conflict):
    """Amazon did not take the confirmation. It is good for three days: make the subscription anew, then confirm again."""


async def confirm(database: Database, fetcher: Fetcher, clock: Clock, name: str, *, actor: str) -> str:
    """Tell SNS so, then believe the topic; its name. Raises NoInvitation, NotConfirmed, or what `fetching` raises while SNS is away."""
    invitation = await database.read(register.invitation_of, name)
    try:
        await fetcher.ping(invitation.url)
    except Invalid as error:
        raise NotConfirmed from error
    await database.write(register.confirm, name, invitation.topic, now=clock.now(), actor=actor)
    return invitation.topic
