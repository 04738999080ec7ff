"""What is no text is refused before it is kept: U+0000 and half of a surrogate pair, which not every database takes."""

import re
from collections.abc import Iterator
from typing import Any

from fastapi import Request

from service.errors import Invalid

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_ESCAPED = re.compile(
    rb"\\u(?:0000|[dD][89a-fA-F])"
)  # only so can they be in JSON; a pair of halves is a character


class NoText(Invalid):
    """This holds a character that is no text: U+0000, or half of a pair. Take it out."""


async def in_address(request: Request) -> None:
    for name, value in (*request.path_params.items(), *request.query_params.items()):
        _check(name, str(value))


async def in_body(request: Request) -> None:
    if not _ESCAPED.search(await request.body()):
        return
    try:
        sent = await request.json()
    except (ValueError, RecursionError):  # an operation that takes no body reads none
        return
    for place, text in _texts(sent, ""):
        _check(place, text)


def _check(place: str, text: str) -> None:
    if _NO_TEXT.search(text):
        said = f"{place or 'The body'} holds a character that is no text: U+0000, or half of a pair. Take it out."
        raise NoText(said, field=place or None)


def _texts(value: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _texts(one, f"{place}.{number}".lstrip("."))
    elif isinstance(value, dict):
        for name, one in value.items():
            yield place, name
            yield from _texts(one, f"{place}.{name}".lstrip("."))
