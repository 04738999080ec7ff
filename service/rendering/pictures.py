"""The pictures of a document: what it calls them, what is shown in their place, and of which it says nothing. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel

from service.rendering import markdown
from service.rendering.blocks import Document
from service.rendering.pieces import Picture

ADDRESS_CHARACTERS = 2000


@dataclass(frozen=True)
class Shown:
    """A picture at its address, so many pixels large; a height of None: not known."""

    url: str
    width: int
    height: int | None


Known = Mapping[str, Shown]


def addresses(document: Document) -> list[str]:
    """Of every picture, also of those within texts; each once, in the order of reading."""
    found: dict[str, None] = {}
    for piece in _pieces(document):
        if isinstance(piece, Picture):
            found[piece.url] = None
        for text in _texts(piece):
            found |= dict.fromkeys(markdown.pictures_in(text))
    return [url for url in found if len(url) <= ADDRESS_CHARACTERS]


def undescribed(document: Document) -> int:
    """How many pictures of blocks say neither what they show nor that they are mere decoration."""
    pictures = [piece for piece in _pieces(document) if isinstance(piece, Picture)]
    return sum(not one.alt and not one.decorative for one in pictures)


def fitted(picture: Shown, column: int) -> Shown:
    """As large as it is in a column of that width; without a height it fills the column and takes the room it needs."""
    if picture.height is None:
        return Shown(picture.url, column, None)
    width = min(picture.width, column)
    return Shown(picture.url, width, max(1, round(picture.height * width / picture.width)))


def _pieces(piece: BaseModel) -> Iterator[BaseModel]:
    yield piece
    for name in type(piece).model_fields:
        value = getattr(piece, name)
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, BaseModel):
                yield from _pieces(inner)


def _texts(piece: BaseModel) -> Iterator[str]:
    for name in type(piece).model_fields:
        value = getattr(piece, name)
        if name.endswith("_markdown") and isinstance(value, str):
            yield value
