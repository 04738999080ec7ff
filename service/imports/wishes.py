"""What whoever brings a file says of it; what they do not say is recognised. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.errors import Invalid
from service.imports import columns, layout, standings
from service.imports.layout import DELIMITERS, Delimiter, Layout
from service.imports.packing import Encoding
from service.imports.standings import MOST_COLUMNS, Standing

NO_COLUMN = "none"
_NUMBER_DIGITS = 4
_WORDS: dict[str, Delimiter] = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "\\t": "\t"}


class EncodingUnknown(Invalid):
    """This encoding is not known. Known are utf-8, utf-16-le, utf-16-be and windows-1252."""


class DelimiterUnknown(Invalid):
    """This delimiter is not known. Known are comma, semicolon, tab and pipe, as words or as characters."""


class ColumnUnknown(Invalid):
    """There is no such column. Give its name as the first row has it, or its number, counted from 1."""


@dataclass(frozen=True)
class Wishes:
    """Columns by their names, or by their numbers counted from 1. `status`: several of them are divided by commas; `none` says that there
    is none, whatever a column is called.
    """

    encoding: str = ""
    delimiter: str = ""
    email: str = ""
    first_name: str = ""
    status: str = ""


def layout_of(kept: bytes, wishes: Wishes) -> Layout:
    found = layout.recognise(
        kept, encoding=_encoding(wishes.encoding), delimiter=_delimiter(wishes.delimiter)
    )
    if not (wishes.email or wishes.first_name or wishes.status):
        return found
    header = layout.header(kept, found)
    chosen: dict[str, int | tuple[Standing, ...]] = {
        name: _column(header, said, name)
        for name, said in (("email", wishes.email), ("first_name", wishes.first_name))
        if said
    }
    if wishes.status:
        chosen["standing"] = _standing(header, wishes.status)
    return found.model_copy(update=chosen)


def _encoding(said: str) -> Encoding | None:
    if not said:
        return None
    try:
        return Encoding(said.strip().lower())
    except ValueError as error:
        raise EncodingUnknown(field="encoding") from error


def _delimiter(said: str) -> Delimiter | None:
    if not said:
        return None
    chosen = _WORDS.get(said.strip().lower(), said)
    for known in DELIMITERS:
        if chosen == known:
            return known
    raise DelimiterUnknown(field="delimiter")


def _column(header: Sequence[str], said: str, field: str) -> int:
    names = [columns.spelled(name) for name in header]
    place = -1
    if columns.spelled(said) in names:
        place = names.index(columns.spelled(said))
    elif said.isdecimal() and len(said) <= _NUMBER_DIGITS:
        place = int(said) - 1
    if 0 <= place < min(len(header), MOST_COLUMNS):
        return place
    raise ColumnUnknown(field=field)


def _standing(header: Sequence[str], said: str) -> tuple[Standing, ...]:
    """A name may have a comma of its own, and one column may be called none."""
    try:
        return standings.chosen(header, [_column(header, said.strip(), "status_column")])
    except ColumnUnknown:
        if columns.spelled(said) == NO_COLUMN:
            return ()
        if "," not in said:
            raise
    return standings.chosen(
        header, [_column(header, part.strip(), "status_column") for part in said.split(",")]
    )
