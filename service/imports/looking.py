"""What a file holds, before anything is done with it: its first rows as they are, and what can be said of all of them. Pure."""

from collections import Counter
from itertools import islice

from pydantic import BaseModel

from service.imports import candidates, layout, packing
from service.imports.candidates import Candidate, Fault, Outcome
from service.imports.layout import Layout
from service.imports.standings import SeenValue, Tally
from service.rendering import characters

SHOWN_ROWS = 10
SHOWN_COLUMNS = 40
SHOWN_CHARACTERS = 60
PROBLEMS_KEPT = 100
SHOWN_VALUES = 20


class Problem(BaseModel):
    line: int
    said: str
    hint: str = ""


class ShownRow(BaseModel):
    line: int
    cells: list[str]


class Look(BaseModel):
    """`good` rows hold an address that can be used; of the others, and of names left out, `problems` has the first hundred. `statuses`: the
    commonest of the `distinct` values of the standing columns, and what becomes of each.
    """

    header: list[str]
    first: list[ShownRow]
    rows: int = 0
    good: int = 0
    repeated: int = 0
    gone: int = 0
    unknown: int = 0
    invalid: int = 0
    problem_count: int = 0
    problems: list[Problem] = []
    statuses: list[SeenValue] = []
    distinct: int = 0


def look(kept: bytes, chosen: Layout) -> Look:
    """Reads the whole file: some seconds of a thread for a long list."""
    seen = Look(
        header=layout.header(kept, chosen)[:SHOWN_COLUMNS],
        first=_first(kept, chosen),
    )
    if chosen.email is None:
        return seen
    counts: Counter[Outcome] = Counter()
    tally = Tally(chosen.standing)
    for one in candidates.of_file(kept, chosen, tally):
        seen.rows += 1
        if isinstance(one, Fault):
            counts[one.outcome] += 1
        if problem := problem_of(one):
            seen.problem_count += 1
            seen.problems += [problem] if seen.problem_count <= PROBLEMS_KEPT else []
    seen.statuses, seen.distinct = tally.seen(SHOWN_VALUES), tally.distinct
    seen.repeated, seen.gone = counts[Outcome.REPEATED], counts[Outcome.GONE]
    seen.unknown, seen.invalid = counts[Outcome.UNKNOWN], counts[Outcome.INVALID]
    seen.good = seen.rows - counts.total()
    return seen


def problem_of(one: Candidate | Fault) -> Problem | None:
    """What a person should know of this row, if anything."""
    if isinstance(one, Candidate):
        return Problem(line=one.line, said=one.note) if one.note else None
    return Problem(line=one.line, said=one.said, hint=one.hint) if one.said else None


def _first(kept: bytes, chosen: Layout) -> list[ShownRow]:
    with packing.text(kept, chosen.encoding) as text:
        return [
            ShownRow(line=one.line, cells=[_shown(cell) for cell in one.cells[:SHOWN_COLUMNS]])
            for one in islice(layout.data(text, chosen), SHOWN_ROWS)
        ]


def _shown(cell: str) -> str:
    return characters.single_line(cell[: 2 * SHOWN_CHARACTERS])[:SHOWN_CHARACTERS]
