"""Lists of readers brought in: a CSV file, as the body itself or in a form, and how its import is coming on."""

import uuid
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Query, Request
from fastapi.responses import Response
from sqlmodel import Session
from starlette.datastructures import FormData, UploadFile

from service.api import operations, problems
from service.api.authorization import Caller, Reader, Writer
from service.api.idempotency import Posted
from service.api.shapes import imports as shapes
from service.api.shapes.imports import ReaderImport
from service.asking import Asked
from service.dependencies import Resources
from service.errors import Invalid
from service.imports import packing, reading, register
from service.imports.register import NewFile
from service.imports.wishes import Wishes
from service.newsletters import publication

router = operations.router("/newsletters/{slug}/imports", "subscribers", takes_json=False)
NO_LIST = (
    "Send the list as CSV: the body itself as text/csv, or the field `file` of a form (multipart/form-data)."
)
FORM, CSV = "multipart/form-data", "text/csv"
_SAID = {
    413: ("The list is larger than 20 MB.", "This is too large: at most 21000 kB can be sent here."),
    415: ("The body is neither CSV nor a form.", NO_LIST),
}
_TEXT = {"type": "string"}
_YES = ("true", "1", "yes", "on")
_FIELDS = (
    "consent",
    "file_name",
    "encoding",
    "delimiter",
    "email_column",
    "first_name_column",
    "status_column",
    "only_look",
)
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        CSV: {"schema": {"type": "string", "format": "binary"}, "example": shapes.CSV_EXAMPLE},
        FORM: {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    **dict.fromkeys(_FIELDS, _TEXT),
                },
            },
            "example": {"file": shapes.CSV_EXAMPLE, "consent": shapes.IMPORT_EXAMPLE["consent"]},
        },
    },
}


class NoFile(Invalid):
    """The form has no file. Send the list in its field `file`."""


@dataclass(frozen=True)
class Said:
    """What is said of a list, in the address or in the form; what is not said is recognised."""

    consent: str
    file_name: str
    wishes: Wishes
    only_look: bool

    def with_form(self, form: FormData) -> "Said":
        def field(name: str, otherwise: str) -> str:
            found = form.get(name)
            return found if isinstance(found, str) else otherwise

        of = self.wishes
        wishes = Wishes(
            field("encoding", of.encoding),
            field("delimiter", of.delimiter),
            field("email_column", of.email),
            field("first_name_column", of.first_name),
            field("status_column", of.status),
        )
        only_look = field("only_look", "true" if self.only_look else "").lower() in _YES
        return Said(field("consent", self.consent), field("file_name", self.file_name), wishes, only_look)


def _said(
    consent: Annotated[
        str, Query(description="How and since when they have agreed; kept as the proof of it. Needed, here or in the form.")
    ] = "",
    file_name: Annotated[str, Query(description="What the list is called.")] = "",
    encoding: Annotated[str, Query(description="utf-8, utf-16-le, utf-16-be or windows-1252.")] = "",
    delimiter: Annotated[str, Query(description="comma, semicolon, tab or pipe.")] = "",
    email_column: Annotated[str, Query(description="The column of addresses: its name, or its number from 1.")] = "",
    first_name_column: Annotated[str, Query(description="That of first names.")] = "",
    status_column: Annotated[
        str, Query(description="Where it says who has left. Several are divided by commas; `none` says that it stands nowhere.")
    ] = "",
    only_look: Annotated[
        bool, Query(description="Nothing is brought in: it stays `proposed`, to be begun at the desk or let go after a week.")
    ] = False,
) -> Said:  # fmt: skip
    wishes = Wishes(encoding, delimiter, email_column, first_name_column, status_column)
    return Said(consent, file_name, wishes, only_look)


@router.post(
    "",
    status_code=201,
    response_model=ReaderImport,
    summary="Bring in a list of readers",
    responses=problems.documented(
        404,
        409,
        413,
        415,
        status=201,
        example={
            **shapes.IMPORT_EXAMPLE,
            "state": "running",
            "done": 0,
            "counts": {},
            "problem_count": 0,
            "problems": [],
            "statuses": [{"column": 3, "value": "unsubscribed", "count": 113, "verdict": "gone"}],
            "ended_at": None,
        },
        said=_SAID,
    ),
    openapi_extra={"requestBody": _BODY},
)
async def begun(
    request: Request,
    resources: Asked,
    who: Writer,
    posting: Posted,
    slug: str,
    said: Annotated[Said, Depends(_said)],
) -> Response:
    """Encoding, delimiter and columns are recognised. A worker enters the rows: active at once, nobody is written to. Rows that cannot be
    used are left out, who has left or is suppressed stays so, and the same list again changes nothing.
    Its own address tells how it went.
    """
    known = await posting.kept()
    if known is not None:
        return known
    await resources.database.read(publication.get, slug)
    data, said = await _sent(request, said)
    if not (said.only_look or said.consent.strip()):
        raise register.ConsentUnsaid(field="consent")
    file = await reading.run(register.read_file, said.file_name, data, said.wishes)
    return await posting.write(
        201, partial(_begin, slug=slug, file=file, said=said, who=who, resources=resources)
    )


@router.get(
    "/{uid}",
    summary="Get an import",
    responses=problems.documented(404, example=shapes.IMPORT_EXAMPLE),
)
async def one(resources: Asked, who: Reader, slug: str, uid: uuid.UUID) -> ReaderImport:
    """How far it is, what has become of its rows, and what is wrong with some."""
    return await resources.database.read(_one, slug, uid)


async def _sent(request: Request, said: Said) -> tuple[bytes, Said]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == CSV:
        return await request.body(), said
    if kind != FORM:
        raise HTTPException(415, NO_LIST)
    form = await request.form()
    file = form.get("file")
    if isinstance(file, str):
        return file.encode(), said.with_form(form)
    if not isinstance(file, UploadFile):
        raise NoFile(field="file")
    data = await file.read(packing.MOST_OCTETS + 1)
    told = said.with_form(form)
    return data, Said(told.consent, told.file_name or file.filename or "", told.wishes, told.only_look)


def _begin(
    session: Session, *, slug: str, file: NewFile, said: Said, who: Caller, resources: Resources
) -> ReaderImport:
    newsletter, now = publication.get(session, slug), resources.clock.now()
    row = register.propose(session, newsletter, file, actor=who.actor, now=now)
    if not said.only_look:
        register.start(session, row, said.consent, actor=who.actor, now=now)
    return shapes.reader_import(row, slug, file.look)


def _one(session: Session, slug: str, uid: uuid.UUID) -> ReaderImport:
    newsletter = publication.get(session, slug)
    row = register.get(session, newsletter, uid)
    return shapes.reader_import(row, slug, register.look_while_kept(session, row))
