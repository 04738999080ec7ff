"""A form for any block, made from its class: what to ask for, what was typed, and what is wrong with it. Pure.

The names of the fields are paths: `headline`, `picture.url`, `items.0.headline`. An empty row of a list, and a picture of which
nothing was given, are left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from service import wording
from service.errors import Invalid
from service.rendering.pieces import Control, Piece

ROWS_AT_FIRST = 3
ROWS_MORE = 3
_SUFFIX = re.compile(r"_(?:markdown|url)\Z")
_SHAPE = {
    "url": "Address",
    "moment": "When",
    "text_markdown": "Text",
}


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    hint: str
    control: Literal["line", "lines", "markdown", "address", "picture", "number", "choice", "switch"]
    value: str
    is_needed: bool
    choices: tuple[str, ...] = ()
    problem: str | None = None

    @property
    def id(self) -> str:
        return _id(self.name)


@dataclass(frozen=True)
class Group:
    """Fields that belong together under a legend; `rows` is set where there may be any number of them."""

    name: str
    legend: str
    fields: tuple["Field | Group", ...] = ()
    rows: tuple["Group", ...] = ()
    is_list: bool = False
    problem: str | None = None

    @property
    def id(self) -> str:
        return _id(self.name)


Asked = Field | Group


class BlockInvalid(Invalid):
    """Please look at the fields that are marked."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(field=next(iter(problems), None))
        self.problems = dict(problems)


def asked(
    kind: type[Piece],
    values: Mapping[str, Any],
    problems: Mapping[str, str],
    *,
    spare: int = 0,
    under: str = "",
) -> tuple[Asked, ...]:
    """`values` as `typed` or `model_dump` give them; `spare` empty rows stand below those of each list."""
    return tuple(
        _asked(f"{under}{name}", info, values.get(name), problems, spare)
        for name, info in kind.model_fields.items()
        if name != "kind" and control_of(info) != "kept"
    )


def typed(kind: type[Piece], form: Mapping[str, str], under: str = "") -> dict[str, Any]:
    """What was sent, in the shape of the class; nothing of it is checked yet."""
    values: dict[str, Any] = {}
    for name, info in kind.model_fields.items():
        path = f"{under}{name}"
        if name == "kind" or control_of(info) == "kept":
            continue
        inner = _piece_in(info)
        if inner is None:
            values[name] = path in form if _is_switch(info) else form.get(path, "")
        elif _is_list(info):
            rows = [typed(inner, form, f"{path}.{number}.") for number in _numbers(form, path)]
            values[name] = [row for row in rows if not _is_blank(row)]
        else:
            found = typed(inner, form, f"{path}.")
            values[name] = None if _is_blank(found) and not info.is_required() else found
    return values


def kept(kind: type[Piece], values: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The values that no form asks for stay what they were; a picture's size does not outlive its address."""
    merged = dict(values)
    for name, info in kind.model_fields.items():
        inner, there = _piece_in(info), before.get(name)
        if control_of(info) == "kept" and name in before:
            merged[name] = there
        elif inner is not None and not _is_list(info) and there and _is_same(merged.get(name), there):
            merged[name] = kept(inner, merged[name], there)
    return merged


def _is_same(value: Mapping[str, Any] | None, before: Mapping[str, Any]) -> bool:
    return value is not None and value.get("url") == before.get("url")


def read(kind: type[Piece], values: Mapping[str, Any]) -> Piece:
    """The block; raises BlockInvalid with what to write, field by field."""
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise BlockInvalid({_path(one): _said(one) for one in reversed(error.errors())}) from error


def control_of(info: FieldInfo) -> str:
    return next((one.kind for one in reversed(info.metadata) if isinstance(one, Control)), "")


def _asked(path: str, info: FieldInfo, value: Any, problems: Mapping[str, str], spare: int) -> Asked:
    inner = _piece_in(info)
    name = path.rpartition(".")[2]
    label = info.title or _SHAPE.get(name) or _SUFFIX.sub("", name).replace("_", " ").capitalize()
    if inner is None:
        return Field(
            name=path,
            label=label,
            hint=info.description or "",
            control=_control(info),
            value=_shown(info, value),
            is_needed=_is_needed(info),
            choices=_choices(info),
            problem=problems.get(path),
        )
    if not _is_list(info):
        fields = asked(inner, value or {}, problems, spare=spare, under=f"{path}.")
        return Group(path, label, fields=fields, problem=problems.get(path))
    rows = [*(value or []), *({} for _ in range(spare))]
    return Group(
        path,
        label,
        rows=tuple(
            Group(
                f"{path}.{n}",
                f"{label}, row {n + 1}",
                asked(inner, row, problems, spare=spare, under=f"{path}.{n}."),
            )
            for n, row in enumerate(rows)
        ),
        is_list=True,
        problem=problems.get(path),
    )


def _types(info: FieldInfo) -> tuple[Any, ...]:
    annotation = info.annotation
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def _is_list(info: FieldInfo) -> bool:
    return get_origin(info.annotation) is list


def _is_needed(info: FieldInfo) -> bool:
    is_short_of = any(getattr(one, "min_length", None) for one in info.metadata)
    return info.is_required() and (is_short_of or _control(info) in {"address", "picture", "number"})


def _is_switch(info: FieldInfo) -> bool:
    return info.annotation is bool


def _piece_in(info: FieldInfo) -> type[Piece] | None:
    inside = get_args(info.annotation) if _is_list(info) else _types(info)
    return next((one for one in inside if isinstance(one, type) and issubclass(one, Piece)), None)


def _choices(info: FieldInfo) -> tuple[str, ...]:
    """The first is empty where nothing needs to be chosen."""
    types = _types(info)
    found = [str(choice) for one in types if get_origin(one) is Literal for choice in get_args(one)]
    return tuple(["", *found] if found and NoneType in types else found)


def _control(info: FieldInfo) -> Any:
    if _is_switch(info):
        return "switch"
    if _choices(info):
        return "choice"
    return "number" if int in _types(info) else control_of(info) or "line"


def _shown(info: FieldInfo, value: Any) -> str:
    if value is None:
        value = "" if info.is_required() or info.default is None else info.default
    return ("on" if value else "") if _is_switch(info) else str(value)


def _is_blank(values: Mapping[str, Any]) -> bool:
    return not any(value.strip() if isinstance(value, str) else value for value in values.values())


def _numbers(form: Mapping[str, str], path: str) -> list[int]:
    rows = re.compile(rf"{re.escape(path)}\.(\d{{1,4}})\.")
    return sorted({int(found.group(1)) for name in form if (found := rows.match(name))})


def _id(name: str) -> str:
    """Of what is asked for under that name, on the page."""
    return f"f-{name.replace('.', '-')}"


def _path(error: ErrorDetails) -> str:
    return ".".join(str(part) for part in error["loc"])


def _said(error: ErrorDetails) -> str:
    match error["type"]:
        case "too_short" if error["ctx"]["field_type"] == "List":
            return "Please fill in at least one row."
        case "too_long" if error["ctx"]["field_type"] == "List":
            return f"These are too many: {error['ctx']['max_length']} fit."
        case "missing" | "too_short" | "string_too_short":
            return "Please write something here."
        case "too_long" | "string_too_long":
            return f"This is too long: {error['ctx']['max_length']:,} characters fit."
        case "int_parsing" | "int_from_float" | "greater_than_equal":
            return "Please give a whole number, 0 or more."
        case "string_pattern_mismatch":
            return "Please give a language tag such as fr or pt-BR."
        case _:
            text = wording.phrase(error)
            return f"{text[:1].upper()}{text[1:].rstrip('.')}."
