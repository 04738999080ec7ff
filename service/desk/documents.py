"""An edition's document as the desk shows and edits it: block by block, in order."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from service import wording
from service.errors import Conflict, Invalid, NotFound
from service.rendering.blocks import (
    Block,
    Briefs,
    Comments,
    Document,
    Item,
    Lead,
    Masthead,
    PictureBlock,
    Piece,
    Staff,
)

EXCERPT_CHARACTERS = 140
_OWN = ("variant", "headline", "title", "quote_markdown", "text_markdown")
_INNER = ("headline", "value", "title", "name")


class EditionHasChanged(Conflict):
    """Somebody has changed this edition since you opened it. Here it is as it stands now: please look again."""


class BlockNotFound(NotFound):
    """This edition has no such block, or not any more. Go back to the edition, and choose one of those that are in it."""


class BlockHasChanged(Conflict):
    """Somebody has changed or removed this block since you opened it. What you wrote is still here: copy it, then look again."""


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


def standing_at(document: Document, number: int) -> Block:
    if not 0 <= number < len(document.blocks):
        raise BlockNotFound
    return document.blocks[number]


def mark(block: Block) -> str:
    """What a block is known by while it is edited, wherever it has been moved meanwhile."""
    return hashlib.sha256(block.model_dump_json().encode()).hexdigest()[:24]


def with_block(document: Document, block: Block, at: int) -> Document:
    blocks = list(document.blocks)
    blocks.insert(max(0, min(at, len(blocks))), block)
    return _whole(document, blocks)


def marked(document: Document, number: int, was: str) -> int:
    """Where the block stands now. Two editors may change two blocks at once; the same one they may not."""
    here = [at for at, block in enumerate(document.blocks) if mark(block) == was]
    if not here:
        raise BlockHasChanged
    return number if number in here else here[0]


def with_changed(document: Document, number: int, block: Block) -> Document:
    blocks = _checked(document, number)
    blocks[number] = block
    return _whole(document, blocks)


def usual_place(document: Document, block: type[Piece]) -> int:
    """Behind the last block, but for who makes it, who stand at the end; the masthead stands first."""
    if block is Masthead:
        return 0
    blocks = document.blocks
    return len(blocks) - 1 if blocks and isinstance(blocks[-1], Staff) else len(blocks)


def _whole(document: Document, blocks: list[Block]) -> Document:
    try:
        return Document(subject=document.subject, preheader=document.preheader, blocks=blocks)
    except ValidationError as error:
        first = error.errors()[0]
        text = wording.phrase(first)
        raise Invalid(f"{text[:1].upper()}{text[1:]}.", field="blocks") from error


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
