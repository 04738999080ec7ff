"""What a newsletter's page shows: its rhythm, its articles and feeds, its editions, and what it says of itself."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from service.articles import queries as articles
from service.articles.models import Article, Feed
from service.deadlines import verdicts
from service.deadlines.models import Deadline
from service.desk import overview
from service.desk.overview import Gap, PastEdition, Readers
from service.editions import composition
from service.editions import queries as editions
from service.editions.models import Cadence, Edition
from service.newsletters import publication
from service.newsletters.canary import CanaryRules
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
    deadline_minutes: int
    canary: CanaryRules
    ping_url: str | None
    last_deadline: Deadline | None
    theme: str
    has_own_template: bool
    web: str
    alarm_address: str | None


def of(session: Session, slug: str, *, now: datetime) -> NewsletterView:
    newsletter = publication.get(session, slug)
    made = editions.for_newsletter(session, newsletter.id, limit=overview.LOOKED_AT)
    return NewsletterView(
        newsletter=newsletter,
        readers=overview.readers(session, newsletter.id),
        cadence=next(iter(editions.cadences_of(session, newsletter.id)), None),
        articles=_articles(session, newsletter.id),
        feeds=tuple(articles.feeds_of(session, newsletter.id)),
        open_editions=tuple(
            EditionLine(one, composition.document_of(session, one).subject)
            for one in made
            if one.state in overview.BY_URGENCY
        ),
        recent=overview.recent(session, made, limit=EDITIONS_SHOWN),
        gaps=overview.gaps(session, newsletter.id, since=now - overview.SHOWN_FOR),
        canary=publication.canary_rules(newsletter),
        deadline_minutes=publication.details_of(newsletter).deadline_minutes,
        ping_url=publication.ping_url(newsletter),
        last_deadline=verdicts.latest(session, newsletter.id),
        theme=publication.details_of(newsletter).look.theme,
        has_own_template=bool(publication.own_template(newsletter)),
        alarm_address=publication.alarm_address(newsletter),
        web=publication.details_of(newsletter).web.value,
    )


def _articles(session: Session, newsletter_id: int) -> tuple[ArticleLine, ...]:
    """Those taken in last, the newest story first, as an editor looks for it."""
    shown = articles.page(session, newsletter_id, limit=ARTICLES_SHOWN)
    shown.sort(key=lambda article: article.published_at, reverse=True)
    unused = editions.unused_articles(session, newsletter_id, since=None, limit=10 * ARTICLES_SHOWN)
    fresh = {article.id for article in unused}
    return tuple(ArticleLine(article, article.id not in fresh) for article in shown)
