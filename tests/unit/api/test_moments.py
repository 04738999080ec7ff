"""Times have one form in every answer, whatever zone they were kept or reckoned in, and every offset is understood in requests."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from service.api.shapes.articles import NewArticle
from service.api.shapes.moments import Instant
from tests.unit.api import reading

UTC_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
ANY_FORM = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
BERLIN = datetime(2026, 3, 2, 6, 30, tzinfo=ZoneInfo("Europe/Berlin"))


def _times(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        schema = TypeAdapter(field.rebuild_annotation()).core_schema
        if any(node["type"] == "datetime" for node in reading.nodes(schema, without="model")):
            yield f"{model.__name__}.{name}", field


def test_every_time_of_every_answer_is_told_in_utc() -> None:
    fields = [found for model in reading.answered() for found in _times(model)]
    assert len(fields) > 30
    for name, field in fields:
        adapter = TypeAdapter(field.rebuild_annotation())
        assert adapter.dump_json(adapter.validate_python(BERLIN)) == b'"2026-03-02T05:30:00Z"', name
        with pytest.raises(ValidationError):
            adapter.validate_python(BERLIN.replace(tzinfo=None))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def test_every_time_in_an_example_of_an_answer_is_in_utc() -> None:
    said = [
        (f"{method} {path} {status}", text)
        for path, operations in reading.described()["paths"].items()
        for method, operation in operations.items()
        for status, answer in operation["responses"].items()
        for content in answer.get("content", {}).values()
        for text in _texts(content.get("example"))
    ]
    times = [(place, text) for place, text in said if ANY_FORM.match(text)]
    assert len(times) > 50
    assert not [(place, text) for place, text in times if not UTC_FORM.fullmatch(text)]


@pytest.mark.parametrize("hours", [-12, -5, 0, 5.75, 14])
def test_any_offset_is_understood(hours: float) -> None:
    there = BERLIN.astimezone(timezone(timedelta(hours=hours))).isoformat()
    asked = NewArticle.model_validate({"newsletter": "x", "headline": "y", "published_at": there})
    assert asked.published_at == BERLIN
    assert asked.published_at is not None
    assert asked.published_at.tzinfo is UTC


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_a_time_beyond_the_calendar_is_refused_and_breaks_nothing(text: str) -> None:
    with pytest.raises(ValidationError, match="no time that can be kept"):
        TypeAdapter(Instant).validate_python(text)
