"""`memo pause`, `memo resume` and `memo cancel`: stop an edition that is leaving, let it go on, end it for good."""

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import holding, opening
from service.cli.named import ACTOR, EditionArgument, edition_id
from service.errors import Invalid

if TYPE_CHECKING:
    from datetime import datetime

    from sqlmodel import Session

    from service.dependencies import Resources
    from service.editions.models import Edition
    from service.settings import Settings

REASON_CHARACTERS = 300


class ReasonTooLong(Invalid):
    """A reason has at most 300 characters."""


def pause(
    edition: EditionArgument,
    because: Annotated[str, typer.Option(help="Why, shown at the desk and wherever it waits.")] = "",
) -> None:
    """Stop an edition that is being sent. At most one more message for each open connection leaves; the rest waits."""
    from service.delivery import steering

    reason = " ".join(because.split()) or f"paused by {ACTOR}"
    if len(reason) > REASON_CHARACTERS:
        raise ReasonTooLong(field="because")
    chosen, uid = opening.current(), edition_id(edition)
    _steer(chosen, lambda session, now: steering.pause(session, uid, reason=reason, now=now, actor=ACTOR))
    print(f"Paused. Readers who do not have it yet wait. memo resume {uid} lets it go on.")


def resume(edition: EditionArgument) -> None:
    """Let a paused edition go on where it stopped: nobody gets it twice."""
    from service.delivery import steering

    chosen, uid = opening.current(), edition_id(edition)
    _steer(chosen, lambda session, now: steering.resume(session, uid, now=now, actor=ACTOR))
    print("It goes on where it stopped.")
    holding.say(chosen)


def cancel(
    edition: EditionArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
) -> None:
    """End an edition for good: whoever has it keeps it, nobody else gets it."""
    from service.delivery import steering
    from service.editions.models import State

    chosen, uid = opening.current(), edition_id(edition)
    if not yes:
        _ask(chosen, uid)
    done = _steer(chosen, lambda session, now: steering.cancel(session, uid, now=now, actor=ACTOR))
    if done.state is State.SENT:
        print("It goes to nobody else, and stays an edition that was sent.")
    else:
        print("Cancelled. Whoever has it keeps it; nobody else gets it.")


def _ask(chosen: "Settings", uid: uuid.UUID) -> None:
    from service.cli import standing
    from service.cli.standing import Seen

    async def look(resources: "Resources") -> Seen:
        return await resources.database.read(standing.of, uid, now=resources.clock.now())

    seen = opening.run(opening.with_resources(chosen, look))
    print(next(standing.told(seen)))
    typer.confirm("Cancel it? That cannot be taken back.", abort=True)


def _steer(chosen: "Settings", act: "Callable[[Session, datetime], Edition]") -> "Edition":
    async def steered(resources: "Resources") -> "Edition":
        return await resources.database.write(act, resources.clock.now())

    return opening.run(opening.with_resources(chosen, steered))
