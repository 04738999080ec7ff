"""An article out of the bytes of a web page. Pure: the same bytes give the same article, and any bytes give one or an error.

bytes -> decoding -> page.read (facts) -> links.settle -> prune -> marking -> trafilatura -> markdown -> restore -> judge
"""

import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import trafilatura
from lxml import etree, html
from lxml.html import HtmlElement

from service.articles import decoding, elements, links, markdown, marking, page, updates
from service.articles.marking import Mark, Marks
from service.articles.page import Comments, Facts
from service.articles.pieces import Document, KeyGraph, LateUpdate, Picture
from service.errors import Invalid

MAX_PAGE_BYTES: Final = 2_000_000
MAX_TAGS: Final = 60_000
MIN_TEXT_LENGTH: Final = 200
# Shorter lines are names, dates and labels, no sentences.
MIN_LINE_LENGTH: Final = 25
SHORT_TEXT_LENGTH: Final = 800
MOSTLY_LINKS: Final = 0.5
LISTED_HEADLINES: Final = 3
A_LIST: Final = "This page is a list of articles, not an article. Give the address of one of them."

NOT_FOUND: Final = re.compile(
    r"\b(?:404|page not found|not found|no longer (?:available|exists)|(?:seite|artikel) nicht gefunden|page introuvable|"
    r"p[áa]gina no encontrada)\b|^(?:error|oops)\b",
    re.IGNORECASE,
)
DECLARATION: Final = re.compile(r"^\s*<\?xml[^>]*>")
# What stands around the body and is either read as a fact or no part of the article.
AROUND_BODY: Final = frozenset(
    [
        "byline",
        "deck",
        "dek",
        "standfirst",
        "kicker",
        "story-meta",
        "comment-count",
        "cookie",
        "cookies",
        "consent",
        "gdpr",
    ]
)


class CouldNotExtract(Invalid):
    """No article could be read from this page. Check the address, or write the item by hand."""


@dataclass(frozen=True)
class Extracted:
    canonical_url: str
    headline: str
    deck: str
    byline: str
    section: str
    published_at: datetime | None
    language: str
    body_markdown: str
    picture: Picture | None
    key_graphs: list[KeyGraph] = field(default_factory=list)
    late_updates: list[LateUpdate] = field(default_factory=list)
    documents: list[Document] = field(default_factory=list)
    comments: Comments | None = None
    warnings: list[str] = field(default_factory=list)


def extract(data: bytes, url: str, *, charset: str | None = None) -> Extracted:
    if len(data) > MAX_PAGE_BYTES:
        raise CouldNotExtract("This page is bigger than 2 MB, which no article is. Check the address.")
    decoded = decoding.decode(data, charset=charset)
    try:
        document = _parse(decoded.text)
        facts = page.read(document, url)
        if _is_index(document):
            raise CouldNotExtract(A_LIST)
        listed = _listed_headlines(document)
        marks = _mark(document, url, facts)
        text = _body(document)
        body = marks.restore(text)
    except CouldNotExtract:
        raise
    except Exception as error:
        # Three parsers work on whatever a stranger's server sent; all that may be learnt is that it cannot be read.
        raise CouldNotExtract from error
    _judge(body, facts, listed)
    extracted = _assemble(facts, marks, text)
    if decoded.replaced_bytes:
        extracted.warnings.append(
            f"{decoded.replaced_bytes} unreadable bytes were replaced; look for \ufffd in the text."
        )
    return extracted


def _parse(text: str) -> HtmlElement:
    if "<" not in text:
        raise CouldNotExtract
    if text.count("<") > MAX_TAGS:
        raise CouldNotExtract(
            "This page has more parts than any article. Check the address, or write the item by hand."
        )
    # lxml refuses text that still declares an encoding of bytes.
    document = html.document_fromstring(DECLARATION.sub("", text))
    if not isinstance(document, HtmlElement):
        raise CouldNotExtract
    return document


def _mark(document: HtmlElement, url: str, facts: Facts) -> Marks:
    etree.strip_elements(document, "script", "style", "noscript", "template", etree.Comment, with_tail=False)
    links.settle(document, url)
    for found in elements.every(document, "form"):
        _drop_form(found)
    for found in elements.every(document):
        if _is_around_body(found, facts):
            elements.drop(found)
    marks = marking.mark(document)
    updates.mark(marks, document)
    return marks


def _is_around_body(found: HtmlElement, facts: Facts) -> bool:
    if found.tag == "h1":
        return elements.text(found) == facts.headline
    # A box of that name that holds a whole story is not what its name says.
    return bool(AROUND_BODY & elements.words(found)) and len(elements.text(found)) <= SHORT_TEXT_LENGTH


def _drop_form(form: HtmlElement) -> None:
    """Take a form away with the box around it that is there for the form alone ("Start your day with us")."""
    box = form
    for above in elements.ancestors(form):
        if (
            above.tag not in ("div", "section", "aside", "dialog")
            or len(elements.text(above)) > SHORT_TEXT_LENGTH
        ):
            break
        if above.tag != "div":
            box = above
    elements.drop(box)


