"""Refuses a document with a personal field that no reader has a value for: it would arrive as it was typed."""

import re

from service.errors import Invalid
from service.rendering import fields
from service.rendering.blocks import Document
from service.rendering.fields import Unknown

_STEP = re.compile(r"_(?:markdown|url)\Z")


class FieldUnknown(Invalid):
    """There is no such personal field. Known: {{first_name|reader}}, with the word for readers whose name we do not know."""


def check(document: Document) -> None:
    """Raises FieldUnknown for the first one, with its place as the error's field: `subject`, `blocks.2.text_markdown`."""
    for found in fields.unknown(document):
        raise FieldUnknown(f"{_place(document, found.path)}: {said(found)}", field=found.path)


def said(found: Unknown) -> str:
    known = ", ".join(f"{{{{{name}|…}}}}" for name in sorted(fields.KNOWN))
    return (
        f"“{found.written}” is no personal field, so readers would see it as it stands. Known: {known}, with the word for "
        "readers without one after the bar. If these very characters are meant, put a backslash before them."
    )


def _place(document: Document, path: str) -> str:
    first, *steps = path.split(".")
    if first != "blocks":
        return first.capitalize()
    number, *inner = steps
    words = [
        str(int(step) + 1) if step.isdecimal() else _STEP.sub("", step).replace("_", " ") for step in inner
    ]
    return f"Block {int(number) + 1} ({document.blocks[int(number)].called}), {' '.join(words)}"
