"""`memo doctor`: what sending leans on, looked at; what is wrong is told with the record, command or setting that mends it."""

import json
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import opening

if TYPE_CHECKING:
    from service.clock import Clock
    from service.database import Database
    from service.doctor.findings import Examination, Finding, Remedy
    from service.fetching import Fetcher
    from service.settings import Settings
    from service.tokens import Keys

COLUMNS = 80
MARGIN = 6
STRING_CHARACTERS = 60
WARNED, FAILED = 3, 4
COLOURS = {"ok": "32", "note": "34", "warn": "33", "fail": "31"}
COUNTED = {
    "fail": ("failure", "failures"),
    "warn": ("warning", "warnings"),
    "note": ("note", "notes"),
    "ok": ("fine", "fine"),
}


@dataclass(frozen=True)
class Held:
    """What an examination needs, without making keys or folders where there are none."""

    settings: "Settings"
    clock: "Clock"
    database: "Database"
    keys: "Keys | None"
    fetcher: "Fetcher"


def doctor(
    domain: Annotated[
        str, typer.Option(help="Only the records of this domain, whether a newsletter comes from it or not.")
    ] = "",
    newsletter: Annotated[
        str, typer.Option(help="Of the newsletters only this one, by its short name.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs: one object.")] = False,
) -> None:
    """Look at the domain's records, the relay, the public address, the database and this machine.

    Nothing is sent or changed. Exit code: 0 all is well (notes count as well), 3 something should be mended, 4 something does not work,
    1 or 2 it could not look at all. docs/DELIVERABILITY.md tells more of each finding.
    """
    from service.doctor import examining
    from service.doctor.examining import Wanted

    chosen = opening.settings()

    async def look() -> "Examination":
        async with _held(chosen) as held:
            return await examining.examine(held, Wanted(domain, newsletter))

    found = opening.run(look())
    if as_json:
        print(json.dumps(found.facts(), indent=2))
    else:
        has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print("\n".join(told(found, has_colour=has_colour)))
    raise typer.Exit({"warn": WARNED, "fail": FAILED}.get(found.severity.value, 0))


@asynccontextmanager
async def _held(chosen: "Settings") -> AsyncIterator[Held]:
    from service import database, dependencies
    from service.clock import SystemClock
    from service.fetching import Fetcher

    keys = dependencies.signing_keys(chosen) if dependencies.has_signing_keys(chosen) else None
    opened, fetcher = database.connect(chosen.database), Fetcher(allow=chosen.fetch_allow)
    try:
        yield Held(chosen, SystemClock(), opened, keys, fetcher)
    finally:
        await fetcher.close()
        await opened.close()


def told(found: "Examination", *, has_colour: bool) -> Iterator[str]:
    """For people: no line is longer than 80 columns, but for what is to be copied and cannot be broken."""
    for group, findings in found.grouped():
        yield _painted(group.value.capitalize(), "1", has_colour)
        for finding in findings:
            yield from _finding(finding, has_colour)
        yield ""
    counts = [f"{count} {COUNTED[key.value][count != 1]}" for key, count in found.counts.items() if count]
    yield f"{', '.join(counts) or 'Nothing to look at'}. Looked for {found.seconds:.1f} s."
    if found.counts and found.severity.value in {"warn", "fail"}:
        yield "More of each: docs/DELIVERABILITY.md"


def _finding(finding: "Finding", has_colour: bool) -> Iterator[str]:
    word = finding.severity.value
    about = f"{finding.subject}: " if finding.subject and finding.subject not in finding.found else ""
    first, *rest = _wrapped(f"{about}{finding.found}")
    yield _painted(word.ljust(MARGIN), COLOURS[word], has_colour) + first[MARGIN:]
    yield from rest
    if word == "ok":
        return
    yield from _wrapped(finding.why)
    yield from _wrapped(f"-> {finding.advice}" if finding.advice else "")
    for remedy in finding.remedies:
        yield from _remedy(remedy)


def _remedy(remedy: "Remedy") -> Iterator[str]:
    """A record as lines of a zone file; a text that is too long for one line, or for one string, becomes several strings."""
    room = " " * (MARGIN + 3)
    if remedy.kind != "TXT":
        yield room + (f"{remedy.name}. IN {remedy.kind} {remedy.text}" if remedy.kind else remedy.text)
        return
    text = remedy.text.replace("\\", "\\\\").replace('"', '\\"')
    line = f'{room}{remedy.name}. IN TXT "{text}"'
    if len(line) <= COLUMNS:
        yield line
        return
    yield f"{room}{remedy.name}. IN TXT ("
    for start in range(0, len(text), STRING_CHARACTERS):
        end = " )" if start + STRING_CHARACTERS >= len(text) else ""
        yield f'{room}  "{text[start : start + STRING_CHARACTERS]}"{end}'


def _wrapped(text: str) -> list[str]:
    indent = " " * MARGIN
    return textwrap.wrap(
        text, COLUMNS, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _painted(text: str, colour: str, has_colour: bool) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if has_colour else text
