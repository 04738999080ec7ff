"""What an error looks like here: problem+json (RFC 9457), whose `detail` says what to do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from service import wording

MEDIA_TYPE = "application/problem+json"
INSTANCE = "/api/v1/editions/0198c7a4-0d3e-7b1c-9f00-1a2b3c4d5e6f/send"  # in examples
NO_JSON = "The body is not valid JSON in UTF-8."


class FieldProblem(BaseModel):
    field: str = Field(description="Where in the request it is, with dots between the steps.")
    detail: str


class Problem(BaseModel):
    type: str = Field(default="about:blank", description="Always `about:blank`: the status says the kind.")
    title: str = Field(description="The kind of problem in a few words.")
    status: int = Field(description="The HTTP status once more.")
    detail: str = Field(description="What is wrong and what to do about it, for people.")
    instance: str = Field(description="The path that was asked for.")
    field: str | None = Field(
        default=None, description="The part of the request that has to change, if it is one."
    )
    errors: list[FieldProblem] | None = Field(default=None, description="All parts that have to change.")


EXAMPLES: Mapping[int, tuple[str, str]] = {
    401: ("The key is missing, wrong or revoked.", "Send an API key: Authorization: Bearer memo_…"),
    403: (
        "The key does not have the scope that this needs.",
        "This needs a key with the scope send; the key City desk has read, write.",
    ),
    404: ("There is no such thing.", "There is no such edition."),
    409: (
        "The present state does not allow it, or the first request with this Idempotency-Key is still at work.",
        "This edition is cancelled, so it cannot be sent.",
    ),
    413: ("The body is larger than 1 MB.", "This is too large: at most 1000 kB can be sent here."),
    415: ("The body is not JSON.", "Send the body as JSON, with Content-Type: application/json."),
    422: (
        "Something in the request cannot be used as it is.",
        "This time lies in the past. Give a later one.",
    ),
    503: ("Something outside of this service does not answer now.", "This address takes too long to answer."),
}


def answer(
    status: int,
    detail: str,
    *,
    instance: str,
    field: str | None = None,
    errors: Sequence[FieldProblem] = (),
) -> JSONResponse:
    problem = Problem(
        title=title(status),
        status=status,
        detail=detail,
        instance=instance,
        field=field,
        errors=[*errors] or None,
    )
    return JSONResponse(problem.model_dump(exclude_none=True), status_code=status, media_type=MEDIA_TYPE)


def not_understood(
    errors: Sequence[Mapping[str, Any]], sent: object = None, *, instance: str
) -> JSONResponse:
    """A request that does not fit its description; every part of the body it `sent`, or beside it, that does not is named."""
    if errors[0]["type"] == "json_invalid":
        return answer(422, NO_JSON, instance=instance)
    found = [FieldProblem(field=place(error, sent), detail=wording.phrase(error)) for error in errors]
    first = found[0]
    said = wording.sentence(first.field or "The request", first.detail)
    return answer(
        422,
        said if said.endswith((".", "!", "?")) else f"{said}.",
        instance=instance,
        field=first.field or None,
        errors=found,
    )


def place(error: Mapping[str, Any], sent: object = None) -> str:
    """Where a validation error is, without what only says that it came by body, query, path or header."""
    source, *steps = error["loc"]
    if source == "body":
        return ".".join(map(str, _in_body(steps, sent, is_missing=error["type"] == "missing")))
    return ".".join(map(str, steps)) or str(source)


def _in_body(steps: Sequence[str | int], sent: object, *, is_missing: bool) -> list[str | int]:
    """Without the steps that say which of several shapes a part was read as: there is nothing of that name in the body."""
    kept: list[str | int] = []
    here: Any = sent
    for number, step in enumerate(steps, 1):
        is_there = (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int)
        )
        if is_there or (is_missing and number == len(steps)):
            kept.append(step)
        if is_there:
            here = here[step]
    return kept


def title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Problem"


Said = Mapping[int, tuple[str, str]]


def documented(
    *statuses: int, example: object, status: int = 200, said: Said = EXAMPLES
) -> dict[int | str, dict[str, Any]]:
    """Answers for the OpenAPI document: an example of the good one, and every kind of error.

    A key can always be refused and a request always be misunderstood. `said`: in other words than usual.
    """
    answers: dict[int | str, dict[str, Any]] = {
        status: {"content": {"application/json": {"example": example}}}
    }
    return answers | refusals(*statuses, said=said)


def refusals(*statuses: int, said: Said = EXAMPLES) -> dict[int | str, dict[str, Any]]:
    """Only the errors, for an operation whose good answer has no body."""
    texts = {**EXAMPLES, **said}
    return {status: _documented(status, *texts[status]) for status in sorted({401, 403, 422, *statuses})}


def _documented(status: int, description: str, detail: str) -> dict[str, Any]:
    example = Problem(title=title(status), status=status, detail=detail, instance=INSTANCE)
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "example": example.model_dump(exclude_none=True),
    }
    return {"description": description, "content": {MEDIA_TYPE: content}}
