"""Where things stand in an edition's document. Pure: a document in, a changed one out.

masthead · notes · lead with its quotes and documents · items with theirs · briefs · latest from a section · the rest · staff
"""

from collections.abc import Sequence
from typing import Literal

from service.articles import spelling
from service.articles.models import Article
from service.editions import placing
from service.rendering import characters, fields
from service.rendering.blocks import (
    PREHEADER_CHARACTERS,
    SUBJECT_CHARACTERS,
    Block,
    Brief,
    Briefs,
    Comments,
    Document,
    DocumentCard,
    HouseAd,
    Item,
    KeyGraph,
    LatestFromSection,
    Lead,
    Masthead,
    Note,
    Sponsor,
    Staff,
    TipLine,
)

# What follows a story belongs to it.
_COMPANIONS = (KeyGraph, DocumentCard, Comments)
_FRAME = (Masthead, Staff, Sponsor, HouseAd, Comments, TipLine)


def placed(document: Document, article: Article, place: Literal["lead", "item", "brief"]) -> Document:
    blocks = list(without(document, article).blocks)
    if place == "lead":
        blocks = [_as_item(block) for block in blocks]
        at = _opening(blocks)
        blocks[at:at] = placing.lead(article)
    elif place == "item":
        at = _before_the_end(blocks)
        blocks[at:at] = placing.item(article)
    else:
        _add_brief(blocks, placing.brief(article))
    return _with_blocks(document, blocks)


def without(document: Document, article: Article) -> Document:
    """The document without this article's story and what belongs to it, and without its brief."""
    uid, key = str(article.uid), spelling.key(article.url) if article.url else None
    kept: list[Block] = []
    is_dropping = False
    for block in document.blocks:
        if isinstance(block, Lead | Item) and block.article_uid == uid:
            is_dropping = True
            continue
        is_dropping = is_dropping and isinstance(block, _COMPANIONS)
        if is_dropping:
            continue
        rest = _without_brief(block, key, article.headline) if isinstance(block, Briefs) else block
        if rest is not None:
            kept.append(rest)
    return _with_blocks(document, kept)


def named_after(document: Document, article: Article) -> Document:
    return document.model_copy(
        update={
            "subject": trimmed(fields.as_text(article.headline), SUBJECT_CHARACTERS),
            "preheader": document.preheader or trimmed(fields.as_text(article.deck), PREHEADER_CHARACTERS),
        }
    )


def has_items(document: Document) -> bool:
    """Whether there is anything to read besides the frame."""
    return any(_says_something(block) for block in document.blocks if not isinstance(block, _FRAME))


def trimmed(text: str, limit: int) -> str:
    line = characters.single_line(text)
    if len(line) <= limit:
        return line
    cut = line[: limit - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:–—-") + "…"


def _says_something(block: Block) -> bool:
    texts = (getattr(block, name, None) for name in ("text_markdown", "quote_markdown"))
    found = [text for text in texts if isinstance(text, str)]
    return any(text.strip() for text in found) if found else True


def _with_blocks(document: Document, blocks: Sequence[Block]) -> Document:
    # Checked as a whole: there may be too many by now.
    return Document(subject=document.subject, preheader=document.preheader, blocks=list(blocks))


def _as_item(block: Block) -> Block:
    return Item(**block.model_dump(exclude={"kind"})) if isinstance(block, Lead) else block


def _opening(blocks: Sequence[Block]) -> int:
    """Behind the masthead and the notes that open the edition."""
    return next(
        (at for at, block in enumerate(blocks) if not isinstance(block, Masthead | Note)), len(blocks)
    )


def _before_the_end(blocks: Sequence[Block]) -> int:
    """Behind the last story and its companions, else before what closes an edition."""
    stories = [at for at, block in enumerate(blocks) if isinstance(block, Lead | Item)]
    if stories:
        at = stories[-1] + 1
        while at < len(blocks) and isinstance(blocks[at], _COMPANIONS):
            at += 1
        return at
    closing = (Briefs, LatestFromSection, Sponsor, HouseAd, TipLine, Staff, Comments)
    return next((at for at, block in enumerate(blocks) if isinstance(block, closing)), len(blocks))


def _add_brief(blocks: list[Block], brief: Brief) -> None:
    for at, block in enumerate(blocks):
        if isinstance(block, Briefs):
            blocks[at] = block.model_copy(update={"items": [*block.items, brief]})
            return
    blocks.insert(_before_the_end(blocks), Briefs(items=[brief]))


def _without_brief(block: Briefs, key: str | None, headline: str) -> Briefs | None:
    def is_it(brief: Brief) -> bool:
        if key is not None and brief.url:
            return spelling.key(brief.url) == key
        return key is None and not brief.url and brief.headline == headline

    items = [brief for brief in block.items if not is_it(brief)]
    return block.model_copy(update={"items": items}) if items else None
