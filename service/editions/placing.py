"""An article as blocks of an edition. Pure.

A lead or item shows the opening of an article on the web, and the whole of one that was written for us. The quotes, documents and
updates that were marked in a page stand in blocks of their own, and the opening ends where the first of them stood.
"""

import re
from collections.abc import Sequence
from typing import Any

from service.articles.models import Article, Source
from service.rendering import links
from service.rendering.blocks import (
    Block,
    Brief,
    Comments,
    DocumentCard,
    Item,
    KeyGraph,
    LateUpdate,
    Lead,
    Picture,
)

LEAD_PARAGRAPHS = 4
ITEM_PARAGRAPHS = 2
LEAD_KEY_GRAPHS = 2
ITEM_KEY_GRAPHS = 1
DOCUMENTS = 2
WHOLE_CHARACTERS = 6000
_NO_PROSE = re.compile(r"(?:>|#|!\[|\[Document:|\||```|~~~|    |\*\*\*|---|<)")
_PARAGRAPHS = re.compile(r"\n\s*\n")
# The block has a label of its own.
_LABEL = re.compile(r"(?:late(?:st)?\s+|breaking\s+)?update[ds]?\b[\s,:–-]*", re.IGNORECASE)


def lead(article: Article) -> list[Block]:
    head = Lead(**_story(article, LEAD_PARAGRAPHS))
    return [head, *_key_graphs(article, LEAD_KEY_GRAPHS), *_documents(article), *_comments(article)]


def item(article: Article) -> list[Block]:
    head = Item(**_story(article, ITEM_PARAGRAPHS))
    return [head, *_key_graphs(article, ITEM_KEY_GRAPHS), *_documents(article), *_comments(article)]


def brief(article: Article) -> Brief:
    return Brief(headline=article.headline, text=article.deck or None, url=_web(article.url))


def is_shown_whole(article: Article) -> bool:
    """What was written for us, or lives nowhere else, is shown as it is; of an article on the web a reader gets the opening."""
    if _web(article.url) is None:
        return True
    return article.source in (Source.MARKDOWN, Source.API) and len(article.body_markdown) <= WHOLE_CHARACTERS


def opening(body_markdown: str, paragraphs: int) -> str:
    """The first paragraphs of running text, up to the first thing that is none."""
    kept: list[str] = []
    for paragraph in _PARAGRAPHS.split(body_markdown.strip()):
        if _NO_PROSE.match(paragraph):
            if kept:
                break
            continue
        kept.append(paragraph.strip())
        if len(kept) == paragraphs:
            break
    return "\n\n".join(kept)


def _story(article: Article, paragraphs: int) -> dict[str, Any]:
    is_whole = is_shown_whole(article)
    body = article.body_markdown if is_whole else opening(article.body_markdown, paragraphs)
    return {
        "headline": article.headline,
        "kicker": article.section or None,
        "deck": article.deck or None,
        "body_markdown": "" if body == article.deck else body,
        "byline": article.byline or None,
        "url": _web(article.url),
        "article_uid": str(article.uid),
        "picture": _picture(article.picture),
        "read_more": not is_whole and _web(article.url) is not None,
        "late_updates": _late_updates(article),
        "language": article.language or None,
    }


def _picture(stored: dict[str, Any] | None) -> Picture | None:
    if not stored or _web(stored.get("url")) is None:
        return None
    return Picture(
        url=str(stored["url"]),
        alt=str(stored.get("alt") or ""),
        caption=stored.get("caption") or None,
        credit=stored.get("credit") or None,
    )


def _late_updates(article: Article) -> list[LateUpdate]:
    return [
        LateUpdate(
            heading=_LABEL.sub("", one.get("heading") or "") or None,
            text_markdown=str(one.get("text_markdown") or ""),
        )
        for one in article.late_updates[:20]
        if one.get("text_markdown")
    ]


def _key_graphs(article: Article, most: int) -> Sequence[Block]:
    return [
        KeyGraph(
            quote_markdown=str(one["quote_markdown"]),
            speaker=one.get("speaker") or None,
            outlet=one.get("outlet") or None,
            source_url=_web(one.get("source_url")),
        )
        for one in article.key_graphs
        if one.get("quote_markdown")
    ][:most]


def _documents(article: Article) -> Sequence[Block]:
    return [
        DocumentCard(
            title=str(one.get("title") or links.host_of(str(one["url"]))),
            url=str(one["url"]),
            caption=one.get("caption") or None,
        )
        for one in article.documents
        if _web(one.get("url"))
    ][:DOCUMENTS]


def _comments(article: Article) -> Sequence[Block]:
    url = _web(article.comments_url)
    if url is None or not article.comment_count or article.comment_count < 0:
        return []
    return [Comments(url=url, count=article.comment_count)]


def _web(address: Any) -> str | None:
    return str(address) if address and links.is_web(str(address)) else None
