"""Nobody reads pydantic's own words: each error that a request of the API can raise is said in ours, and any other calmly."""

import re
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import core_schema

from service import wording
from service.api import problems
from service.api.shapes.editions import NewEdition
from service.api.shapes.newsletters import CadenceRule
from service.delivery import relay_details
from service.delivery.relay_details import RelayInvalid
from tests.unit.api import reading

THEIRS = re.compile(
    r"\bInput\b|\b(?:should|must) (?:be|have|match)\b|Field required|Extra inputs|Value error|Assertion failed|Unable to|permitted"
)
# What a node of a schema raises by its kind; and by what it holds beside.
KINDS: dict[str, set[str]] = {
    "any": set(),
    "str": {"string_type", "string_unicode"},
    "int": {"int_type", "int_parsing", "int_from_float", "int_parsing_size"},
    "float": {"float_type", "float_parsing", "finite_number"},
    "bool": {"bool_type", "bool_parsing"},
    "list": {"list_type"},
    "dict": {"dict_type"},
    "date": {"date_type", "date_parsing", "date_from_datetime_parsing", "date_from_datetime_inexact"},
    "datetime": {"datetime_type", "datetime_parsing", "datetime_from_date_parsing"},
    "uuid": {"uuid_type", "uuid_parsing"},
    "enum": {"enum"},
    "literal": {"literal_error"},
    "model": {"model_type", "model_attributes_type"},
    "model-fields": {"missing", "extra_forbidden", "model_attributes_type"},
    "tagged-union": {"union_tag_invalid", "union_tag_not_found"},
    "none": {"none_required"},
    "function-after": {"value_error"},
    "function-before": {"value_error"},
    "function-wrap": {"value_error"},
    "function-plain": {"value_error"},
    **{
        kind: set()
        for kind in ("model-field", "nullable", "default", "union", "chain", "definitions", "definition-ref")
    },
}
BESIDE = {
    "max_length": {"str": "string_too_long", "list": "too_long"},
    "min_length": {"str": "string_too_short", "list": "too_short"},
    "pattern": {"str": "string_pattern_mismatch"},
    "ge": {"int": "greater_than_equal", "float": "greater_than_equal"},
    "le": {"int": "less_than_equal", "float": "less_than_equal"},
    "gt": {"int": "greater_than", "float": "greater_than"},
    "lt": {"int": "less_than", "float": "less_than"},
    "tz_constraint": {"datetime": "timezone_aware"},
}
SAMPLE: dict[str, Any] = {
    "max_length": 200, "min_length": 1, "actual_length": 250, "field_type": "List", "ge": 1, "gt": 1, "le": 9, "lt": 9,
    "multiple_of": 2, "expected": "'a' or 'b'", "discriminator": "'kind'", "tag": "x", "expected_tags": "'a', 'b'",
}  # fmt: skip


def _may_raise() -> set[str]:
    found: set[str] = {"json_invalid"}
    for annotation in reading.taken():
        for node in reading.nodes(TypeAdapter(annotation).core_schema):
            kind = node["type"]
            found |= KINDS[kind]  # a KeyError: say above what the new kind raises
            found |= {raised[kind] for name, raised in BESIDE.items() if name in node and kind in raised}
    return found


def test_whatever_a_request_can_raise_has_words_of_ours() -> None:
    raised = _may_raise()
    assert {"missing", "string_too_long", "union_tag_invalid", "uuid_parsing", "timezone_aware"} <= raised
    assert raised <= set(wording.PHRASES)


@pytest.mark.parametrize("kind", get_args(core_schema.ErrorType))
def test_no_error_passes_their_words_on(kind: str) -> None:
    error = {
        "type": kind,
        "loc": ("body", "x"),
        "msg": "Input should be other",
        "ctx": SAMPLE,
        "input": "y" * 250,
    }
    if kind in {"value_error", "assertion_error"}:  # checks of ours, which say what to do
        error["msg"] = "Value error, is no colour; give one such as #b3261e"
    said = wording.phrase(error)
    assert len(said) > 8
    assert not THEIRS.search(said)
    assert said[0].islower()
    if kind not in wording.PHRASES:
        assert said == wording.OTHERWISE


def _said(model: type[BaseModel], value: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    errors = [{**one, "loc": ("body", *one["loc"])} for one in caught.value.errors()]
    return [(problems.place(one, value), wording.phrase(one)) for one in errors]


@pytest.mark.parametrize(
    ("document", "field", "said"),
    [
        ({"subject": "x", "blocks": [{"kind": "lead"}]}, "document.blocks.0.headline", "is missing"),
        ({"subject": ""}, "document.subject", "is empty; write something"),
        ({"subject": "x" * 400}, "document.subject", "takes at most 300 characters; it has 400"),
        ({"subject": 1}, "document.subject", "takes a text"),
        ({"subject": "x", "blocks": {}}, "document.blocks", "takes a list"),
        ({"subject": "x", "blocks": [{}]}, "document.blocks.0", "needs a kind, which says what it is"),
        ({"subject": "x", "blocks": [{"kind": "lead", "headline": "y", "hue": 1}]}, "document.blocks.0.hue",
         "is nothing that can be given here; leave it out, or look at how it is spelled"),
        ({"subject": "x", "blocks": [{"kind": "comments", "url": "https://x.example", "count": -1}]},
         "document.blocks.0.count", "is at least 0"),
        ({"subject": "x", "blocks": [{"kind": "lead", "headline": "y", "url": "ftp://x"}]}, "document.blocks.0.url",
         "give a full web address that begins with https:// or http://"),
    ],
)  # fmt: skip
def test_a_part_is_named_where_it_is_with_what_to_do(document: Any, field: str, said: str) -> None:
    assert _said(NewEdition, {"newsletter": "morning-memo", "document": document}) == [(field, said)]


def test_a_kind_that_is_unknown_comes_with_those_that_are_known() -> None:
    asked = {"newsletter": "x", "document": {"subject": "x", "blocks": [{"kind": "advertorial"}]}}
    ((field, said),) = _said(NewEdition, asked)
    assert field == "document.blocks.0"
    assert said.startswith("has an unknown kind; give one of masthead, ")


def test_a_part_that_could_be_one_of_two_things_is_still_named_once() -> None:
    found = _said(CadenceRule, {"weekdays": [None], "local_time": "06:00"})
    assert {field for field, _ in found} == {"weekdays.0"}


@pytest.mark.parametrize(
    ("name", "said", "whole"),
    [
        ("headline", "is missing", "headline is missing"),
        ("time zone", "takes 64 characters", "time zone takes 64 characters"),
        ("url", "give a web address", "url: give a web address"),
        ("from address", "This is no mail address.", "from address: This is no mail address."),
        ("", "is missing", "This is missing"),
        ("", "A password is never sent without TLS.", "A password is never sent without TLS."),
    ],
)
def test_a_phrase_becomes_a_sentence(name: str, said: str, whole: str) -> None:
    assert wording.sentence(name, said) == whole


def test_a_room_that_passes_their_words_on_is_corrected_at_the_door() -> None:
    with pytest.raises(RelayInvalid) as caught:
        relay_details.read({"name": "main", "host": "relay.example.org", "port": 99999})
    said = wording.message_of(caught.value)
    assert said == "port is at most 65535"
