"""Personal fields: from `{{first_name|reader}}` in an editor's text to a hole in the finished bytes.

A field becomes a **mark** (a word of letters and digits that Markdown, Jinja, the CSS inliner and line wrapping all leave alone),
and after rendering each mark becomes a **hole**. Everything else that looks like a template stays the text it is; so does a field
behind a backslash, as in Markdown.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeVar

from pydantic import BaseModel

from service.rendering import characters
from service.rendering.blocks import Document, takes_fields

Place = Literal["text", "attribute", "url", "link"]

KNOWN = frozenset({"first_name"})
SHOWN_CHARACTERS = 8  # how wide a value is taken to be where lines are wrapped before it is known
_SYNTAX = re.compile(r"(?<![\\{])\{\{\s*([A-Za-z_]{1,40})\s*(?:\|([^{}|\r\n]{0,100}))?\}\}(?!\})")
# What an editor may have meant as a field: a name in two braces, or a name of ours in any.
_NAMES = "|".join(sorted(KNOWN))
_ATTEMPT = (
    r"(?<!\{)(?:\{\{\s*[^\W\d][\w .-]{0,60}(?:\|[^{}\r\n]{0,200})?\}\}"
    rf"|\{{+\s*(?:{_NAMES})\b[^{{}}\r\n]{{0,200}}\}}*)"
)
_MEANT = re.compile(rf"(?<!\\){_ATTEMPT}")
_ANY = re.compile(_ATTEMPT)
_ESCAPED = re.compile(rf"\\(?={_ATTEMPT})")
_LETTER: dict[Place, str] = {"text": "t", "attribute": "a", "url": "u", "link": "l"}
_PLACE: dict[str, Place] = {letter: place for place, letter in _LETTER.items()}
_ADDRESS_FIELDS = {"url", "source_url", "contact"}
_NO_TEXT = {"kind", "language", "variant", "article_uid"}
_MARKDOWN = "_markdown"
_Part = TypeVar("_Part", bound=BaseModel)


class Hole(NamedTuple):
    """A place for one reader's value; `place` says what has to be escaped there.

    text: running text · attribute: text where no tag may stand (an attribute, a title) · url: a value inside a link's address ·
    link: the value is an address itself.
    """

    field: str
    default: str
    place: Place


class Unknown(NamedTuple):
    """A field that nobody has a value for: `written` as the editor wrote it, `path` where, as in `blocks.2.text_markdown`."""

    written: str
    path: str


class Marks:
    """The marks of one rendering. `key` comes from the content's hash, so that no text can hold a mark by accident or by plan."""

    def __init__(self, key: str) -> None:
        self._stem = f"zq{key[:12]}"
        self._fields: list[tuple[str, str]] = []
        self._pattern = re.compile(rf"{self._stem}([taul])(\d{{4}})zq")

    def text(self, text: str, place: Place = "text") -> str:
        """Replace the known fields of an editor's text by marks."""

        def marked(found: re.Match[str]) -> str:
            name, default = found.group(1), characters.without_direction_controls(found.group(2) or "")
            return self._mark(name, default.strip(), place) if name in KNOWN else found.group()

        return _SYNTAX.sub(marked, text)

    def line(self, text: str, place: Place = "text") -> str:
        """The same for a text that is no Markdown, which would take the backslash away by itself."""
        return _ESCAPED.sub("", self.text(text, place))

    def own(self, field: str, place: Place) -> str:
        """A mark for a value that only our templates may ask for (the unsubscribe link, the address)."""
        return self._mark(field, "", place)

    def moved(self, text: str, place: Place) -> str:
        """The same marks, now standing in another place (a link's address, an attribute)."""
        return self._pattern.sub(lambda found: f"{self._stem}{_LETTER[place]}{found.group(2)}zq", text)

    def document(self, document: Document) -> Document:
        blocks = [self._copy(block) if takes_fields(block) else block for block in document.blocks]
        subject, preheader = self.line(document.subject, "attribute"), self.line(document.preheader)
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
            if name in _NO_TEXT:
                continue
            if isinstance(value, str) and name.endswith(_MARKDOWN):
                changed[name] = self.text(value)
            elif isinstance(value, str):
                changed[name] = self.line(value, "url" if name in _ADDRESS_FIELDS else "text")
            elif isinstance(value, BaseModel):
                changed[name] = self._copy(value)
            elif isinstance(value, list):
                changed[name] = [
                    self._copy(inner) if isinstance(inner, BaseModel) else inner for inner in value
                ]
        return piece.model_copy(update=changed)


def unknown(document: Document) -> Iterator[Unknown]:
    """The fields of a document that would reach readers as they were typed, in reading order."""
    yield from _unknown(document.subject, "subject")
    yield from _unknown(document.preheader, "preheader")
    for number, block in enumerate(document.blocks):
        if takes_fields(block):
            yield from unknown_in(block, f"blocks.{number}.")


def unknown_in(piece: BaseModel, under: str = "") -> Iterator[Unknown]:
    for name in type(piece).model_fields:
        value = getattr(piece, name)
        if isinstance(value, str) and name not in _NO_TEXT:
            yield from _unknown(value, f"{under}{name}")
        elif isinstance(value, BaseModel):
            yield from unknown_in(value, f"{under}{name}.")
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                if isinstance(inner, BaseModel):
                    yield from unknown_in(inner, f"{under}{name}.{number}.")


def as_text(text: str) -> str:
    """What was not written at the desk, for a place where fields are read: it stays the text it is."""
    return _ANY.sub(lambda found: f"\\{found.group()}", text)


def _unknown(text: str, path: str) -> Iterator[Unknown]:
    for found in _MEANT.finditer(text):
        field = _SYNTAX.fullmatch(found.group())
        if field is None or field.group(1) not in KNOWN:
            yield Unknown(found.group(), path)
