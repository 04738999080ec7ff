"""Why a value does not fit its description, in words that say what to do: pydantic's own are for programmers.

A phrase follows the name of what it is about: "headline" and "is missing". What a check of ours says is said as it is.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from service.errors import MemoError

OTHERWISE = "cannot be used as it is; look at how it is described"
MASKED = re.compile(r"^(?:Value error|Assertion failed), ")
Facts = Mapping[str, Any]
# How a phrase begins that goes on after a name without a colon.
_PREDICATE = re.compile(r"(?:is|has|holds|takes|begins|ends|needs|lacks|cannot)\b")


def phrase(error: Mapping[str, Any]) -> str:
    """Of one of `ValidationError.errors()`."""
    said: Said = PHRASES.get(error["type"], OTHERWISE)
    return said if isinstance(said, str) else said(_facts(error))


def sentence(name: str, said: str) -> str:
    """`name` may be empty: the whole of what was sent."""
    subject = name or "This"
    return f"{subject} {said}" if _PREDICATE.match(said) else f"{subject}: {said}" if name else said


def message_of(error: MemoError) -> str:
    return corrected(error.message, error.__cause__)


def corrected(message: str, cause: BaseException | None) -> str:
    """A message without pydantic's words, should somebody have passed them on: a room, or what reads a command line."""
    if isinstance(cause, ValidationError):
        for one in cause.errors(include_url=False):
            message = message.replace(MASKED.sub("", one["msg"]), phrase(one))
    return message


def _facts(error: Mapping[str, Any]) -> Facts:
    return {**error.get("ctx", {}), "input": error.get("input"), "msg": error.get("msg", "")}


def _own(facts: Facts) -> str:
    return MASKED.sub("", str(facts["msg"])) or OTHERWISE


def _long_text(facts: Facts) -> str:
    has = f"; it has {len(facts['input']):,}" if isinstance(facts["input"], str) else ""
    return f"takes at most {_count(facts['max_length'], 'character')}{has}"


def _short_text(facts: Facts) -> str:
    least = facts["min_length"]
    if least == 1:
        return "is empty; write something"
    has = f"; it has {len(facts['input']):,}" if isinstance(facts["input"], str) else ""
    return f"takes at least {_count(least, 'character')}{has}"


def _long_list(facts: Facts) -> str:
    if isinstance(facts["input"], str):  # a text whose length is checked after a step of ours
        return _long_text(facts)
    has = facts.get("actual_length")
    return f"takes at most {facts['max_length']:,}{f'; there are {has:,}' if isinstance(has, int) else ''}"


def _short_list(facts: Facts) -> str:
    if isinstance(facts["input"], str):
        return _short_text(facts)
    least = facts["min_length"]
    return "is empty; give at least one" if least == 1 else f"takes at least {least:,}"


def _one_of(facts: Facts) -> str:
    return f"is one of {_plain(facts['expected'])}"


def _unknown_kind(facts: Facts) -> str:
    return f"has an unknown {_plain(facts['discriminator'])}; give one of {_plain(facts['expected_tags'])}"


def _no_kind(facts: Facts) -> str:
    return f"needs a {_plain(facts['discriminator'])}, which says what it is"


def _plain(quoted: object) -> str:
    return str(quoted).replace("'", "")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _limit(words: str, name: str) -> Callable[[Facts], str]:
    return lambda facts: f"{words} {facts[name]}"


Said = str | Callable[[Facts], str]
_TEXT = "takes a text"
_NUMBER = "takes a number"
_WHOLE = "takes a whole number"
_LIST = "takes a list"
_OBJECT = "takes an object: names and their values, in braces"
_DATE = "is no date; write it as 2026-03-03"
_TIME = "is no time; write it as 2026-03-03T06:00:00+01:00"
_CLOCK = "is no time of the day; write it as 06:00"
_YES_NO = "is either true or false"
_ID = "is no id; one looks like 0198c7a2-6a2e-7c40-9d5e-3f1f0f1c2a77"
# By pydantic's types of errors (https://docs.pydantic.dev/latest/errors/validation_errors/).
PHRASES: dict[str, Said] = {
    "value_error": _own,
    "assertion_error": _own,
    "missing": "is missing",
    "extra_forbidden": "is nothing that can be given here; leave it out, or look at how it is spelled",
    "none_required": "takes nothing but null",
    "json_invalid": "is no valid JSON",
    "json_type": "is no valid JSON",
    "enum": _one_of,
    "literal_error": _one_of,
    "union_tag_invalid": _unknown_kind,
    "union_tag_not_found": _no_kind,
    "string_too_long": _long_text,
    "string_too_short": _short_text,
    "string_pattern_mismatch": "is not written in the way that is needed here; look at how it is described",
    "string_unicode": "holds something that is no text",
    "string_not_ascii": "takes plain letters only, without accents",
    "bytes_too_long": "is too long",
    "bytes_too_short": "is too short",
    "too_long": _long_list,
    "too_short": _short_list,
    "greater_than": _limit("is more than", "gt"),
    "greater_than_equal": _limit("is at least", "ge"),
    "less_than": _limit("is less than", "lt"),
    "less_than_equal": _limit("is at most", "le"),
    "multiple_of": _limit("is a multiple of", "multiple_of"),
    "timezone_aware": "needs its offset, as in 2026-03-03T06:00:00+01:00, or a Z for UTC",
    "timezone_naive": "is given without an offset",
    **dict.fromkeys(("string_type", "string_sub_type", "bytes_type", "bytes_invalid_encoding"), _TEXT),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _NUMBER),
    **dict.fromkeys(("decimal_type", "decimal_parsing"), _NUMBER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _YES_NO),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("dict_type", "mapping_type", "model_type"), _OBJECT),
    **dict.fromkeys(("model_attributes_type", "dataclass_type"), _OBJECT),
    **dict.fromkeys(("date_type", "date_parsing"), _DATE),
    **dict.fromkeys(("date_from_datetime_parsing", "date_from_datetime_inexact"), _DATE),
    **dict.fromkeys(("datetime_type", "datetime_parsing"), _TIME),
    **dict.fromkeys(("datetime_object_invalid", "datetime_from_date_parsing"), _TIME),
    **dict.fromkeys(("time_type", "time_parsing"), _CLOCK),
    **dict.fromkeys(("uuid_type", "uuid_parsing", "uuid_version"), _ID),
}
