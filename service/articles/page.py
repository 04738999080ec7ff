"""What a page says about its article: where it really lives, what it is called, who wrote it and when."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from service.articles import dates, elements, links, structured

TEMPORARY_HOSTS: Final = re.compile(r"^(?:www|amp|m|mobile)\.")
BY: Final = re.compile(r"^(?:by|von|par|por|door|di)\s+", re.IGNORECASE)
COUNTED: Final = re.compile(
    r"\b(\d{1,3}(?:[,.\s]\d{3})+|\d{1,7})\s+(?:reader\s+)?(?:comments?|replies|responses)\b", re.IGNORECASE
)
DECKS: Final = frozenset({"deck", "dek", "standfirst", "subtitle", "subheadline", "subhead"})


@dataclass(frozen=True)
class Comments:
    count: int
    url: str


@dataclass(frozen=True)
class Facts:
    canonical_url: str
    headline: str
    deck: str
    byline: str
    section: str
    published_at: datetime | None
    language: str
    picture_url: str | None
    picture_alt: str
    comments: Comments | None
    is_behind_paywall: bool


def canonical(document: HtmlElement, url: str) -> str:
    """The address the page names as its own (RFC 6596, Open Graph), if it is one this page may speak for."""
    named = [
        link.get("href")
        for link in elements.every(document, "link")
        if "canonical" in (link.get("rel") or "").lower().split()
    ]
    named.append(structured.metas(document).get("og:url"))
    base = links.base_of(document, url)
    for address in named:
        found = links.absolute(base, address)
        if found and _may_speak_for(url, found):
            return found.partition("#")[0]
    return url.partition("#")[0]


def _may_speak_for(url: str, claimed: str) -> bool:
    # Otherwise any page could pass for, and so replace, the article of another paper. A home page is no
    # article's address either: a common slip of site templates.
    here, there = urlsplit(url), urlsplit(claimed)
    ours, theirs = (TEMPORARY_HOSTS.sub("", (parts.hostname or "").lower()) for parts in (here, there))
    is_same_site = ours == theirs or ours.endswith("." + theirs) or theirs.endswith("." + ours)
    if not is_same_site or _port(here.netloc) != _port(there.netloc):
        return False
    return bool(there.path.strip("/") or there.query) or not here.path.strip("/")


def _port(netloc: str) -> str:
    found = re.search(r":(\d+)$", netloc)
    return "" if found is None or found.group(1) in ("80", "443") else found.group(1)


def read(document: HtmlElement, url: str) -> Facts:
    metas, data = structured.metas(document), structured.article_data(document)
    base = links.base_of(document, url)
    image = (
        metas.get("og:image:secure_url")
        or metas.get("og:image")
        or metas.get("twitter:image")
        or _image(data)
    )
    return Facts(
        canonical_url=canonical(document, url),
        headline=_headline(document, metas, data),
        deck=_deck(document, metas, data),
        byline=_byline(document, metas, data),
        section=metas.get("article:section") or structured.plain(data.get("articleSection")),
        published_at=_published_at(document, metas, data),
        language=_language(document, metas),
        picture_url=links.absolute(base, image),
        picture_alt=metas.get("og:image:alt", ""),
        comments=_comments(document, data, base),
        is_behind_paywall=str(data.get("isAccessibleForFree", "")).lower() == "false",
    )


def _image(data: dict[str, Any]) -> str:
    image = data.get("image")
    one = image[0] if isinstance(image, list) and image else image
    return structured.plain(one.get("url") if isinstance(one, dict) else one)


def _headline(document: HtmlElement, metas: dict[str, str], data: dict[str, Any]) -> str:
    stated = structured.plain(data.get("headline"))
    if stated:
        return stated
    tops = [found for found in elements.every(document, "h1") if elements.text(found)]
    inside = [found for found in tops if elements.is_in_article(found)]
    for candidates in (inside, tops):
        if len(candidates) == 1:
            return elements.text(candidates[0])
    return metas.get("og:title") or _without_site(elements.text(elements.first(document, "title")), metas)


def _without_site(title: str, metas: dict[str, str]) -> str:
    head, mark, tail = title.rpartition(" | ")
    if not mark:
        head, mark, tail = title.rpartition(" – ")
    is_site_name = tail == metas.get("og:site_name") or (mark == " | " and len(tail) < len(head))
    return head.strip() if mark and head.strip() and is_site_name else title


def _deck(document: HtmlElement, metas: dict[str, str], data: dict[str, Any]) -> str:
    for found in elements.every(document, "p", "h2", "div"):
        if DECKS & elements.words(found) and elements.is_in_article(found):
            return elements.text(found)
    return (
        structured.plain(data.get("description"))
        or metas.get("og:description")
        or metas.get("description", "")
    )


def _byline(document: HtmlElement, metas: dict[str, str], data: dict[str, Any]) -> str:
    names = structured.names(data.get("author")) or structured.names(metas.get("author"))
    if not names:
        inside = [found for found in elements.every(document) if elements.is_in_article(found)]
        names = [
            elements.text(found)
            for found in inside
            if found.get("rel") == "author" or found.get("itemprop") == "author"
        ]
        names = names or [elements.text(found) for found in inside if "byline" in elements.words(found)][:1]
    names = list(dict.fromkeys(BY.sub("", name) for name in names if 0 < len(name) < 200))
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def _published_at(document: HtmlElement, metas: dict[str, str], data: dict[str, Any]) -> datetime | None:
    names = (
        "article:published_time",
        "datepublished",
        "date",
        "dc.date",
        "dcterms.created",
        "parsely-pub-date",
    )
    stated = [structured.plain(data.get("datePublished")), *(metas.get(name) for name in names)]
    stated += [
        found.get("datetime") for found in elements.every(document, "time") if elements.is_in_article(found)
    ]
    return next((moment for text in stated if (moment := dates.read(text))), None)


def _language(document: HtmlElement, metas: dict[str, str]) -> str:
    root = elements.first(document, "html")
    stated = (root.get("lang") if root is not None else None) or metas.get("og:locale", "")
    tag = stated.strip().replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", tag) else ""


def _comments(document: HtmlElement, data: dict[str, Any], base: str) -> Comments | None:
    count = structured.number(data.get("commentCount"))
    address = links.absolute(base, structured.plain(data.get("discussionUrl")))
    for found in elements.every(document, "a", "section", "div", "h2", "h3", "span"):
        href = found.get("href") or ""
        if "comments" not in href and not {"comments", "comment-count"} & elements.words(found):
            continue
        match = COUNTED.search(elements.text(found)[:300])
        if match and count is None:
            count = int(re.sub(r"\D", "", match.group(1)))
        if address is None and (href or found.get("id") == "comments"):
            address = links.absolute(base, href or "#comments")
    return None if count is None else Comments(count, address or base)
