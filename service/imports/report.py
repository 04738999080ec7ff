"""The problems of an import as a file for a spreadsheet, so that whoever keeps the list can mend it there. Pure."""

import csv
import io
from collections.abc import Iterable

from service.imports.looking import Problem

BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets read UTF-8 as something else
COLUMNS = ("line", "problem", "begins with")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run it


def as_csv(problems: Iterable[Problem]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows((one.line, _text(one.said), _text(one.hint)) for one in problems)
    return BYTE_ORDER_MARK + text.getvalue()


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
