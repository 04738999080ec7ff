"""Personal fields: from `{{first_name|reader}}` in an editor's text to a hole in the finished bytes.

A field becomes a **mark** (a word of letters and digits that Markdown, Jinja, the CSS inliner and line wrapping all leave alone),
and after rendering each mark becomes a **hole**. Everything else that looks like a template stays the text it is.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

from pydantic import BaseModel

from service.rendering.blocks import Document, takes_fields

Place = Literal["text", "attribute", "url", "link"]

KNOWN = frozenset({"first_name"})
SHOWN_CHARACTERS = 8  # how wide a value is taken to be where lines are wrapped before it is known
_SYNTAX = re.compile(r"\{\{\s*([A-Za-z_]{1,40})\s*(?:\|([^{}|\r\n]{0,100}))?\}\}")
_LETTER: dict[Place, str] = {"text": "t", "attribute": "a", "url": "u", "link": "l"}
_PLACE: dict[str, Place] = {letter: place for place, letter in _LETTER.items()}
_ADDRESS_FIELDS = {"url", "source_url", "contact"}
_Part = TypeVar("_Part", bound=BaseModel)


class Hole(NamedTuple):
    """A place for one reader's value; `place` says what has to be escaped there.

    text: running text · attribute: text where no tag may stand (an attribute, a title) · url: a value inside a link's address ·
    link: the value is an address itself.
    """

    field: str
    default: str
    place: Place


class Marks:
    """The marks of one rendering. `key` comes from the content's hash, so that no text can hold a mark by accident or by plan."""

    def __init__(self, key: str) -> None:
        self._stem = f"zq{key[:12]}"
        self._fields: list[tuple[str, str]] = []
        self._pattern = re.compile(rf"{self._stem}([taul])(\d{{4}})zq")

    def text(self, text: str, place: Place = "text") -> str:
        """Replace the known fields of an editor's text by marks."""

        def marked(found: re.Match[str]) -> str:
            name, default = found.group(1), (found.group(2) or "").strip()
            return self._mark(name, default, place) if name in KNOWN else found.group()

        return _SYNTAX.sub(marked, text)

    def own(self, field: str, place: Place) -> str:
        """A mark for a value that only our templates may ask for (the unsubscribe link, the address)."""
        return self._mark(field, "", place)

    def moved(self, text: str, place: Place) -> str:
        """The same marks, now standing in another place (a link's address, an attribute)."""
        return self._pattern.sub(lambda found: f"{self._stem}{_LETTER[place]}{found.group(2)}zq", text)

    def document(self, document: Document) -> Document:
        blocks = [self._copy(block) if takes_fields(block) else block for block in document.blocks]
        subject, preheader = self.text(document.subject, "attribute"), self.text(document.preheader)
        return document.model_copy(update={"blocks": blocks, "subject": subject, "preheader": preheader})

    def width(self, text: str) -> int:
        return len(self._pattern.sub("x" * SHOWN_CHARACTERS, text))

    def without(self, text: str) -> str:
        return self._pattern.sub("", text)

    def split(self, text: str) -> tuple[str | Hole, ...]:
        """Cut a rendered text at its marks."""
        pieces: list[str | Hole] = []
        start = 0
        for found in self._pattern.finditer(text):
            if found.start() > start:
                pieces.append(text[start : found.start()])
            name, default = self._fields[int(found.group(2))]
            pieces.append(Hole(name, default, _PLACE[found.group(1)]))
            start = found.end()
        if start < len(text) or not pieces:
            pieces.append(text[start:])
        return tuple(pieces)

    def filled(self, text: str, value: Callable[[Hole], str]) -> str:
        return "".join(piece if isinstance(piece, str) else value(piece) for piece in self.split(text))

    def _mark(self, name: str, default: str, place: Place) -> str:
        entry = (name, default)
        if entry not in self._fields:
            self._fields.append(entry)
        return f"{self._stem}{_LETTER[place]}{self._fields.index(entry):04d}zq"

    def _copy(self, piece: _Part) -> _Part:
        changed: dict[str, object] = {}
        for name in type(piece).model_fields:
            value = getattr(piece, name)
            if name in {"kind", "language"}:
                continue
            if isinstance(value, str):
                changed[name] = self.text(value, "url" if name in _ADDRESS_FIELDS else "text")
            elif isinstance(value, BaseModel):
                changed[name] = self._copy(value)
            elif isinstance(value, list):
                changed[name] = [
                    self._copy(inner) if isinstance(inner, BaseModel) else inner for inner in value
                ]
        return piece.model_copy(update=changed)
