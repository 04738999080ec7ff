"""Which features of HTML and CSS a message's page uses, by the names of caniemail.com, and who cannot show them."""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from lxml import etree
from lxml import html as lxml_html

SUPPORT = Path(__file__).parent / "caniemail" / "support.tsv"
# Shown everywhere, so that nobody has tested it; or said to Word alone.
UNIVERSAL = {"color", "font-family", "font-style", "mso-padding-alt"}
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DECLARATION = re.compile(r"([a-z-]+)\s*:\s*([^;{}]+)")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_TAGS = {
    **{f"h{level}": "html-h1-h6" for level in range(1, 7)},
    **dict.fromkeys(("ul", "ol", "li"), "html-lists"),
    **dict.fromkeys(("strong", "b"), "html-strong"),
    "s": "html-strike",
}
_FAMILIES = ("padding", "margin", "border", "background", "font", "list-style")
_PSEUDO = re.compile(r":([a-z-]+)")


@lru_cache(maxsize=1)
def support() -> dict[str, dict[str, str]]:
    """Feature to mail program to y, a, n or u."""
    head, *rows = SUPPORT.read_text(encoding="utf-8").splitlines()
    programs = head.split("\t")[1:]
    found = {}
    for row in rows:
        feature, *letters = row.split("\t")
        found[feature] = dict(zip(programs, letters, strict=True))
    return found


def used(page: str) -> set[str]:
    """Names that caniemail has, and `?property` for a property that it does not have."""
    root = lxml_html.document_fromstring(_COMMENT.sub("", page))
    found = {"html-doctype", "html-comments"}
    for element in root.iter(etree.Element):
        found |= set(_of_element(element))
    for style in root.iter("style"):
        found |= set(_of_sheet(style.text or ""))
    return {name for name in found if name in support() or name.startswith("?")}


def missing(features: set[str]) -> set[tuple[str, str]]:
    """Mail program and feature, where it is not there at all."""
    table = support()
    return {
        (program, feature)
        for feature in features
        for program, letter in table.get(feature, {}).items()
        if letter == "n"
    }


def _of_element(element: etree._Element) -> Iterator[str]:
    tag = str(element.tag)
    yield _TAGS.get(tag, f"html-{tag}")
    for name, value in ((str(name), value) for name, value in element.attrib.items()):
        yield f"html-{name}"
        if name == "style":
            yield from _of_declarations(str(value))
        elif name == "href" and str(value).startswith("mailto:"):
            yield "html-mailto-links"
        elif name == "src":
            yield f"image-{str(value).rpartition('.')[2].lower()}"
        elif (name, value) == ("name", "color-scheme"):
            yield "html-meta-color-scheme"


def _of_sheet(css: str) -> Iterator[str]:
    for query in re.findall(r"@media[^{]*", css):
        yield "css-at-media"
        yield from (f"css-at-media-{name}" for name in re.findall(r"\((prefers-[a-z-]+)", query))
    for selector, declarations in _RULE.findall(re.sub(r"@media[^{]*\{", "", css)):
        yield from _of_selector(selector.strip())
        yield from _of_declarations(declarations)


def _of_selector(selector: str) -> Iterator[str]:
    yield from (f"css-pseudo-class-{name}" for name in _PSEUDO.findall(selector))
    for sign, name in (
        (",", "grouping"),
        (".", "class"),
        ("+", "adjacent-sibling"),
        (">", "child"),
        ("[", "attribute"),
    ):
        if sign in selector:
            yield f"css-selector-{name}"
    if any(" " in one.strip() for one in selector.split(",")):
        yield "css-selector-descendant"
    if re.search(r"[a-z]\.[a-z]|\.[a-z-]+\.", selector):
        yield "css-selector-chaining"


def _of_declarations(text: str) -> Iterator[str]:
    for name, value in _DECLARATION.findall(text):
        yield from _of_property(name)
        for unit in re.findall(r"\d(px|em|rem|%|vw|vh|ch)", value):
            yield "css-unit-percent" if unit == "%" else f"css-unit-{unit}"
        for function in re.findall(r"([a-z-]+)\(", value):
            yield {"calc": "css-unit-calc", "var": "css-variables"}.get(function, f"css-{function}")
        if "!important" in value:
            yield "css-important"
        if name == "display" and value.strip() in {"flex", "grid", "none"}:
            yield f"css-display-{value.strip()}"


def _of_property(name: str) -> Iterator[str]:
    if name in UNIVERSAL:
        return
    names = [f"css-{name}", *(f"css-{family}" for family in _FAMILIES if name.startswith(f"{family}-"))]
    known = next((one for one in names if one in support()), None)
    yield known or f"?{name}"
