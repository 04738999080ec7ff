"""How a file is to be read: its encoding, its delimiter, and which column is what. Recognised, shown, and corrected by a person. Pure."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from service.errors import Invalid
from service.imports import columns, packing, records, standings
from service.imports.packing import Encoding
from service.imports.records import Record
from service.imports.standings import MOST_COLUMNS, Kind, Standing
from service.rendering import characters

Delimiter = Literal[",", ";", "\t", "|"]
DELIMITERS: tuple[Delimiter, ...] = (";", ",", "\t", "|")
LOOKED_AT_ROWS = 30
_NAME_CHARACTERS = 80  # a longer first cell is no name of a column, but a line that is divided otherwise
_HINT = "sep="  # Excel writes a line that says how to divide the others


class NoAddresses(Invalid):
    """No column of this file holds mail addresses. Choose it, or look whether the encoding and the delimiter are right."""


class Layout(BaseModel):
    """Columns are counted from 0. `standing`: where another service says of each row such things as `unsubscribed`; all of them count."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoding: Encoding
    delimiter: Delimiter
    has_header: bool
    email: int | None = Field(default=None, ge=0, lt=MOST_COLUMNS)
    first_name: int | None = Field(default=None, ge=0, lt=MOST_COLUMNS)
    standing: tuple[Standing, ...] = ()

    @field_validator("standing", mode="before")
    @classmethod
    def _one_of_before(cls, value: object) -> object:
        """Files that were kept while there could be only one column have its number, or nothing."""
        if value is None:
            return ()
        return (Standing(place=value, kind=Kind.STATUS),) if isinstance(value, int) else value


def recognise(kept: bytes, *, encoding: Encoding | None = None, delimiter: Delimiter | None = None) -> Layout:
    """What is given is believed; the rest is found out."""
    encoding = encoding or packing.recognised(kept)
    with packing.text(kept, encoding) as text:
        start = list(islice(text, LOOKED_AT_ROWS))
    return _with_columns(start, encoding, delimiter or _said_by_excel(start) or _fittest(start))


def data(text: Iterator[str], layout: Layout) -> Iterator[Record]:
    """The rows behind the header, if it has one."""
    found = (one for one in records.read(text, layout.delimiter) if not _is_hint(one))
    return islice(found, 1 if layout.has_header else 0, None)


def header(kept: bytes, layout: Layout) -> list[str]:
    """What its columns are called; without a header by their numbers. Kept and printed, so without control characters: jsonb has no NUL."""
    with packing.text(kept, layout.encoding) as text:
        found = [one for one in islice(records.read(text, layout.delimiter), 2) if not _is_hint(one)]
    first = found[0].cells if found else []
    if layout.has_header:
        names = (characters.single_line(name[: 2 * _NAME_CHARACTERS])[:_NAME_CHARACTERS] for name in first)
        return [name or f"Column {number}" for number, name in enumerate(names, 1)]
    return [f"Column {number}" for number in range(1, len(first) + 1)]


def _with_columns(start: Sequence[str], encoding: Encoding, delimiter: Delimiter) -> Layout:
    rows = _rows(start, delimiter)
    first = rows[0] if rows else []
    is_named = columns.has_header(first)
    names = first if is_named else []
    people = rows[1:] if is_named else rows
    email = columns.email(names, people)
    first_name = columns.named(names, columns.FIRST_NAME)
    return Layout(
        encoding=encoding,
        delimiter=delimiter,
        has_header=is_named,
        email=email,
        first_name=first_name,
        standing=standings.recognised(names, people, but=(email, first_name)),
    )


def _fittest(start: Sequence[str]) -> Delimiter:
    return max(DELIMITERS, key=lambda one: _fitness(start, one))


def _fitness(start: Sequence[str], delimiter: Delimiter) -> tuple[int, int, int]:
    """How well it divides the first lines: into columns that we know, into equally many, into many."""
    rows = _rows(start, delimiter)
    if not rows:
        return (0, 0, 0)
    wide = len(rows[0])
    recognised = sum(1 for cell in rows[0] if _is_known(cell))
    alike = sum(1 for row in rows if len(row) == wide) if wide > 1 else 0
    return (recognised, alike, wide)


def _is_known(cell: str) -> bool:
    if columns.spelled(cell) in columns.EMAIL | columns.FIRST_NAME or columns.is_address(cell):
        return True
    return len(cell) <= _NAME_CHARACTERS and standings.kind_of(cell) is not None


def _rows(start: Sequence[str], delimiter: Delimiter) -> list[list[str]]:
    found = records.read(start, delimiter)
    return [one.cells[:MOST_COLUMNS] for one in found if not one.problem and not _is_hint(one)]


def _is_hint(record: Record) -> bool:
    return record.line == 1 and bool(record.cells) and record.cells[0].lower().startswith(_HINT)


def _said_by_excel(start: Sequence[str]) -> Delimiter | None:
    said = start[0].strip("\r\n\"' ").lower() if start else ""
    return next((one for one in DELIMITERS if said == _HINT + one), None)
