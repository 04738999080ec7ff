"""What a page says about itself to machines: meta elements, and JSON-LD in the words of schema.org."""

import json
from collections.abc import Iterator
from typing import Any, Final

from lxml.html import HtmlElement

from service.articles import elements

ARTICLE_KINDS: Final = ("Article", "BlogPosting", "LiveBlogPosting", "Report")
MAX_NODES: Final = 500


def metas(document: HtmlElement) -> dict[str, str]:
    """Property or name to content; the first of a name holds."""
    found: dict[str, str] = {}
    for meta in elements.every(document, "meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").strip().lower()
        content = " ".join((meta.get("content") or "").split())
        if name and content:
            found.setdefault(name, content)
    return found


def article_data(document: HtmlElement) -> dict[str, Any]:
    """The JSON-LD node that describes the article, or nothing."""
    nodes = [node for script in elements.every(document, "script") for node in _nodes_of(script)]
    return next((node for node in nodes if _is_article(node)), {})


def _nodes_of(script: HtmlElement) -> Iterator[dict[str, Any]]:
    if "ld+json" not in (script.get("type") or ""):
        return
    try:
        waiting = [json.loads(script.text or "")]
    except (ValueError, RecursionError):
        return
    seen = 0
    while waiting and seen < MAX_NODES:
        node = waiting.pop(0)
        seen += 1
        if isinstance(node, list):
            waiting[:0] = node[:MAX_NODES]
        elif isinstance(node, dict):
            yield node
            waiting.append(node.get("@graph"))


def _is_article(node: dict[str, Any]) -> bool:
    kinds = node.get("@type")
    named = kinds if isinstance(kinds, list) else [kinds]
    return any(isinstance(kind, str) and kind.endswith(ARTICLE_KINDS) for kind in named)


def plain(value: Any) -> str:
    """A text of JSON-LD, whether it stands alone, in a list or as the name of a thing."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = value.get("name") or value.get("url")
    return " ".join(value.split()) if isinstance(value, str) else ""


def names(value: Any) -> list[str]:
    found = [plain(one) for one in (value if isinstance(value, list) else [value])]
    return [name for name in found if name and not name.startswith(("http://", "https://"))]


def number(value: Any) -> int | None:
    text = str(value).strip() if isinstance(value, int | str) else ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else None
