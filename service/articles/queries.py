import uuid
from collections.abc import Collection, Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.articles.models import Article, Feed, FeedIdentity
from service.errors import NotFound


class ArticleNotFound(NotFound):
    """There is no such article."""


class FeedNotFound(NotFound):
    """There is no such feed."""


def get(session: Session, uid: uuid.UUID) -> Article:
    article = session.exec(select(Article).where(Article.uid == uid)).first()
    if article is None:
        raise ArticleNotFound
    return article


def find_by_key(session: Session, newsletter_id: int, url_key: str) -> Article | None:
    query = select(Article).where(Article.newsletter_id == newsletter_id, Article.url_key == url_key)
    return session.exec(query).first()


def by_keys(session: Session, newsletter_id: int, url_keys: Collection[str]) -> list[Article]:
    query = select(Article).where(Article.newsletter_id == newsletter_id, col(Article.url_key).in_(url_keys))
    return list(session.exec(query)) if url_keys else []


def by_uids(session: Session, newsletter_id: int, uids: Collection[uuid.UUID]) -> list[Article]:
    query = select(Article).where(Article.newsletter_id == newsletter_id, col(Article.uid).in_(uids))
    return list(session.exec(query)) if uids else []


def page(session: Session, newsletter_id: int, *, after: int | None = None, limit: int = 50) -> list[Article]:
    """Newest taken in first; `after` is the id of the last one on the page before."""
    query = select(Article).where(Article.newsletter_id == newsletter_id)
    if after:
        query = query.where(col(Article.id) < after)
    return list(session.exec(query.order_by(col(Article.id).desc()).limit(limit)))


def of_section(session: Session, newsletter_id: int, section: str, *, limit: int) -> list[Article]:
    query = (
        select(Article)
        .where(Article.newsletter_id == newsletter_id, Article.section == section)
        .order_by(col(Article.published_at).desc(), col(Article.id).desc())
        .limit(limit)
    )
    return list(session.exec(query))


def sections(session: Session, newsletter_id: int, *, limit: int) -> list[str]:
    query = select(Article.section).where(Article.newsletter_id == newsletter_id, Article.section != "")
    return list(session.exec(query.distinct().order_by(Article.section).limit(limit)))


def feed(session: Session, uid: uuid.UUID) -> Feed:
    found = session.exec(select(Feed).where(Feed.uid == uid)).first()
    if found is None:
        raise FeedNotFound
    return found


def feeds_of(session: Session, newsletter_id: int) -> list[Feed]:
    return list(session.exec(select(Feed).where(Feed.newsletter_id == newsletter_id).order_by(col(Feed.id))))


def feeds_due(session: Session, now: datetime, *, limit: int) -> list[int]:
    query = select(Feed.id).where(col(Feed.next_poll_at) <= now).order_by(col(Feed.next_poll_at)).limit(limit)
    return list(session.exec(query))


def feed_to_take(session: Session, now: datetime) -> Feed | None:
    """The one that has been due for longest, locked, past those that others lock."""
    query = select(Feed).where(col(Feed.next_poll_at) <= now).order_by(col(Feed.next_poll_at)).limit(1)
    return session.exec(query.with_for_update(skip_locked=True)).first()


def feed_due_since(session: Session, now: datetime) -> datetime | None:
    """Since when the longest waiting feed has been due; None if none is."""
    earliest = session.exec(select(sa.func.min(Feed.next_poll_at))).one()
    return earliest if earliest is not None and earliest <= now else None


def identities(session: Session, feed_id: int) -> dict[str, int | None]:
    """Every name under which an item of the feed is known, with its article."""
    query = select(FeedIdentity.identity, FeedIdentity.article_id).where(FeedIdentity.feed_id == feed_id)
    return dict(session.exec(query).all())


def add_identities(session: Session, feed_id: int, names: Iterable[str], article_id: int | None) -> None:
    session.add_all(FeedIdentity(feed_id=feed_id, identity=name, article_id=article_id) for name in names)
    session.flush()
