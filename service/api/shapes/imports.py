import uuid
from typing import Any

from pydantic import BaseModel, Field

from service.api.shapes.moments import Instant
from service.imports.layout import Layout
from service.imports.looking import Look
from service.imports.models import ReaderImport as ImportRow
from service.imports.models import State
from service.imports.standings import Verdict

CSV_EXAMPLE = "E-Mail;Vorname\r\nada@example.org;Ada\r\nole@example.org;Ole\r\n"
IMPORT_EXAMPLE: dict[str, Any] = {
    "uid": "0198c7a4-5b1e-7d21-a0f3-9c8b7a6d5e4f",
    "newsletter": "morning-memo",
    "state": "done",
    "file_name": "readers.csv",
    "encoding": "utf-8",
    "delimiter": ";",
    "has_header": True,
    "email_column": 1,
    "first_name_column": 2,
    "status_columns": [3],
    "consent": "Signed up on our old site, each confirmed by mail, since May 2019.",
    "rows": 1203,
    "done": 1203,
    "counts": {
        "added": 1090,
        "already": 88,
        "pending": 2,
        "left": 9,
        "suppressed": 4,
        "gone": 0,
        "unknown": 0,
        "repeated": 7,
        "invalid": 3,
    },
    "problem_count": 3,
    "problems": [{"line": 17, "said": "There is no address in this row.", "hint": ""}],
    "statuses": [],
    "created_at": "2026-03-02T05:30:00Z",
    "started_at": "2026-03-02T05:30:00Z",
    "ended_at": "2026-03-02T05:30:04Z",
}


class ImportCounts(BaseModel):
    """Every row is one of these."""

    added: int = Field(default=0, description="New readers, active at once.")
    already: int = Field(default=0, description="Read it already; unchanged.")
    pending: int = Field(default=0, description="Have been asked and have not confirmed yet; unchanged.")
    left: int = Field(default=0, description="Have left before. Only they can come back.")
    suppressed: int = Field(default=0, description="On the list of addresses that get no mail.")
    gone: int = Field(default=0, description="No readers, says the file's own status column.")
    unknown: int = Field(
        default=0,
        description="Left out: their status is neither a reader's nor that of somebody gone, as far as is known here.",
    )
    repeated: int = Field(default=0, description="Came a second time in the file, in whatever spelling.")
    invalid: int = Field(default=0, description="Cannot be used; `problems` says why.")


class ImportProblem(BaseModel):
    line: int = Field(description="Of the file, counted from 1.")
    said: str
    hint: str = Field(description="The beginning of what stands there, masked.")


class ImportStatus(BaseModel):
    """A value of a status column, and what becomes of the rows that have it."""

    column: int = Field(description="Counted from 1.")
    value: str
    count: int
    verdict: Verdict = Field(description="`gone` and `unknown` are left out.")


class ReaderImport(BaseModel):
    """A list of readers, on its way into a newsletter."""

    uid: uuid.UUID
    newsletter: str
    state: State
    file_name: str
    encoding: str
    delimiter: str
    has_header: bool
    email_column: int | None = Field(description="Counted from 1.")
    first_name_column: int | None
    status_columns: list[int] = Field(description="All of them are asked: one that says gone is enough.")
    consent: str
    rows: int = Field(description="How many rows the file has, without its header and blank ones.")
    done: int = Field(description="How many of them have been dealt with.")
    counts: ImportCounts
    problem_count: int
    problems: list[ImportProblem] = Field(description="The first hundred, for thirty days.")
    statuses: list[ImportStatus] = Field(description="The commonest twenty, until the import has ended.")
    created_at: Instant
    started_at: Instant | None
    ended_at: Instant | None


def reader_import(row: ImportRow, newsletter: str, look: Look | None) -> ReaderImport:
    layout = Layout.model_validate(row.layout)
    return ReaderImport(
        uid=row.uid,
        newsletter=newsletter,
        state=row.state,
        file_name=row.file_name,
        encoding=layout.encoding.value,
        delimiter=layout.delimiter,
        has_header=layout.has_header,
        email_column=_counted(layout.email),
        first_name_column=_counted(layout.first_name),
        status_columns=[one.place + 1 for one in layout.standing],
        consent=row.consent,
        rows=row.rows,
        done=row.cursor,
        counts=ImportCounts.model_validate(row.counts),
        problem_count=row.problem_count,
        problems=[ImportProblem.model_validate(one) for one in row.problems],
        statuses=[
            ImportStatus(column=one.place + 1, value=one.value, count=one.count, verdict=one.verdict)
            for one in (look.statuses if look else ())
        ],
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _counted(place: int | None) -> int | None:
    return None if place is None else place + 1
