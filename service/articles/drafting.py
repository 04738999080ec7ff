"""Bytes to drafts: what `extraction` and `feed` found, as articles that can be taken in. Pure.

The parsers below this file weigh as much as the web server, and a process that reads no page never needs them: it is imported
only once there are bytes to read, in the thread that reads them.
"""

from dataclasses import asdict
from datetime import datetime

from service.articles import extraction, feed, markdown
from service.articles.extraction import Extracted
from service.articles.feed import FeedItem
from service.articles.intake import ArticleDraft
from service.articles.reading import FeedFacts, FeedRead, Listed
from service.fetching import Fetched

DECK_CHARACTERS = 300


def page(fetched: Fetched) -> ArticleDraft:
    return draft_of(extraction.extract(fetched.body, fetched.url, charset=fetched.charset))


def feed_items(fetched: Fetched, facts: FeedFacts, now: datetime) -> FeedRead:
    charset = f"; charset={fetched.charset}" if fetched.charset else ""
    parsed = feed.parse(fetched.body, fetched.url, content_type=fetched.content_type + charset, now=now)
    decision = feed.decide(facts.known, parsed.items)
    return FeedRead(
        title=parsed.title,
        new=tuple(map(_listed, decision.new)),
        changed=tuple(map(_listed, decision.changed)),
        is_suspicious=decision.suspicious,
        blank_items=parsed.blank_items,
        replaced_bytes=parsed.replaced_bytes,
    )


def _listed(item: FeedItem) -> Listed:
    return Listed(feed.identities(item), item.link, draft_of_item(item))


def draft_of(extracted: Extracted) -> ArticleDraft:
    comments = extracted.comments
    return ArticleDraft(
        url=extracted.canonical_url,
        headline=extracted.headline,
        deck=extracted.deck,
        byline=extracted.byline,
        section=extracted.section,
        language=extracted.language,
        published_at=extracted.published_at,
        body_markdown=extracted.body_markdown,
        picture=asdict(extracted.picture) if extracted.picture else None,
        key_graphs=[asdict(one) for one in extracted.key_graphs],
        late_updates=[asdict(one) for one in extracted.late_updates],
        documents=[asdict(one) for one in extracted.documents],
        comment_count=comments.count if comments else None,
        comments_url=comments.url if comments else None,
        warnings=list(extracted.warnings),
    )


def draft_of_item(item: FeedItem) -> ArticleDraft:
    flat = " ".join(markdown.plain(item.summary_markdown).split())
    deck = flat if len(flat) <= DECK_CHARACTERS else flat[:DECK_CHARACTERS].rpartition(" ")[0] + "…"
    return ArticleDraft(
        url=item.link,
        headline=item.title,
        deck="" if deck == item.title else deck,
        byline=item.author,
        section=item.section,
        published_at=item.published_at,
        body_markdown=item.summary_markdown,
    )
