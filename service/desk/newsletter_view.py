"""What a newsletter's page shows: its rhythm, its articles and feeds, its editions, and what it says of itself."""

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlmodel import Session, col, select

from service.articles import queries as articles
from service.articles.models import Article, Feed
from service.desk import overview
from service.desk.overview import Gap, PastEdition, Readers
from service.editions import composition
from service.editions.models import Cadence, Edition, State, Version, VersionItem
from service.newsletters import publication
from service.newsletters.models import Newsletter

ARTICLES_SHOWN = 30
EDITIONS_SHOWN = 20


@dataclass(frozen=True)
class ArticleLine:
    article: Article
    is_used: bool


@dataclass(frozen=True)
class EditionLine:
    edition: Edition
    subject: str


@dataclass(frozen=True)
class NewsletterView:
    newsletter: Newsletter
    readers: Readers
    cadence: Cadence | None
    articles: tuple[ArticleLine, ...]
    feeds: tuple[Feed, ...]
    open_editions: tuple[EditionLine, ...]
    recent: tuple[PastEdition, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class Proposed:
    """A rhythm as typed: shown with its next dates before it is kept."""

    weekdays: tuple[str, ...]
    local_time: time
    is_automatic: bool
    dates: tuple[tuple[date, datetime], ...]


def of(session: Session, slug: str, *, now: datetime) -> NewsletterView:
    newsletter = publication.get(session, slug)
    return NewsletterView(
        newsletter=newsletter,
        readers=overview.readers(session, newsletter.id),
        cadence=session.exec(
            select(Cadence).where(col(Cadence.newsletter_id) == newsletter.id).order_by(col(Cadence.slot))
        ).first(),
        articles=_articles(session, newsletter.id),
        feeds=tuple(articles.feeds_of(session, newsletter.id)),
        open_editions=_open(session, newsletter.id),
        recent=overview.recent(session, newsletter, limit=EDITIONS_SHOWN),
        gaps=overview.gaps(session, newsletter.id, since=now - overview.SHOWN_FOR),
    )


def _articles(session: Session, newsletter_id: int) -> tuple[ArticleLine, ...]:
    shown = articles.page(session, newsletter_id, limit=ARTICLES_SHOWN)
    used = set(
        session.exec(
            select(VersionItem.article_id)
            .join(Version, col(Version.id) == col(VersionItem.version_id))
            .join(Edition, col(Edition.id) == col(Version.edition_id))
            .where(
                col(VersionItem.article_id).in_([article.id for article in shown]),
                col(Version.number) == col(Edition.version_number),
                col(Edition.state) != State.CANCELLED,
            )
        )
    )
    return tuple(ArticleLine(article, article.id in used) for article in shown)


def _open(session: Session, newsletter_id: int) -> tuple[EditionLine, ...]:
    found = session.exec(
        select(Edition)
        .where(
            col(Edition.newsletter_id) == newsletter_id,
            col(Edition.state).in_((State.DRAFT, State.SCHEDULED, State.SENDING, State.PAUSED)),
        )
        .order_by(col(Edition.id).desc())
    )
    return tuple(EditionLine(one, composition.document_of(session, one).subject) for one in found)
