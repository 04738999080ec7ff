"""Why a form was not taken, as its page shows it: a sentence on top that leads to the field, and the same once more beside the field.

`place` is always the id of a field on the page. A room names the field that has to change in its own words; each form says here
where that stands on its page, and how the page calls it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service import wording
from service.desk.fields import Asked, Group
from service.desk.visit import status_of
from service.errors import Invalid, MemoError


class Place(NamedTuple):
    id: str
    label: str = ""


@dataclass(frozen=True)
class Fault:
    place: str
    said: str


@dataclass(frozen=True)
class Refusal:
    """`place` is None where no field is to blame; `faults` name the fields where there may be several."""

    message: str
    status: int
    place: str | None = None
    faults: tuple[Fault, ...] = ()


def refused(
    error: MemoError, places: Mapping[str, Place] | None = None, *, otherwise: str | None = None
) -> Refusal:
    """`places`: by the field that an error names. `otherwise`: the place of an error that names none of them."""
    field = error.field if isinstance(error, Invalid) else None
    found = _place(field, places or {})
    message = _in_words_of_the_page(wording.message_of(error), field, found)
    return Refusal(message, status_of(error), found.id if found else otherwise)


def refused_block(
    error: MemoError, asked: Sequence[Asked], places: Mapping[str, Place] | None = None
) -> Refusal:
    """Of a form that a class makes: its fields know what is wrong with them, and one alone is said at once."""
    faults = tuple(_faults(asked))
    if not faults:
        return refused(error, places)
    if len(faults) == 1:
        return Refusal(faults[0].said, status_of(error), faults[0].place)
    return Refusal(wording.message_of(error), status_of(error), faults[0].place, faults)


def _faults(asked: Sequence[Asked], within: str = "") -> Iterator[Fault]:
    for one in asked:
        label = f"{within}{one.legend if isinstance(one, Group) else one.label}"
        if one.problem:
            yield Fault(one.id, f"{label}: {one.problem}")
        if isinstance(one, Group):
            yield from _faults(one.rows, "")
            yield from _faults(one.fields, f"{label}, ")


def _place(field: str | None, places: Mapping[str, Place]) -> Place | None:
    """That of the field itself, or of the nearest that it is a part of: `canary.seeds.3` stands in the field of `canary.seeds`."""
    while field:
        if field in places:
            return places[field]
        field = field.rpartition(".")[0]
    return None


def _in_words_of_the_page(message: str, field: str | None, place: Place | None) -> str:
    named = f"{(field or '').replace('_', ' ')} "
    if place is not None and place.label and message.startswith(named):
        message = f"“{place.label}” {message.removeprefix(named)}"
    told = f"{message[:1].upper()}{message[1:]}"
    return told if told.endswith((".", "!", "?")) else f"{told}."
