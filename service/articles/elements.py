"""Looking about in a parsed page, with types."""

from collections.abc import Iterator
from typing import Final

from lxml.html import HtmlElement

CONTAINERS: Final = frozenset({"article", "main"})


def every(node: HtmlElement, *tags: str) -> Iterator[HtmlElement]:
    """The elements below and at the node, comments left out; taken at once, so the tree may be changed meanwhile."""
    yield from [found for found in node.iter(*tags) if isinstance(found, HtmlElement)]


def first(node: HtmlElement, *tags: str) -> HtmlElement | None:
    return next(every(node, *tags), None)


def text(node: HtmlElement | None) -> str:
    return "" if node is None else " ".join(str(node.text_content()).split())


def words(node: HtmlElement) -> set[str]:
    """The class and id of an element, also in their parts: `late-update` is late-update, late and update."""
    named = f"{node.get('class') or ''} {node.get('id') or ''}".lower()
    return set(named.split()) | set(named.replace("-", " ").replace("_", " ").split())


def parent(node: HtmlElement) -> HtmlElement | None:
    found = node.getparent()
    return found if isinstance(found, HtmlElement) else None


def ancestors(node: HtmlElement) -> Iterator[HtmlElement]:
    above = parent(node)
    while above is not None:
        yield above
        above = parent(above)


def is_within(node: HtmlElement, other: HtmlElement) -> bool:
    return any(above is other for above in ancestors(node))


def is_in_article(node: HtmlElement) -> bool:
    return any(above.tag in CONTAINERS for above in ancestors(node))


def drop(node: HtmlElement) -> None:
    if parent(node) is not None:
        node.drop_tree()


def is_mostly_links(node: HtmlElement) -> bool:
    linked = sum(len(text(link)) for link in every(node, "a"))
    return linked * 2 > len(text(node))
