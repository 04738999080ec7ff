"""`memo newsletter`: make one, change what it says of itself, see which there are. The API changes the rest, and the desk its looks."""

from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import opening

if TYPE_CHECKING:
    from sqlmodel import Session

    from service.dependencies import Resources
    from service.newsletters.models import Newsletter

ACTOR = "the command line"
newsletter = typer.Typer(no_args_is_help=True, help="The publications people subscribe to.")
Maybe = str | None


@newsletter.command("list")
def listed() -> None:
    """Each with its short name, its sender and its zone."""
    from service.newsletters import publication

    async def read(held: "Resources") -> "list[Newsletter]":
        return list(await held.database.read(publication.all_of))

    for one in opening.run(opening.with_resources(opening.current(), read)):
        print(f"{one.slug}: {one.name}, from {one.from_address}, {one.time_zone}")


@newsletter.command("create")
def create(
    slug: Annotated[str, typer.Option(help="Its short name in addresses: morning-memo.")],
    name: Annotated[str, typer.Option(help="Its name, as readers see it.")],
    from_address: Annotated[str, typer.Option(help="The address its messages come from.")],
    postal_address: Annotated[str, typer.Option(help="The newsroom's postal address, for the footer.")],
    time_zone: Annotated[str, typer.Option(help="IANA name, for example Europe/Berlin.")],
    from_name: Annotated[str, typer.Option(help="The sender's name; empty: the newsletter's.")] = "",
    description: Annotated[str, typer.Option(help="A sentence for the sign-up page.")] = "",
    language: Annotated[str, typer.Option(help="Language tag, for example en.")] = "en",
    alarm_address: Annotated[
        Maybe, typer.Option(help="Who is told by mail when something goes wrong.")
    ] = None,
) -> None:
    """Make a newsletter; its sign-up page is there at once."""
    from service.newsletters import details, publication

    chosen = opening.current()
    told = {
        "slug": slug, "name": name, "from_address": from_address, "from_name": from_name or name,
        "postal_address": postal_address, "time_zone": time_zone, "description": description,
        "language": language, "alarm_address": alarm_address,
    }  # fmt: skip
    read = details.read(told)

    async def made(held: "Resources") -> None:
        await held.database.write(publication.create, read, now=held.clock.now(), actor=ACTOR)

    opening.run(opening.with_resources(chosen, made))
    print(f"{name} can be subscribed to at {chosen.base_url}/n/{slug}.")


@newsletter.command("change")
def change(
    slug: Annotated[str, typer.Argument(help="Its short name, which stays.")],
    name: Annotated[Maybe, typer.Option(help="Its name, as readers see it.")] = None,
    from_address: Annotated[Maybe, typer.Option(help="The address its messages come from.")] = None,
    from_name: Annotated[Maybe, typer.Option(help="The sender's name.")] = None,
    postal_address: Annotated[Maybe, typer.Option(help="The newsroom's postal address.")] = None,
    time_zone: Annotated[Maybe, typer.Option(help="IANA name, for example Europe/Berlin.")] = None,
    description: Annotated[Maybe, typer.Option(help="A sentence for the sign-up page.")] = None,
    language: Annotated[Maybe, typer.Option(help="Language tag, for example en.")] = None,
    alarm_address: Annotated[Maybe, typer.Option(help="Who is told when something goes wrong.")] = None,
) -> None:
    """Change what is given; the rest stays."""
    from service.editions import rhythm
    from service.newsletters import details, publication

    told = {
        "name": name, "from_address": from_address, "from_name": from_name, "postal_address": postal_address,
        "time_zone": time_zone, "description": description, "language": language, "alarm_address": alarm_address,
    }  # fmt: skip
    changes = {field: value for field, value in told.items() if value is not None}

    def changed(session: "Session", held: "Resources") -> None:
        row, now = publication.get(session, slug), held.clock.now()
        wanted = details.read(publication.details_of(row).model_dump() | changes)
        rhythm.follow_zone(
            session, publication.change(session, row, wanted, now=now, actor=ACTOR), now=now, actor=ACTOR
        )

    async def write(held: "Resources") -> None:
        await held.database.write(changed, held)

    opening.run(opening.with_resources(opening.current(), write))
    print(f"{slug} is changed: {', '.join(changes) or 'nothing was given'}.")
