"""Keeps what the extractor would lose: quotes with their source, documents, pictures with captions, updates, tables, code.

Before extraction each of these nodes gives its place to a paragraph that holds only a token; afterwards the token in the
extracted text gives its place to the node's Markdown. A token that does not come back was outside the article's body.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from lxml import etree, html
from lxml.html import HtmlElement

from service.articles import attribution, elements, links, markdown
from service.articles.pieces import Document, KeyGraph, LateUpdate, Picture

# From inside any of these a token climbs out, so that it is a paragraph of its own.
CLIMBED: Final = frozenset(
    [
        "a",
        "abbr",
        "b",
        "em",
        "figcaption",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "i",
        "li",
        "mark",
        "ol",
        "p",
        "picture",
        "small",
        "source",
        "span",
        "strong",
        "u",
        "ul",
    ]
)
PARTS_OF_PAGES: Final = re.compile(
    r"doubleclick|googlesyndication|googletagmanager|adservice|/ads?[/.]|recaptcha|disqus|facebook\.com/plugins|subscribe|signup",
    re.IGNORECASE,
)
VIDEOS: Final = re.compile(r"(?:^|\.)(?:youtube(?:-nocookie)?\.com|youtu\.be|vimeo\.com)$")
CREDITED: Final = re.compile(
    r"\(?\b((?:photo(?:graph)?|illustration|picture|image|graphic|foto|bild)s?(?:\s+by\b|:|/)\s*.{2,80}?|credit:\s*.{2,80}?)\)?\.?$",
    re.IGNORECASE,
)
MAX_MARKS: Final = 300


Held = KeyGraph | Picture | Document | LateUpdate


@dataclass(frozen=True)
class Mark:
    token: str
    markdown: str
    is_in_article: bool
    holds: Held | None = None


class Marks:
    """The marks set in one document, in their order; later ones may hold earlier ones."""

    def __init__(self, document: HtmlElement) -> None:
        self.set: list[Mark] = []
        source = _source(document)
        self._stem = "memokeep"
        while self._stem in source:
            self._stem += "q"
        self._token = re.compile(self._stem + r"(\d{5})x")

    @property
    def is_full(self) -> bool:
        return len(self.set) >= MAX_MARKS

    def put(self, node: HtmlElement, text: str, holds: Held | None = None) -> None:
        if not self.is_full:
            token = f"{self._stem}{len(self.set):05d}x"
            self.set.append(Mark(token, text, elements.is_in_article(node), holds))
            _replace(node, token)

    def restore(self, text: str) -> str:
        # Ends, since a mark holds only tokens of marks set before it.
        while self._token.search(text):
            text = self._token.sub(lambda found: f"\n\n{self.set[int(found.group(1))].markdown}\n\n", text)
        return markdown.tidy(text)


def mark(document: HtmlElement) -> Marks:
    marks = Marks(document)
    for figure in elements.every(document, "figure"):
        if not marks.is_full and elements.is_within(figure, document):  # and not in one that has its mark
            _mark_figure(marks, figure)
    for quote in elements.every(document, "blockquote"):
        if not marks.is_full and elements.is_within(quote, document):
            _mark_quote(marks, quote, quote)
    for frame in elements.every(document, "iframe", "embed", "object"):
        _mark_document(marks, frame, frame, "")
    for image in elements.every(document, "img"):
        _mark_lone_picture(marks, image)
    for block in elements.every(document, "pre", "table", "ol"):
        _mark_block(marks, block)
    return marks


def _mark_lone_picture(marks: Marks, image: HtmlElement) -> None:
    if not any(above.tag in ("table", "pre") for above in elements.ancestors(image)):
        _mark_picture(marks, image, image, None)


def _mark_block(marks: Marks, block: HtmlElement) -> None:
    if marks.is_full or not elements.is_in_article(block):
        return
    if elements.text(block) and not elements.is_mostly_links(block):
        marks.put(block, markdown.from_html(_source(block)))


def _mark_figure(marks: Marks, figure: HtmlElement) -> None:
    quote = elements.first(figure, "blockquote")
    frame = elements.first(figure, "iframe", "embed", "object")
    images = list(elements.every(figure, "img"))
    caption = elements.first(figure, "figcaption")
    if quote is not None:
        _mark_quote(marks, figure, quote)
    elif frame is not None:
        for link in elements.every(caption, "a") if caption is not None else ():
            if link.get("href") == frame.get("src"):  # the card is that link already
                elements.drop(link)
        words, credit = _credited(caption)
        _mark_document(marks, figure, frame, _with_credit(words, credit))
    elif len(images) == 1:
        _mark_picture(marks, figure, images[0], caption)


def _mark_quote(marks: Marks, place: HtmlElement, quote: HtmlElement) -> None:
    whose = attribution.take(quote)
    words = markdown.from_element(quote)
    if not words:
        elements.drop(place)
        return
    outlet = whose.outlet or (urlsplit(whose.source_url).hostname if whose.source_url else None)
    named = (
        markdown.link(outlet, whose.source_url)
        if outlet and whose.source_url
        else markdown.one_line(outlet or "")
    )
    source = ", ".join(filter(None, [markdown.one_line(whose.speaker or ""), named]))
    text = markdown.quoted(words + (f"\n\n— {source}" if source else ""))
    is_from_elsewhere = whose.source_url or (whose.outlet and whose.speaker)
    graph = KeyGraph(words, whose.speaker, outlet, whose.source_url) if is_from_elsewhere else None
    marks.put(place, text, graph)


def _mark_document(marks: Marks, place: HtmlElement, frame: HtmlElement, caption: str) -> None:
    url = frame.get("data" if frame.tag == "object" else "src") or ""
    if not url or links.is_tracking(frame) or PARTS_OF_PAGES.search(url):
        elements.drop(place)
        return
    parts = urlsplit(url)
    file_name = unquote(parts.path.rstrip("/").rpartition("/")[2])
    title = (
        " ".join((frame.get("title") or frame.get("aria-label") or "").split()) or caption[:120] or file_name
    )
    kind = "Video" if VIDEOS.search(parts.hostname or "") else "Document"
    text = markdown.link(f"{kind}: {title or parts.hostname}", url)
    if caption:
        text += f"\n\n*{markdown.one_line(caption)}*"
    marks.put(place, text, Document(title or parts.hostname or url, url, caption))


def _mark_picture(marks: Marks, place: HtmlElement, image: HtmlElement, caption: HtmlElement | None) -> None:
    words, credit = _credited(caption)
    picture = Picture(image.get("src") or "", " ".join((image.get("alt") or "").split()), words, credit)
    text = markdown.picture(picture.alt, picture.url)
    below = _with_credit(words, credit)
    marks.put(place, text + (f"\n\n*{markdown.one_line(below)}*" if below else ""), picture)


def _with_credit(words: str, credit: str) -> str:
    return f"{words} ({credit})" if words and credit else words or credit


def _credited(caption: HtmlElement | None) -> tuple[str, str]:
    if caption is None:
        return "", ""
    for part in elements.every(caption, "span", "small", "cite", "em", "p", "div"):
        if {"credit", "credits", "photographer", "copyright"} & elements.words(part) or part.tag in (
            "small",
            "cite",
        ):
            credit = elements.text(part)
            elements.drop(part)
            return elements.text(caption), credit.strip("()")
    whole = elements.text(caption)
    match = CREDITED.search(whole)
    return (whole[: match.start()].strip(), match.group(1)) if match else (whole, "")


def _source(node: HtmlElement) -> str:
    return str(etree.tostring(node, encoding="unicode", method="html", with_tail=False))


def _replace(node: HtmlElement, token: str) -> None:
    paragraph = html.Element("p")
    paragraph.text = token
    outermost = node
    for above in elements.ancestors(node):
        if above.tag == "aside" or (above.tag in CLIMBED and outermost is not above):
            outermost = above
        elif above.tag in elements.CONTAINERS:
            break
    holder = elements.parent(outermost)
    if holder is None:
        return
    if outermost is node:
        paragraph.tail = node.tail
        holder.replace(node, paragraph)
        return
    holder.insert(holder.index(outermost) + 1, paragraph)
    paragraph.tail, outermost.tail = outermost.tail, None
    elements.drop(node)
