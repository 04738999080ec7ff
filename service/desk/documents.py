"""An edition's document as the desk shows and edits it: block by block, in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from service.errors import Conflict, Invalid
from service.rendering.blocks import Block, Briefs, Comments, Document, Item, Lead, PictureBlock, Piece

EXCERPT_CHARACTERS = 140
_OWN = ("variant", "headline", "title", "quote_markdown", "text_markdown")
_INNER = ("headline", "value", "title", "name")


class EditionHasChanged(Conflict):
    """Somebody has changed this edition since you opened it. Here it is as it stands now: please look again."""


@dataclass(frozen=True)
class BlockLine:
    number: int
    kind: str
    text: str
    is_first: bool
    is_last: bool


def lines(document: Document) -> tuple[BlockLine, ...]:
    last = len(document.blocks) - 1
    return tuple(
        BlockLine(number, block.called, _text(block), number == 0, number == last)
        for number, block in enumerate(document.blocks)
    )


def headlines(document: Document) -> tuple[str, ...]:
    """What is in it, in reading order."""
    found: list[str] = []
    for block in document.blocks:
        if isinstance(block, Lead | Item):
            found.append(block.headline)
        elif isinstance(block, Briefs):
            found.extend(brief.headline for brief in block.items)
    return tuple(found)


def with_words(document: Document, *, subject: str, preheader: str) -> Document:
    try:
        return Document(subject=subject, preheader=preheader, blocks=document.blocks)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "subject"
        raise Invalid(f"{field.capitalize()}: {_plain(first['type'], first['msg'])}", field=field) from error


def moved(document: Document, number: int, step: Literal[-1, 1]) -> Document:
    blocks = _checked(document, number)
    other = number + step
    if 0 <= other < len(blocks):
        blocks[number], blocks[other] = blocks[other], blocks[number]
    return document.model_copy(update={"blocks": blocks})


def without(document: Document, number: int) -> Document:
    blocks = _checked(document, number)
    del blocks[number]
    return document.model_copy(update={"blocks": blocks})


def _checked(document: Document, number: int) -> list[Block]:
    if not 0 <= number < len(document.blocks):
        raise EditionHasChanged
    return list(document.blocks)


def _text(block: Block) -> str:
    """How an editor knows it again."""
    if isinstance(block, Comments):
        text = f"{block.count:,} comments"
    elif isinstance(block, PictureBlock):
        text = block.headline or block.picture.caption or block.picture.alt
    else:
        text = _first(block, _OWN) or " · ".join(_first(piece, _INNER) for piece in _pieces(block))
    return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 1].rstrip() + "…"


def _first(piece: Piece, names: Sequence[str]) -> str:
    return next((str(getattr(piece, name)) for name in names if getattr(piece, name, None)), "")


def _pieces(block: Block) -> list[Piece]:
    values = (getattr(block, name) for name in type(block).model_fields)
    return [piece for value in values if isinstance(value, list) for piece in value]


def _plain(kind: str, message: str) -> str:
    texts = {
        "too_short": "please write something here.",
        "too_long": "this is too long for an inbox. Please shorten it.",
    }
    return texts.get(kind.removeprefix("string_"), message)
