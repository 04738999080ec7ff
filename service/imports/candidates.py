"""Rows to candidates: who could be entered, and what is wrong with the rest. Pure; what the database knows of them comes later."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from service import addresses
from service.addresses import AddressInvalid
from service.errors import Invalid
from service.imports import columns, layout
from service.imports.layout import Layout
from service.imports.records import Record
from service.rendering import characters
from service.subscribers import signup
from service.subscribers.signup import AddressNeedsSmtputf8

NO_ADDRESS = "There is no address in this row."
NAME_LEFT_OUT = "The first name was left out: more than 80 characters, or one that is no letter."
HINT_CHARACTERS = 80
SAID_CHARACTERS = 240


class Outcome(StrEnum):
    """What becomes of a row. Each row has one."""

    ADDED = "added"
    ALREADY = "already"
    PENDING = "pending"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    GONE = "gone"
    REPEATED = "repeated"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Candidate:
    line: int
    wire: str
    key: str
    first_name: str | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """`hint`: enough of the cell to find it in the file, too little to learn an address."""

    line: int
    outcome: Outcome
    said: str = ""
    hint: str = ""


def read(text: Iterator[str], chosen: Layout) -> Iterator[Candidate | Fault]:
    """One for each row. Of two rows with one address, in whatever spelling, the first counts."""
    if chosen.email is None:
        raise layout.NoAddresses(field="email")
    seen: set[int] = set()  # of keys their hashes: a tenth of the memory, and never kept
    for record in layout.data(text, chosen):
        found = _of(record, chosen, chosen.email)
        if isinstance(found, Candidate):
            known = hash(found.key)
            if known in seen:
                yield Fault(found.line, Outcome.REPEATED)
                continue
            seen.add(known)
        yield found


def _of(record: Record, chosen: Layout, place: int) -> Candidate | Fault:
    if record.problem:
        return Fault(record.line, Outcome.INVALID, record.problem)
    cell = _cell(record, place)
    if not cell.strip():
        return Fault(record.line, Outcome.INVALID, NO_ADDRESS)
    if columns.says_gone(_cell(record, chosen.standing)):
        return Fault(record.line, Outcome.GONE)
    try:
        wire = addresses.wire_of(cell)
        if not wire.isascii():
            raise AddressNeedsSmtputf8
    except AddressInvalid as error:
        return Fault(record.line, Outcome.INVALID, error.message[:SAID_CHARACTERS], _hint(cell))
    name, note = _first_name(_cell(record, chosen.first_name))
    return Candidate(record.line, wire, wire.casefold(), name, note)


def _cell(record: Record, place: int | None) -> str:
    """Blank where a row is too short."""
    return record.cells[place] if place is not None and place < len(record.cells) else ""


def _first_name(cell: str) -> tuple[str | None, str]:
    """A name that cannot be used keeps nobody out."""
    mended = characters.single_line(cell[: 4 * signup.FIRST_NAME_CHARACTERS])
    if "\ufffd" in mended:
        return None, NAME_LEFT_OUT
    try:
        return signup.read_first_name(mended), ""
    except Invalid:
        return None, NAME_LEFT_OUT


def _hint(cell: str) -> str:
    text = characters.single_line(cell[: 2 * HINT_CHARACTERS])
    shown = addresses.masked(text) if "@" in text else f"{text[:1]}***"
    return shown[:HINT_CHARACTERS]
