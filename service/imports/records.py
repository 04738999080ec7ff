"""Lines to records, each with the number of the line it begins on. Pure.

Above Python's `csv`, which takes an opened quote that nobody closes for a field that swallows the rest of the file (faults.md NB-46): here
its line is a fault, and reading goes on with the line after it.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MOST_CHARACTERS = 1_000_000  # of one field: letters written into a cell are no reason to refuse a row
MOST_LINES = 500  # of one record
# In a file that is broken throughout every record would look that far ahead, and take as long as hundreds: after so many that are not
# closed it looks a few lines ahead only, until so many records have been in order.
BROKEN_AFTER, BROKEN_LINES, MENDED_AFTER = 5, 5, 100
UNCLOSED = (
    "A quotation mark is opened here and not closed. Remove it, or double it where it belongs to the text."
)
TOO_LONG = "This row is longer than a million characters. Shorten it, or leave the column of long texts out."
csv.field_size_limit(MOST_CHARACTERS)  # one for the whole process; only this room reads files of others


@dataclass(frozen=True, slots=True)
class Record:
    line: int
    cells: list[str]
    problem: str = ""


class _Unclosed(Exception):  # never leaves this file
    pass


class _TooLong(Exception):
    pass


class _Lines:
    """Hands out lines, and remembers those of the record at hand. `most`: so many of them at most."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._again: deque[str] = deque()
        self.held: list[str] = []
        self.most = MOST_LINES

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.held) >= self.most:
            raise _Unclosed
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            if self.held:
                raise _Unclosed
            raise StopIteration
        self.held.append(line)
        if len(line) > MOST_CHARACTERS:
            raise _Unclosed if len(self.held) > 1 else _TooLong
        return line

    def read_again_behind_the_first(self) -> None:
        self._again.extendleft(reversed(self.held[1:]))
        del self.held[1:]


class _Patience:
    """How far ahead a closing quotation mark is looked for."""

    def __init__(self) -> None:
        self._unclosed = self._in_order = 0

    def lines_after(self, record: Record) -> int:
        if record.problem == UNCLOSED:
            self._unclosed, self._in_order = self._unclosed + 1, 0
        elif self._in_order < MENDED_AFTER:
            self._in_order += 1
        else:
            self._unclosed = 0
        return BROKEN_LINES if self._unclosed > BROKEN_AFTER else MOST_LINES


def read(text: Iterable[str], delimiter: str) -> Iterator[Record]:
    """Every record but blank ones."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    line, patience = 1, _Patience()
    while True:
        lines.held.clear()
        try:
            record = Record(line, next(reader))
            if len(lines.held) > 1:
                _ensure_well_quoted(lines.held, delimiter)
        except StopIteration:
            return
        except _TooLong:
            record = Record(line, [], TOO_LONG)
        except (_Unclosed, csv.Error):
            # Of `csv`: the open field has swallowed a million characters, and no line alone has so many.
            lines.read_again_behind_the_first()
            record = Record(line, [], UNCLOSED)
        lines.most = patience.lines_after(record)
        line += len(lines.held)
        if record.problem or any(cell.strip() for cell in record.cells):
            yield record


def _ensure_well_quoted(lines: list[str], delimiter: str) -> None:
    """Of a record of several lines: text right behind its closing quote says that it swallowed the rows of others."""
    try:
        next(csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise _Unclosed from error
