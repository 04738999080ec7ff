"""Rows to candidates: who could be entered, and what is wrong with the rest. Pure; what the database knows of them comes later.

A list is read twice where it says who has left: somebody who is gone in one row is not brought in by another one, before it or behind it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from service import addresses
from service.addresses import AddressInvalid
from service.errors import Invalid
from service.imports import layout, packing, standings
from service.imports.layout import Layout
from service.imports.records import Record
from service.imports.standings import Tally, Verdict
from service.rendering import characters
from service.subscribers import signup
from service.subscribers.signup import AddressNeedsSmtputf8

NO_ADDRESS = "There is no address in this row."
NAME_LEFT_OUT = "The first name was left out: more than 80 characters, or one that is no letter."
UNKNOWN_ELSEWHERE = "In another row of this address the status is not known here."
HINT_CHARACTERS = 80
_DOMAIN = re.compile(r"[\w.-]*")
SAID_CHARACTERS = 240


class Outcome(StrEnum):
    """What becomes of a row. Each row has one."""

    ADDED = "added"
    ALREADY = "already"
    PENDING = "pending"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    GONE = "gone"
    UNKNOWN = "unknown"
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


Out = Mapping[int, Outcome]  # the hashes of keys: a tenth of the memory, and never kept
_OUTCOMES = {Verdict.GONE: Outcome.GONE, Verdict.UNKNOWN: Outcome.UNKNOWN}


def of_file(kept: bytes, chosen: Layout, tally: Tally | None = None) -> Iterator[Candidate | Fault]:
    """What `read` gives, with everybody left out whom some row says to be gone. `tally` hears every row's standing."""
    out: Out = {}
    if chosen.standing:
        with packing.text(kept, chosen.encoding) as text:
            out = who_is_out(text, chosen, tally)
    with packing.text(kept, chosen.encoding) as text:
        yield from read(text, chosen, out)


def who_is_out(text: Iterator[str], chosen: Layout, tally: Tally | None = None) -> Out:
    found: dict[int, Outcome] = {}
    for record in layout.data(text, chosen):
        if record.problem or chosen.email is None:
            continue
        if tally is not None:
            tally.add(record.cells)
        outcome = _OUTCOMES.get(standings.of_row(record.cells, chosen.standing)[0])
        wire = None if outcome is None else _wire(_cell(record, chosen.email))
        if outcome is not None and isinstance(wire, str):
            key = hash(wire.casefold())
            found[key] = Outcome.GONE if found.get(key) is Outcome.GONE else outcome
    return found


def read(text: Iterator[str], chosen: Layout, out: Out | None = None) -> Iterator[Candidate | Fault]:
    """One for each row. Of two rows with one address, in whatever spelling, the first counts."""
    if chosen.email is None:
        raise layout.NoAddresses(field="email")
    seen: set[int] = set()
    for record in layout.data(text, chosen):
        found = _of(record, chosen, chosen.email)
        if isinstance(found, Candidate):
            known = hash(found.key)
            if out and (outcome := out.get(known)):
                yield Fault(found.line, outcome, UNKNOWN_ELSEWHERE if outcome is Outcome.UNKNOWN else "")
                continue
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
    standing, words = standings.of_row(record.cells, chosen.standing)
    if standing is Verdict.GONE:
        return Fault(record.line, Outcome.GONE)
    wire = _wire(cell)
    if isinstance(wire, AddressInvalid):
        return Fault(
            record.line, Outcome.INVALID, characters.single_line(wire.message)[:SAID_CHARACTERS], _hint(cell)
        )
    if standing is Verdict.UNKNOWN:
        return Fault(record.line, Outcome.UNKNOWN, f"Its status “{words}” is not known here.", _hint(cell))
    name, note = _first_name(_cell(record, chosen.first_name))
    return Candidate(record.line, wire, wire.casefold(), name, note)


def _wire(cell: str) -> str | AddressInvalid:
    try:
        wire = addresses.wire_of(cell)
        return wire if wire.isascii() else AddressNeedsSmtputf8()
    except AddressInvalid as error:
        return error


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
    """Behind the domain may stand whatever else is known of a person."""
    text = characters.single_line(cell[: 2 * HINT_CHARACTERS])
    if "@" not in text:
        return f"{text[:1]}***"
    domain = _DOMAIN.match(text.partition("@")[2])
    return f"{text[:1]}***@{domain.group() if domain else ''}"[:HINT_CHARACTERS]
