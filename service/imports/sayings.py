"""What is said of a file and of what became of its rows, in the same words at the desk and on the command line. Pure."""

from collections.abc import Iterator, Mapping

from service.imports.candidates import Outcome
from service.imports.layout import Layout
from service.imports.looking import Look
from service.imports.standings import Verdict

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16-le": "UTF-16, little-endian (“Unicode text”)",
    "utf-16-be": "UTF-16, big-endian",
    "windows-1252": "Windows-1252 (Western European)",
}
DELIMITERS = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "vertical bars"}
OUTCOMES = {
    Outcome.ADDED: "new readers",
    Outcome.ALREADY: "read it already: unchanged",
    Outcome.PENDING: "have been asked and have not confirmed yet: unchanged",
    Outcome.LEFT: "have left before: only they can come back",
    Outcome.SUPPRESSED: "suppressed: they get no mail",
    Outcome.GONE: "no readers, says the file’s own status",
    Outcome.UNKNOWN: "left out: their status is not known here",
    Outcome.REPEATED: "came a second time in the file",
    Outcome.INVALID: "rows that cannot be used",
}

VERDICTS = {
    Verdict.READER: "a reader",
    Verdict.GONE: "no reader, left out",
    Verdict.UNKNOWN: "not known here, left out",
}


def of_layout(layout: Layout, look: Look) -> Iterator[str]:
    header = "with a header" if layout.has_header else "without a header"
    yield f"The file is {ENCODINGS[layout.encoding.value]}, divided by {DELIMITERS[layout.delimiter]}, {header}."
    for what, place in (
        ("Addresses are", layout.email),
        ("First names are", layout.first_name),
        *(("A status is", one.place) for one in layout.standing),
    ):
        if place is not None:
            yield f"{what} in column {place + 1}, {column(look, place)}."


def of_rows(look: Look) -> Iterator[str]:
    yield f"{look.rows:,} rows, {look.good:,} of which can be brought in."
    if look.repeated:
        yield f"{look.repeated:,} come a second time."
    if look.gone:
        yield f"{look.gone:,} are left out: the file's own status says that they are no readers."
    if look.unknown:
        yield f"{look.unknown:,} are left out: their status is not known here."
    if look.invalid:
        yield f"{look.invalid:,} cannot be used and are left out; the others go in."


def of_values(look: Look) -> Iterator[str]:
    """What stands in the columns of the status, and what becomes of it."""
    for one in look.statuses:
        yield f"{column(look, one.place)}: {one.value}, {one.count:,} times: {VERDICTS[one.verdict]}"
    if (more := look.distinct - len(look.statuses)) > 0:
        yield f"… and {more:,} more values"


def of_counts(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Every outcome that has occurred; new readers in any case."""
    return [
        (said, counts.get(outcome.value, 0))
        for outcome, said in OUTCOMES.items()
        if outcome is Outcome.ADDED or counts.get(outcome.value)
    ]


def column(look: Look, place: int) -> str:
    return look.header[place] if place < len(look.header) else f"Column {place + 1}"
