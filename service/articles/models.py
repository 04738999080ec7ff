import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from service import tokens
from service.database import BigKey, Json, UtcDateTime, state_column


class Source(StrEnum):
    PAGE = "page"
    FEED = "feed"
    MARKDOWN = "markdown"
    API = "api"


class Article(SQLModel, table=True):
    """A text read or written and kept by us, once for each canonical URL of a newsletter (two newsletters may follow one
    feed, and each uses an article up for itself). The body is Markdown, never a template.
    """

    __table_args__ = (sa.UniqueConstraint("newsletter_id", "url_key"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    newsletter_id: int = Field(foreign_key="newsletter.id", sa_type=BigKey)
    url: str | None = Field(default=None, max_length=2000)
    url_key: str | None = Field(default=None, max_length=64)
    source: Source = Field(sa_column=state_column(Source))
    headline: str = Field(max_length=300)
    deck: str = Field(default="", max_length=1000)
    byline: str = Field(default="", max_length=200)
    section: str = Field(default="", max_length=100)
    language: str = Field(default="", max_length=35)
    body_markdown: str = Field(default="", sa_type=sa.Text)
    picture: dict[str, Any] | None = Field(default=None, sa_column=sa.Column(Json, nullable=True))
    key_graphs: list[dict[str, Any]] = Field(default_factory=list, sa_column=sa.Column(Json, nullable=False))
    late_updates: list[dict[str, Any]] = Field(
        default_factory=list, sa_column=sa.Column(Json, nullable=False)
    )
    documents: list[dict[str, Any]] = Field(default_factory=list, sa_column=sa.Column(Json, nullable=False))
    comment_count: int | None = None
    comments_url: str | None = Field(default=None, max_length=2000)
    published_at: datetime = Field(sa_type=UtcDateTime, index=True)
    date_was_readable: bool = True
    first_seen_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class Feed(SQLModel, table=True):
    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    uid: uuid.UUID = Field(default_factory=tokens.new_uid, unique=True)
    newsletter_id: int = Field(foreign_key="newsletter.id", sa_type=BigKey, index=True)
    url: str = Field(max_length=2000)
    title: str = Field(default="", max_length=300)
    etag: str | None = Field(default=None, max_length=500)
    last_modified: str | None = Field(default=None, max_length=100)
    next_poll_at: datetime = Field(sa_type=UtcDateTime, index=True)
    polled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    failures: int = 0
    problem: str | None = Field(default=None, max_length=500)
    created_at: datetime = Field(sa_type=UtcDateTime)


class FeedIdentity(SQLModel, table=True):
    """One of the names (guid, link, title with date) under which a feed's item is known."""

    __table_args__ = (sa.UniqueConstraint("feed_id", "identity"),)

    id: int = Field(default=None, primary_key=True, sa_type=BigKey)
    feed_id: int = Field(foreign_key="feed.id", sa_type=BigKey)
    identity: str = Field(max_length=80)
    article_id: int | None = Field(default=None, foreign_key="article.id", sa_type=BigKey)
