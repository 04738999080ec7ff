"""Commands about one edition: `memo send`, `memo test`, `memo slow` and `memo proof`."""

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import holding, opening
from service.cli.named import ACTOR, EditionArgument, edition_id
from service.errors import Invalid

if TYPE_CHECKING:
    from sqlmodel import Session

    from service.delivery.reopening import Reopen
    from service.proofs.seal import PublicKeys
    from service.settings import Settings


class OneOfTheThree(Invalid):
    """Give one of --missing, --held and --breaking: who is held may have it, so that is a decision of its own, and an edition is
    breaking news from its beginning or not at all.
    """


class NoKeyHere(Invalid):
    """There is no key here to check it with. Give the public one with --key; the service that made the proof has it at /proof-keys."""


class EditionMissing(Invalid):
    """Say which edition: memo proof ID. Or check a file: memo proof --verify FILE."""


def send(
    edition: EditionArgument,
    missing: Annotated[
        bool, typer.Option("--missing", help="Once sent: again to readers who certainly do not have it.")
    ] = False,
    held: Annotated[
        bool,
        typer.Option("--held", help="Once sent: to the held ones, who MAY HAVE IT and get it twice then."),
    ] = False,
    breaking: Annotated[
        bool, typer.Option("--breaking", help="Breaking news: before every edition that is under way.")
    ] = False,
) -> None:
    """Start to send an edition now; a running worker does the rest."""
    from service.delivery import launch, reopening
    from service.dependencies import Resources
    from service.editions.models import Edition
    from service.ledger.models import Lane

    if missing + held + breaking > 1:
        raise OneOfTheThree
    chosen, uid = opening.settings(), edition_id(edition)
    opening.ensure_current(chosen)
    if missing or held:
        act = reopening.release_held if held else reopening.send_missing
        _send_again(chosen, uid, act)
        return

    async def start(resources: Resources) -> Edition:
        if ahead := await resources.database.read(_ahead, uid):
            print(ahead, file=sys.stderr)
            if sys.stdin.isatty():
                typer.confirm("Start it all the same?", abort=True)
        lane = Lane.BREAKING if breaking else Lane.SCHEDULED
        return await launch.launch(resources, uid, actor=ACTOR, lane=lane)

    opening.run(opening.with_resources(chosen, start))
    print("The edition is on its way; the desk shows how far it is.")
    holding.say(chosen)


def test(
    edition: EditionArgument,
    to: Annotated[list[str], typer.Argument(help="One address or several.")],
) -> None:
    """Send an edition as a test to a few addresses. Its readers and its figures are not touched."""
    from service.delivery import rehearsal
    from service.dependencies import Resources

    chosen, uid = opening.settings(), edition_id(edition)
    opening.ensure_current(chosen)

    async def send(resources: Resources) -> list[str]:
        return await rehearsal.send_test(resources, uid, to, actor=ACTOR)

    sent = opening.run(opening.with_resources(chosen, send))
    print(f"A test is on its way to {', '.join(sent)}; a running worker sends it.")
    holding.say(chosen)


def slow(
    edition: EditionArgument,
    to: Annotated[int, typer.Option(help="Messages a second; 0: full speed again.")],
) -> None:
    """Slow an edition down that is being sent, or let it go at full speed again. Every worker follows within a second."""
    from service.delivery import slowing
    from service.dependencies import Resources

    chosen, uid = opening.settings(), edition_id(edition)
    opening.ensure_current(chosen)

    async def change(resources: Resources) -> None:
        await resources.database.write(slowing.slow, uid, to or None, now=resources.clock.now(), actor=ACTOR)

    opening.run(opening.with_resources(chosen, change))
    print(f"At most {to:,} messages a second from now on." if to else "Full speed again.")


def _ahead(session: "Session", uid: uuid.UUID) -> str | None:
    """What the relay's quota does not leave."""
    from service.delivery import quota
    from service.editions import queries
    from service.subscribers import audience

    readers = audience.count(session, queries.get(session, uid).newsletter_id)
    return quota.said_ahead(session, readers)


def _send_again(chosen: "Settings", uid: uuid.UUID, act: "Reopen") -> None:
    from service.delivery.reopening import Reopened
    from service.dependencies import Resources

    async def again(resources: Resources) -> Reopened:
        return await act(resources, uid, actor=ACTOR)

    done = opening.run(opening.with_resources(chosen, again))
    print(f"The edition is on its way to {done.readers:,} more; the desk shows how far it is.")
    holding.say(chosen)


def proof(
    edition: EditionArgument = "",
    form: Annotated[str, typer.Option("--format", help="json or csv.")] = "json",
    output: Annotated[
        Path | None, typer.Option(help="The file to write; without it, standard output.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole-addresses", help="Readers' addresses as they are, instead of masked.")
    ] = False,
    verify: Annotated[Path | None, typer.Option(help="Check this proof instead of making one.")] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            "--key", help="The public key to check it with: PEM, or what /proof-keys of its service says."
        ),
    ] = None,
) -> None:
    """Make the signed file that accounts for every reader of an edition, or check one."""
    from service.dependencies import Resources
    from service.proofs import facts, writing
    from service.proofs.facts import Facts

    if verify is not None:
        _verify(verify, key_file)
        return
    if not edition:
        raise EditionMissing
    chosen, asked, uid = (
        opening.settings(),
        writing.wanted(form, has_whole_addresses=whole),
        edition_id(edition),
    )
    opening.ensure_current(chosen)

    async def make(resources: Resources) -> Facts:
        found = await resources.database.read(facts.of, uid, now=resources.clock.now())
        await writing.write(resources.database, resources.keys, found, asked, output)
        return found

    found = opening.run(opening.with_resources(chosen, make))
    print(
        f"{found.standing}: {found.totals.audience:,} readers, {found.totals.open:,} open.", file=sys.stderr
    )


def _verify(path: Path, key_file: Path | None) -> None:
    from service.proofs import checking, seal

    with path.open("rb") as file:
        public_keys = seal.read_published(key_file.read_bytes()) if key_file is not None else _own_keys()
        print(checking.check(file, public_keys))


def _own_keys() -> "PublicKeys":
    from service.dependencies import has_signing_keys, signing_keys
    from service.proofs import seal

    chosen = opening.settings()
    if not has_signing_keys(chosen):
        raise NoKeyHere  # checking a file must not make one
    return seal.public_keys(signing_keys(chosen))
