"""Whose words a block quote holds, and which outlet published them: read from its footer, cite, caption or a line below."""

import re
from dataclasses import dataclass
from typing import Final

from lxml.html import HtmlElement

from service.articles import elements

DASHED: Final = re.compile(r"^\s*[—–―]\s*\S|^\s*--\s*\S")
AROUND: Final = " \t\n,;:.—–―-|·()"
MAX_LENGTH: Final = 250


@dataclass(frozen=True)
class Attribution:
    speaker: str | None = None
    outlet: str | None = None
    source_url: str | None = None


def take(quote: HtmlElement) -> Attribution:
    """Read the quote's attribution and take it out of the tree, so that it is not part of the quoted words."""
    found = _inside(quote)
    if found is None:
        found = _beside(quote)
    cited = quote.get("cite") or None
    if found is None:
        return Attribution(source_url=cited)
    read = _read(found, cited)
    elements.drop(found)
    return read


def _inside(quote: HtmlElement) -> HtmlElement | None:
    for tag in ("footer", "figcaption"):
        if (found := elements.first(quote, tag)) is not None:
            return found
    children = [child for child in quote if isinstance(child, HtmlElement)]
    last = children[-1] if children else None
    if last is None or len(elements.text(last)) > MAX_LENGTH:
        return None
    is_cite = last.tag == "cite" or (
        elements.text(last) and elements.text(elements.first(last, "cite")) == elements.text(last)
    )
    return last if is_cite or (len(children) > 1 and DASHED.match(elements.text(last))) else None


def _beside(quote: HtmlElement) -> HtmlElement | None:
    above = elements.parent(quote)
    if above is not None and above.tag == "figure":
        return elements.first(above, "figcaption")
    after = quote.getnext()
    if (
        not isinstance(after, HtmlElement)
        or after.tag not in ("p", "div", "cite")
        or (quote.tail or "").strip()
    ):
        return None
    is_short = 0 < len(elements.text(after)) <= MAX_LENGTH
    is_named = after.tag == "cite" or {"attribution", "source"} & elements.words(after)
    return after if is_short and (is_named or DASHED.match(elements.text(after))) else None


def _read(found: HtmlElement, cited: str | None) -> Attribution:
    whole = elements.text(found)
    cite = elements.first(found, "cite")
    link = next((a for a in elements.every(found, "a") if (a.get("href") or "").startswith("http")), None)
    source_url = cited or (link.get("href") if link is not None else None)
    outlet = _outlet(whole, cite, link, has_source=source_url is not None)
    before = whole.partition(outlet)[0] if outlet else whole
    return Attribution(before.strip(AROUND) or None, outlet or None, source_url)


def _outlet(whole: str, cite: HtmlElement | None, link: HtmlElement | None, *, has_source: bool) -> str:
    if link is not None and (cite is None or not _are_nested(cite, link)):
        return elements.text(link).strip(AROUND)
    if cite is not None:
        named = elements.text(cite)
        # A cite that stands alone and leads nowhere names the speaker, as most pages use it.
        return named.strip(AROUND) if has_source or named != whole.strip(AROUND) else ""
    return whole.rpartition(", ")[2].strip(AROUND) if has_source else ""


def _are_nested(one: HtmlElement, other: HtmlElement) -> bool:
    return other in elements.ancestors(one) or one in elements.ancestors(other)
