"""HTML of an article's body to Markdown, the one source of its text. What is not text, list, table, link or picture goes."""

import re
from typing import Final

import markdownify
import nh3
from lxml import etree
from lxml.html import HtmlElement

TAGS: Final = frozenset(
    {
        *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre", "code"),
        *("a", "img", "em", "i", "strong", "b", "s", "del", "ins", "sub", "sup"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
)
ATTRIBUTES: Final = {"a": {"href", "title"}, "img": {"src", "alt"}}
SPACES: Final = re.compile(r"[ \t]+\n")
# No part of these may run past the next opening bracket: a page of a million "[" must cost no more than its length.
IMAGE: Final = re.compile(r"!\[(?:[^\[\]\\]|\\.)*\]\([^()\s]*(?: \"[^\"\n]{0,300}\")?\)")
LINK: Final = re.compile(r"\[((?:[^\[\]\\]|\\.)*)\]\([^()\s]*(?: \"[^\"\n]{0,300}\")?\)")
BLANK_LINES: Final = re.compile(r"\n{3,}")


def from_html(html: str) -> str:
    clean = nh3.clean(
        html,
        tags=set(TAGS),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )
    text = markdownify.markdownify(clean, heading_style=markdownify.ATX, bullets="-", table_infer_header=True)
    return tidy(text)


def from_element(element: HtmlElement) -> str:
    """The Markdown of what the element holds, without the element itself or the text after it."""
    inner = (element.text or "") and escape_html(element.text or "")
    return from_html(
        inner + "".join(etree.tostring(child, encoding="unicode", method="html") for child in element)
    )


def tidy(text: str) -> str:
    return BLANK_LINES.sub("\n\n", SPACES.sub("\n", text)).strip()


def escape_html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def link(label: str, url: str) -> str:
    return f"[{one_line(label)}]({destination(url)})"


def picture(alt: str, url: str) -> str:
    return f"![{one_line(alt)}]({destination(url)})"


def destination(url: str) -> str:
    return (
        url.replace("(", "%28")
        .replace(")", "%29")
        .replace(" ", "%20")
        .replace("<", "%3C")
        .replace(">", "%3E")
    )


def one_line(text: str) -> str:
    """Text that may stand inside a link or between asterisks."""
    return re.sub(r"([\\\[\]*_`])", r"\\\1", " ".join(text.split()))


def quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def plain(text: str) -> str:
    """Markdown's words without its marks, for a line of text."""
    return re.sub(r"[*_`#>]|\\(?=\W)", "", LINK.sub(r"\1", IMAGE.sub("", text)))
