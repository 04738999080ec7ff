"""Addresses inside a page: made absolute, and pictures found where lazy loading hides them (NB-49's kind of fault)."""

import re
from typing import Final
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from service.articles import elements

BEST_WIDTH: Final = 1600
LAZY: Final = ("data-src", "data-lazy-src", "data-original", "data-lazy", "data-url")
LAZY_SETS: Final = ("data-srcset", "data-lazy-srcset", "srcset")
PLACEHOLDER: Final = re.compile(
    r"(?:blank|placeholder|spacer|transparent|pixel|1x1|lazy-?load)[^/]*\.(?:gif|png|svg|jpe?g)", re.I
)
HIDDEN: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|(?:width|height)\s*:\s*[012](?:px)?\s*(?:;|$)", re.I
)
CANDIDATE: Final = re.compile(r"\s*([^\s,]\S*[^\s,])(?:\s+([\d.]+)([wx]))?\s*(?:,|$)")


def base_of(document: HtmlElement, url: str) -> str:
    for element in document.iter("base"):
        return absolute(url, element.get("href")) or url
    return url


def absolute(base: str, address: str | None, *, schemes: tuple[str, ...] = ("http", "https")) -> str | None:
    """The address resolved against its page, or None if it leads nowhere a reader could go."""
    text = re.sub(r"[\t\r\n]", "", address or "").strip()
    if not text:
        return None
    try:
        joined = urljoin(base, text)
        parts = urlsplit(joined)
        here = urlsplit(base)
        if parts.scheme not in schemes or (parts.scheme in ("http", "https") and not parts.hostname):
            return None
    except ValueError:
        return None
    joined = joined.replace(" ", "%20")
    if here.scheme == "https" and parts.scheme == "http" and parts.netloc == here.netloc:
        return "https" + joined[4:]
    return joined


def picture_of(image: HtmlElement, base: str) -> str | None:
    """The address of the picture a reader would see, or None for tracking pixels and placeholders."""
    if is_tracking(image):
        return None
    sets = [image.get(name) for name in LAZY_SETS]
    # The parser knows no void <source>, so the img may stand inside one.
    for around in elements.ancestors(image):
        if around.tag not in ("picture", "source"):
            break
        sets += [source.get(name) for source in elements.every(around, "source") for name in LAZY_SETS]
    candidates = [image.get(name) for name in LAZY]
    candidates += [best for text in sets if text and (best := _best(text))]
    candidates.append(image.get("src"))
    for candidate in candidates:
        if candidate and not PLACEHOLDER.search(candidate) and (found := absolute(base, candidate)):
            return found
    return None


def is_tracking(image: HtmlElement) -> bool:
    sizes = [(image.get(name) or "").strip().removesuffix("px") for name in ("width", "height")]
    return any(size in ("0", "1", "2") for size in sizes) or bool(HIDDEN.search(image.get("style") or ""))


def _best(srcset: str) -> str | None:
    """The widest picture that is not needlessly wide (WHATWG HTML, srcset)."""
    found: list[tuple[float, str]] = [
        (float(size or 1) * (BEST_WIDTH / 2 if unit != "w" else 1), address)
        for address, size, unit in CANDIDATE.findall(srcset[:10_000])
        if size.count(".") < 2 and size != "."
    ]
    fitting = [entry for entry in found if entry[0] <= BEST_WIDTH]
    if fitting:
        return max(fitting)[1]
    return min(found)[1] if found else None


def settle(document: HtmlElement, url: str) -> str:
    """Make every address in the document absolute, in place; drop what leads nowhere. Returns the base used."""
    base = base_of(document, url)
    for image in list(document.iter("img")):
        found = picture_of(image, base)
        if found is None:
            _drop_with_empty_link(image)
        else:
            image.set("src", found)
    for link in list(document.iter("a")):
        found = absolute(base, link.get("href"), schemes=("http", "https", "mailto", "tel"))
        if found is None:
            link.attrib.pop("href", None)
        else:
            link.set("href", found)
    for tag, attribute in (
        ("iframe", "src"),
        ("embed", "src"),
        ("object", "data"),
        ("blockquote", "cite"),
        ("q", "cite"),
    ):
        for element in document.iter(tag):
            lazy = element.get("data-src") if tag == "iframe" else None
            element.set(attribute, absolute(base, lazy or element.get(attribute)) or "")
    return base


def _drop_with_empty_link(image: HtmlElement) -> None:
    parent = image.getparent()
    if parent is None:
        return
    image.drop_tree()
    if (
        parent.tag == "a"
        and not len(parent)
        and not (parent.text or "").strip()
        and parent.getparent() is not None
    ):
        parent.drop_tree()
