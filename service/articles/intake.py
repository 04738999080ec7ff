"""Takes articles in: once for each canonical URL of a newsletter; the second time the stored one is brought up to date.

Texts from outside are cleaned, not refused: a title broken over two lines becomes one line. They are never read as a template.
"""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from service import tokens
from service.articles import queries, spelling
from service.articles.models import Article, Source
from service.errors import Invalid
from service.rendering import characters, links

HEADLINE_CHARACTERS = 300
DECK_CHARACTERS = 1000
BYLINE_CHARACTERS = 200
SECTION_CHARACTERS = 100
BODY_CHARACTERS = 200_000
ADDRESS_CHARACTERS = 2000
PARTS = 20  # quotes, documents or updates of one article
SOONEST_NEWS = timedelta(days=1)  # further ahead no zone's clock can be: the date is wrong


class ArticleInvalid(Invalid):
    """This article cannot be used."""


@dataclass(frozen=True)
class ArticleDraft:
    """An article as it was read or written; `key_graphs`, `late_updates`, `documents` and `picture` have the keys of
    `marking`'s data classes.
    """

    headline: str
    body_markdown: str = ""
    url: str | None = None
    deck: str = ""
    byline: str = ""
    section: str = ""
    language: str = ""
    published_at: datetime | None = None
    picture: dict[str, Any] | None = None
    key_graphs: list[dict[str, Any]] = field(default_factory=list)
    late_updates: list[dict[str, Any]] = field(default_factory=list)
    documents: list[dict[str, Any]] = field(default_factory=list)
    comment_count: int | None = None
    comments_url: str | None = None
    warnings: list[str] = field(default_factory=list)


def add(
    session: Session, newsletter_id: int, draft: ArticleDraft, *, source: Source, now: datetime
) -> Article:
    values = _columns(draft)
    url_key = values["url_key"]
    known = queries.find_by_key(session, newsletter_id, url_key) if url_key else None
    if known is None:
        try:
            with session.begin_nested():
                return _new(session, newsletter_id, dict(values), source=source, now=now)
        except IntegrityError:
            # Somebody else has just stored the same address.
            known = queries.find_by_key(session, newsletter_id, url_key) if url_key else None
            if known is None:
                raise
    return _update(session, known, values, now=now)


def update(session: Session, article: Article, draft: ArticleDraft, *, now: datetime) -> Article:
    """Bring a known article up to date. Where it lives stays, and so does when it was first seen."""
    return _update(session, article, _columns(draft), now=now)


def get(session: Session, uid: uuid.UUID) -> Article:
    return queries.get(session, uid)


def _new(
    session: Session, newsletter_id: int, values: dict[str, Any], *, source: Source, now: datetime
) -> Article:
    published_at = _plausible(values.pop("published_at"), now)
    article = Article(
        uid=tokens.new_uid(),
        newsletter_id=newsletter_id,
        source=source,
        published_at=published_at or now,
        date_was_readable=published_at is not None,
        first_seen_at=now,
        updated_at=now,
        **values,
    )
    session.add(article)
    session.flush()
    return article


def _update(session: Session, article: Article, values: dict[str, Any], *, now: datetime) -> Article:
    published_at = _plausible(values.pop("published_at"), now)
    if published_at is not None:
        article.published_at, article.date_was_readable = published_at, True
    for name in ("url", "url_key"):
        values.pop(name)
    changed = False
    for name, value in values.items():
        # An address read again may show less (no summary, no count); what we have is not lost for that.
        if value not in ("", None, []) and getattr(article, name) != value:
            setattr(article, name, value)
            changed = True
    if changed:
        article.updated_at = now
    session.add(article)
    session.flush()
    return article


def _plausible(published_at: datetime | None, now: datetime) -> datetime | None:
    return published_at if published_at is not None and published_at <= now + SOONEST_NEWS else None


def _columns(draft: ArticleDraft) -> dict[str, Any]:
    headline = _line(draft.headline, HEADLINE_CHARACTERS)
    if not headline:
        raise ArticleInvalid("This article has no headline; write one.", field="headline")
    body = characters.paragraphs(draft.body_markdown).strip()
    if len(body) > BODY_CHARACTERS:
        raise ArticleInvalid(
            f"This article is too long: {BODY_CHARACTERS} characters fit.", field="body_markdown"
        )
    url = _own_address(draft.url)
    return {
        "url": url,
        "url_key": spelling.key(url) if url else None,
        "headline": headline,
        "deck": _line(draft.deck, DECK_CHARACTERS),
        "byline": _line(draft.byline, BYLINE_CHARACTERS),
        "section": _line(draft.section, SECTION_CHARACTERS),
        "language": draft.language[:35] if draft.language.isascii() else "",
        "body_markdown": body,
        "picture": _picture(draft.picture),
        "key_graphs": [_cleaned(one, "source_url") for one in draft.key_graphs[:PARTS]],
        "late_updates": [_cleaned(one) for one in draft.late_updates[:PARTS]],
        "documents": [
            _cleaned(one, "url") for one in draft.documents[:PARTS] if _web(str(one.get("url") or ""))
        ],
        "comment_count": draft.comment_count,
        "comments_url": _web(draft.comments_url or ""),
        "published_at": draft.published_at,
    }


def _own_address(url: str | None) -> str | None:
    if url is None or not url.strip():
        return None
    address = _web(url)
    if address is None:
        raise ArticleInvalid(
            "This is no web address of an article; give one that begins with https:// or http://", field="url"
        )
    return address


def _web(url: str) -> str | None:
    address = characters.single_line(url).replace(" ", "%20")
    if not address or len(address) > ADDRESS_CHARACTERS or not links.is_web(address):
        return None
    spelled = links.as_uri(address)
    return spelled if len(spelled) <= ADDRESS_CHARACTERS else None


def _picture(picture: dict[str, Any] | None) -> dict[str, Any] | None:
    if picture is None or _web(str(picture.get("url") or "")) is None:
        return None
    return {"alt": "", **_cleaned(picture, "url")}


def _cleaned(part: dict[str, Any], *addresses: str) -> dict[str, Any]:
    return {name: _cleaned_value(name, value, addresses) for name, value in part.items()}


def _cleaned_value(name: str, value: Any, addresses: tuple[str, ...]) -> Any:
    if not isinstance(value, str):
        return value
    if name in addresses:
        return _web(value)
    if name.endswith("_markdown"):
        return characters.paragraphs(value).strip()
    return _line(value, DECK_CHARACTERS)


def _line(text: str, limit: int) -> str:
    line = characters.single_line(text)
    if len(line) <= limit:
        return line
    return line[: limit - 1].rpartition(" ")[0].rstrip(" ,;:") + "…" if " " in line[:limit] else line[:limit]