def _body(document: HtmlElement) -> str:
    found = trafilatura.extract(
        document,
        output_format="html",
        include_comments=False,
        include_formatting=True,
        include_links=True,
        include_images=False,
        include_tables=True,
    )
    if not found:
        raise CouldNotExtract
    return markdown.from_html(found)


def _judge(body: str, facts: Facts, listed: list[str]) -> None:
    without_pictures = markdown.IMAGE.sub("", body)
    linked = sum(len(label) for label in markdown.LINK.findall(without_pictures))
    text = markdown.LINK.sub(r"\1", without_pictures)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    length = sum(len(line) for line in lines if len(line) >= MIN_LINE_LENGTH)
    if length < SHORT_TEXT_LENGTH and NOT_FOUND.search(facts.headline):
        raise CouldNotExtract("This page says that the article was not found. Check the address.")
    if facts.is_behind_paywall and length < SHORT_TEXT_LENGTH:
        raise CouldNotExtract(
            "This page shows only the beginning of the article to us. Write the item by hand."
        )
    if length < MIN_TEXT_LENGTH:
        raise CouldNotExtract(
            "This page has too little text to be an article. Check the address, or write the item by hand."
        )
    if linked > MOSTLY_LINKS * length or sum(headline in text for headline in listed) >= LISTED_HEADLINES:
        raise CouldNotExtract(
            "This page is a list of articles, not an article. Give the address of one of them."
        )


def _listed_headlines(document: HtmlElement) -> list[str]:
    """Headings that are links, as index pages have them."""
    found = []
    for heading in elements.every(document, "h1", "h2", "h3", "h4"):
        link = elements.first(heading, "a")
        if link is None:
            link = next((above for above in elements.ancestors(heading) if above.tag == "a"), None)
        if link is not None and link.get("href") and len(elements.text(heading)) > 15:
            found.append(elements.text(heading))
    return list(dict.fromkeys(found))


def _is_index(document: HtmlElement) -> bool:
    """True if the page has cards that lead to articles, and no article of some length."""
    cards = 0
    for found in elements.every(document, "article"):
        is_card = any(
            elements.first(heading, "a") is not None
            for heading in elements.every(found, "h1", "h2", "h3", "h4")
        )
        length = sum(len(elements.text(line)) for line in elements.every(found, "p"))
        if length >= SHORT_TEXT_LENGTH / 2:
            return False
        cards += is_card
    return cards > LISTED_HEADLINES


def _assemble(facts: Facts, marks: Marks, text: str) -> Extracted:
    kept = _kept(marks, text)
    lead = _lead(facts, marks, text)
    if lead is not None and lead.token in text:
        text = text.replace(lead.token, "")
    missed = [mark for mark in marks.set if mark not in kept and mark.is_in_article and _must_stay(mark)]
    body = marks.restore("\n\n".join([text, *(mark.token for mark in missed)]))
    held = [mark.holds for mark in [*kept, *missed]]
    picture = lead.holds if lead is not None and isinstance(lead.holds, Picture) else None
    if picture is None and facts.picture_url:
        picture = Picture(facts.picture_url, facts.picture_alt, "", "")
    return Extracted(
        canonical_url=facts.canonical_url,
        headline=facts.headline,
        deck=facts.deck,
        byline=facts.byline,
        section=facts.section,
        published_at=facts.published_at,
        language=facts.language,
        body_markdown=body,
        picture=picture,
        key_graphs=[
            replace(one, quote_markdown=marks.restore(one.quote_markdown))
            for one in held
            if isinstance(one, KeyGraph)
        ],
        late_updates=[
            replace(one, text_markdown=marks.restore(one.text_markdown))
            for one in held
            if isinstance(one, LateUpdate)
        ],
        documents=[one for one in held if isinstance(one, Document)],
        comments=facts.comments,
        warnings=_warnings(facts, missed),
    )


def _kept(marks: Marks, text: str) -> list[Mark]:
    """The marks whose token came back, and those inside them, as they stand in the text."""
    for mark in reversed(marks.set):
        text = text.replace(mark.token, f"{mark.token} {mark.markdown}")
    return sorted((mark for mark in marks.set if mark.token in text), key=lambda mark: text.index(mark.token))


def _must_stay(mark: Mark) -> bool:
    return isinstance(mark.holds, Document | LateUpdate | KeyGraph)


def _lead(facts: Facts, marks: Marks, text: str) -> Mark | None:
    """The picture on top: the one the page names, else one that stands before the text, else the only kind there is."""
    pictures = [mark for mark in marks.set if isinstance(mark.holds, Picture) and mark.is_in_article]
    named = (facts.picture_url or "").partition("?")[0].rpartition("/")[2]
    for mark in pictures:
        if (
            named
            and isinstance(mark.holds, Picture)
            and mark.holds.url.partition("?")[0].endswith("/" + named)
        ):
            return mark
    for mark in pictures:
        if text.startswith(mark.token) or mark.token not in text or not facts.picture_url:
            return mark
    return None


def _warnings(facts: Facts, missed: list[Mark]) -> list[str]:
    found = []
    if not facts.headline:
        found.append("The page has no title; write a headline.")
    if facts.published_at is None:
        found.append("The page has no readable date.")
    if missed:
        found.append(
            f"{len(missed)} quotes, documents or updates stand at the end: their place was not found."
        )
    return found
