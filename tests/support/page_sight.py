"""A message's page as it is seen: which text stands on which ground, by day and by night, with the styles where they are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import css_inline
from lxml import etree
from lxml import html as lxml_html

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_NIGHT = "@media (prefers-color-scheme:dark){"
_SILENT = {"head", "style", "title", "script"}


@dataclass(frozen=True)
class Words:
    text: str
    ink: str
    ground: str
    size: int


def kept_style(page: str) -> str:
    """What could not be inlined, without Word's own."""
    return "".join(_STYLE.findall(_COMMENT.sub("", page)))


def by_night(page: str) -> str:
    """The page with its night rules inlined over the others, as a program that honours them shows it."""
    bare = _COMMENT.sub("", page)
    style = kept_style(bare)
    night = style[style.index(_NIGHT) + len(_NIGHT) :].rstrip().removesuffix("}")
    return _inliner().inline(_STYLE.sub("", bare).replace("</head>", f"<style>{night}</style></head>"))


def words(page: str) -> Iterator[Words]:
    """Every run of text with its colours; those of a picture's alt too, for they are shown where pictures are not."""
    yield from _words(lxml_html.document_fromstring(_COMMENT.sub("", page)), "#000000", "#ffffff", 16)


def _words(element: etree._Element, ink: str, ground: str, size: int) -> Iterator[Words]:
    style = dict(_declarations(str(element.get("style") or "")))
    ink, ground = style.get("color", ink), style.get("background-color", ground)
    size = int(style.get("font-size", f"{size}px").removesuffix("px"))
    if element.tag in _SILENT:
        return
    for text in (element.text, element.get("alt")):
        if text and str(text).strip():
            yield Words(str(text).strip(), ink, ground, size)
    for child in element:
        if isinstance(child.tag, str):
            yield from _words(child, ink, ground, size)
        if child.tail and child.tail.strip():
            yield Words(child.tail.strip(), ink, ground, size)


def _declarations(style: str) -> Iterator[tuple[str, str]]:
    for one in style.split(";"):
        name, _, value = one.partition(":")
        yield name.strip(), value.replace("!important", "").strip()


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(load_remote_stylesheets=False)
