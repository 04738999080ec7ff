"""Keep an edition below the size at which mail programs clip it (Gmail at about 102 kB), without ever cutting the footer.

Long items end after some paragraphs with a link to the site; if that is not enough, the last blocks make way for a link to the edition.
"""

from collections.abc import Callable

from service.rendering import markdown
from service.rendering.blocks import (
    Block,
    Correction,
    Document,
    HouseAd,
    Item,
    LateUpdateBlock,
    Lead,
    Note,
    Sponsor,
    TipLine,
)

CLIPPED_OCTETS = 102_000  # Gmail hides what is beyond, the way out included
QUOTED_OCTETS = 90_000  # decoded HTML
BASE64_OCTETS = 74_000  # grows by a third, so that the encoded part stays below 100 kB
_MOST_PARAGRAPHS = 64

Fits = Callable[[Document, bool], bool]


def fitted(document: Document, web_url: str | None, fits: Fits) -> tuple[Document, bool]:
    """The fullest form of the document for which `fits(document, blocks_left_out)` holds, and whether blocks were left out."""
    if fits(document, False):
        return document, False
    paragraphs = _most(_MOST_PARAGRAPHS, lambda n: fits(shortened(document, n, web_url), False))
    if paragraphs is not None:
        return shortened(document, paragraphs, web_url), False
    shortest = shortened(document, 0, web_url)
    if web_url is None:
        return (
            shortest,
            False,
        )  # nowhere else could the rest be read: better clipped by one mail program than lost to all
    blocks = _most(len(document.blocks), lambda n: fits(_first(shortest, n), True)) or 0
    return _first(shortest, blocks), True


def shortened(document: Document, paragraphs: int, web_url: str | None) -> Document:
    """Each text of at most so many paragraphs; what was cut leads to the article, or to the edition on the web."""
    return document.model_copy(
        update={"blocks": [_cut(block, paragraphs, web_url) for block in document.blocks]}
    )


def _most(limit: int, holds: Callable[[int], bool]) -> int | None:
    """The largest number up to the limit for which it holds; small numbers, which are quick to try, come first."""
    low, high = -1, 0
    while high < limit and holds(high):
        low, high = high, min(limit, 2 * high + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low if low >= 0 else None


def _first(document: Document, count: int) -> Document:
    return document.model_copy(update={"blocks": document.blocks[:count]})


def _cut(block: Block, paragraphs: int, web_url: str | None) -> Block:
    if web_url is None and not (isinstance(block, Lead | Item) and block.url):
        return block
    if isinstance(block, Lead | Item):
        body, was_cut = markdown.opening(block.body_markdown, paragraphs)
        shown = {"body_markdown": body, "read_more": True, "url": block.url or web_url}
        return block.model_copy(update=shown) if was_cut else block
    if isinstance(block, Note | LateUpdateBlock | Correction | Sponsor | HouseAd | TipLine):
        text, was_cut = markdown.opening(block.text_markdown, max(1, paragraphs))
        return block.model_copy(update={"text_markdown": text}) if was_cut else block
    return block
