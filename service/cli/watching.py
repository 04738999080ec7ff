"""`memo editions` and `memo edition`: which there are, how far each is, and why one waits."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import opening, tables
from service.cli.named import EditionArgument, edition_id

if TYPE_CHECKING:
    from service.cli.standing import Overview, Seen
    from service.dependencies import Resources

HEADINGS = ("edition", "newsletter", "date", "state", "lane", "readers", "accepted", "open", "time")
NONE_YET = "There is no edition yet: make one at the desk or over the API."
NONE_OPEN = "No edition is under way."
SHOWN = 20


def editions(
    is_open_only: Annotated[
        bool, typer.Option("--open", help="Only those under way, and those that are due and have not begun.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many at most.")] = SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: a list of objects.")] = False,
) -> None:
    """The newest editions: how far each is, how late, when it is done, and why one waits."""
    from service.cli import standing

    chosen = opening.current()

    async def read(resources: "Resources") -> "Overview":
        now = resources.clock.now()
        return await resources.database.read(
            standing.overview, now=now, is_open_only=is_open_only, limit=limit
        )

    found = opening.run(opening.with_resources(chosen, read))
    for note in found.notes:
        print(note, file=sys.stderr)
    if as_json:
        print(json.dumps([standing.facts(one) for one in found.editions], indent=2))
        return
    if not found.editions:
        print(NONE_OPEN if is_open_only else NONE_YET)
        return
    print("\n".join(tables.aligned([HEADINGS, *map(_row, found.editions)])))
    for one in found.editions:
        if one.is_open:
            for reason in one.why:
                print(f"{standing.named(one)}: {reason}")


def edition(
    edition: EditionArgument,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one object.")] = False,
) -> None:
    """How one edition stands: its figures, its times, and whatever it waits for."""
    from service.cli import standing

    chosen, uid = opening.current(), edition_id(edition)

    async def read(resources: "Resources") -> "Seen":
        return await resources.database.read(standing.of, uid, now=resources.clock.now())

    seen = opening.run(opening.with_resources(chosen, read))
    print(json.dumps(standing.facts(seen), indent=2) if as_json else "\n".join(standing.told(seen)))


def _row(seen: "Seen") -> tuple[str, ...]:
    from service.cli import standing

    view = seen.view
    counts = {part.state: part.count for part in view.parts}
    return (
        str(seen.edition.uid), seen.newsletter.slug, str(seen.edition.local_date), view.standing,
        "breaking" if view.is_breaking else "scheduled", f"{view.audience:,}", f"{counts['accepted']:,}",
        f"{view.open:,}", standing.timing_of(seen),
    )  # fmt: skip
