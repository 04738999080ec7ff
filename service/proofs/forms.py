"""A proof as bytes: JSON for programs, CSV for people with a spreadsheet. The same facts in the same order in both. Pure.

Canonical: one spelling for each value, one line for each reader, the signature alone on the last line.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service import addresses
from service.ledger.lines import Line, Totals
from service.ledger.models import ENDED, OPEN
from service.proofs.facts import Facts
from service.proofs.signature import ALGORITHM, Seal

FORMAT = "morning-memo.proof"
VERSION = 2
COLUMNS = (
    "number", "address", "state", "at", "reply", "reason", "attempts", "unclear", "may_have_come_twice", "rendition",
    "bounced_at", "bounced",
)  # fmt: skip
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets read UTF-8 as something else
_FROM_THE_RELAY = re.compile(r"[2-5]\d\d(?: |$)")
_ENCODER = json.JSONEncoder(separators=(",", ":"))
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run it


@dataclass(frozen=True)
class Showing:
    """How a proof shows rows. Masked unless asked otherwise: the file travels, and a number finds the reader at the desk."""

    has_whole_addresses: bool
    rendition_numbers: Mapping[int, int]

    @property
    def addresses(self) -> str:
        return "whole" if self.has_whole_addresses else "masked"


@dataclass(frozen=True)
class Form:
    name: str
    media_type: str
    opening: Callable[[Facts, Showing], bytes]
    rows: Callable[[Sequence[Line], Showing, bool], bytes]
    closing: Callable[[Totals], bytes]
    sealed: Callable[[Seal], bytes]


def values_of(facts: Facts, showing: Showing) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "newsletter": {
            "slug": facts.newsletter_slug,
            "name": facts.newsletter_name,
            "time_zone": facts.time_zone,
        },
        "edition": {
            "uid": str(facts.uid),
            "date": facts.local_date.isoformat(),
            "slot": facts.slot,
            "subject": facts.subject,
            "state": facts.standing,
        },
        "audience": {"readers": facts.totals.audience, "cutoff_at": _said(facts.cutoff_at)},
        "started_at": _said(facts.started_at),
        "ended_at": _said(facts.ended_at),
        "made_at": _said(facts.made_at),
        "is_final": facts.is_final,
        "addresses": showing.addresses,
        "totals": totals_of(facts.totals),
        "renditions": [
            {
                "rendition": number,
                "sha256": one.sha256,
                "made_at": _said(one.made_at),
                "version": one.version,
                "version_sha256": one.version_sha256,
            }
            for number, one in enumerate(facts.renditions, 1)
        ],
    }


def totals_of(totals: Totals) -> dict[str, int]:
    return {
        "audience": totals.audience,
        **{state.value: totals.of(state) for state in ENDED},
        "open": totals.open,
        **{state.value: totals.of(state) for state in OPEN},
        "may_have_come_twice": totals.may_have_come_twice,
        "bounced_later": totals.bounced_later,
    }


def row_of(line: Line, showing: Showing) -> dict[str, Any]:
    is_reply = bool(line.reply and _FROM_THE_RELAY.match(line.reply))
    pin = line.rendition_id
    return {
        "number": line.number,
        "address": line.address if showing.has_whole_addresses else addresses.masked(line.address),
        "state": line.state.value,
        "at": _said(line.at),
        "reply": line.reply if is_reply else None,
        "reason": None if is_reply else line.reply,
        "attempts": line.attempts,
        "unclear": line.unclear,
        "may_have_come_twice": line.may_have_come_twice,
        "rendition": showing.rendition_numbers.get(pin) if pin is not None else None,
        "bounced_at": _said(line.bounced_at),
        "bounced": line.bounced if line.bounced_at is not None else None,
    }


def _said(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment is not None else None


def _compact(value: object) -> bytes:
    return _ENCODER.encode(value).encode("ascii")


def _json_opening(facts: Facts, showing: Showing) -> bytes:
    return b'{"proof":' + _compact(values_of(facts, showing)) + b',\n"deliveries":['


def _json_rows(lines: Sequence[Line], showing: Showing, is_first: bool) -> bytes:
    first = b"\n" if is_first else b",\n"
    return first + b",\n".join(_compact(row_of(line, showing)) for line in lines)


def _json_closing(listed: Totals) -> bytes:
    return b'\n],\n"listed":' + _compact(totals_of(listed)) + b",\n"


def _json_sealed(seal: Seal) -> bytes:
    values = {"algorithm": ALGORITHM, "key": seal.key, "sha256": seal.sha256, "value": seal.value}
    return b'"signature":' + _compact(values) + b"}\n"


def _csv_opening(facts: Facts, showing: Showing) -> bytes:
    pairs = [*_flat(values_of(facts, showing)), (), COLUMNS]
    return (BYTE_ORDER_MARK + _table(pairs)).encode("utf-8", "replace")


def _csv_rows(lines: Sequence[Line], showing: Showing, is_first: bool) -> bytes:
    return _table(row_of(line, showing).values() for line in lines).encode("utf-8", "replace")


def _csv_closing(listed: Totals) -> bytes:
    return _table([(), *(("listed " + name, count) for name, count in totals_of(listed).items())]).encode()


def _csv_sealed(seal: Seal) -> bytes:
    return _table([("signature", ALGORITHM, seal.key, seal.sha256, seal.value)]).encode()


def _flat(values: Mapping[str, Any], before: str = "") -> list[tuple[object, ...]]:
    """`newsletter name`, `renditions 1 sha256`: names and values, two columns."""
    found: list[tuple[object, ...]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{before}{name} ")
        elif isinstance(value, list):
            for number, one in enumerate(value, 1):
                found += _flat(one, f"{before}{name} {number} ")
        else:
            found.append((before + name, value))
    return found


def _table(rows: Iterable[Iterable[object]]) -> str:
    """RFC 4180."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: object) -> str:
    """Numbers and words as they are; a text that a spreadsheet would run is led by an apostrophe, and stays on its line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = " ".join(str(value).splitlines())
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULA) else text


JSON = Form("json", "application/json", _json_opening, _json_rows, _json_closing, _json_sealed)
CSV = Form("csv", "text/csv; charset=utf-8", _csv_opening, _csv_rows, _csv_closing, _csv_sealed)
FORMS = {form.name: form for form in (JSON, CSV)}
