"""`memo import`: the readers of a file become readers of a newsletter. It needs no worker: the command does the work itself."""

import asyncio
import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import opening

if TYPE_CHECKING:
    from sqlmodel import Session

    from service.dependencies import Resources
    from service.imports.entering import Taken
    from service.imports.models import ReaderImport
    from service.imports.register import NewFile
    from service.newsletters.models import Newsletter

ACTOR = "the command line"
PRINTED = 20
TOLD_ROWS = 20_000


def bring_in(
    newsletter: Annotated[str, typer.Argument(help="The newsletter's short name.")],
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The list, saved as CSV.")
    ],
    consent: Annotated[
        str, typer.Option(help="How and since when these readers have agreed; kept as the proof of it.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look; nothing is changed.")] = False,
    encoding: Annotated[
        str, typer.Option(help="utf-8, utf-16-le, utf-16-be or windows-1252, if it is not recognised.")
    ] = "",
    delimiter: Annotated[str, typer.Option(help="comma, semicolon, tab or pipe.")] = "",
    email_column: Annotated[str, typer.Option(help="Its name, or its number counted from 1.")] = "",
    first_name_column: Annotated[str, typer.Option(help="Its name, or its number counted from 1.")] = "",
    status_column: Annotated[
        str, typer.Option(help="Where it says who has left; several are divided by commas. none: nowhere.")
    ] = "",
) -> None:
    """Bring the readers of a CSV file in. Whoever has left or is suppressed stays out; the same file again changes nothing."""
    from service.imports import packing, register
    from service.imports.wishes import Wishes
    from service.newsletters import publication

    chosen = opening.current()
    if file.stat().st_size > packing.MOST_OCTETS:
        raise packing.FileTooLarge
    wishes = Wishes(encoding, delimiter, email_column, first_name_column, status_column)
    read = register.read_file(file.name, file.read_bytes(), wishes)
    _print_look(read)
    if not (dry_run or consent.strip()):
        raise register.ConsentUnsaid(
            "Nothing is changed yet. Say with --consent how and since when these readers have agreed."
        )

    async def carried(held: "Resources") -> "ReaderImport | None":
        found = await held.database.read(publication.get, newsletter)
        return None if dry_run else await _carried(held, found, read, consent)

    done = opening.run(opening.with_resources(chosen, carried))
    if done is not None:
        _print_result(done)


async def _carried(held: "Resources", found: "Newsletter", read: "NewFile", consent: str) -> "ReaderImport":
    from service.imports import carrying, register

    said = 0

    def told(cursor: int) -> None:
        nonlocal said
        if cursor // TOLD_ROWS > said:
            said = cursor // TOLD_ROWS
            print(f"{cursor:,} of {read.look.rows:,} rows", flush=True)

    row, taken = await held.database.write(_begin, held, found, read, consent)
    try:
        await carrying.carry_on(held, taken, asyncio.Event(), told)
    except asyncio.CancelledError:  # Ctrl-C: else a worker would go on with it in a quarter of a minute
        await held.database.write(_stop, found, row.uid, held.clock.now())
        print("Stopped. What has gone in stays; the same file again brings in the rest.", file=sys.stderr)
        raise
    return await held.database.read(register.get, found, row.uid)


def _stop(session: "Session", found: "Newsletter", uid: uuid.UUID, now: datetime) -> None:
    from service.imports import register

    register.stop(session, register.locked(session, found, uid), actor=ACTOR, now=now)


def _begin(
    session: "Session", held: "Resources", found: "Newsletter", read: "NewFile", consent: str
) -> "tuple[ReaderImport, Taken]":
    """Taken at once by this process, so that no worker begins it beside us."""
    from service.imports import entering, register

    now = held.clock.now()
    row = register.propose(session, found, read, actor=ACTOR, now=now)
    register.start(session, row, consent, actor=ACTOR, now=now)
    return row, entering.take_this(session, row, now=now)


def _print_look(read: "NewFile") -> None:
    from service.imports import sayings

    for line in sayings.of_layout(read.layout, read.look):
        print(line)
    for line in sayings.of_rows(read.look):
        print(line)
    for line in sayings.of_values(read.look):
        print(f"  {line}")
    for one in read.look.problems[:PRINTED]:
        print(f"  line {one.line}: {one.said}{f' ({one.hint})' if one.hint else ''}")
    if (more := read.look.problem_count - PRINTED) > 0:
        print(f"  … and {more:,} more")


def _print_result(done: "ReaderImport") -> None:
    from service.imports import sayings
    from service.imports.models import State

    if done.state is State.RUNNING:
        print("It is not done: a worker has it now, and goes on.")
    if done.state is State.STOPPED:
        print("It was stopped at the desk.")
    for said, count in sayings.of_counts(done.counts):
        print(f"{count:>9,}  {said}")
    if done.state is not State.DONE:
        raise typer.Exit(1)
