import uuid
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from service.api.shapes.moments import Instant
from service.articles.intake import ArticleDraft
from service.articles.models import Article as ArticleRow
from service.articles.models import Source

ARTICLE_EXAMPLE: dict[str, Any] = {
    "uid": "0198c7a2-9c01-7aa1-b3c2-5d4e3f2a1b00",
    "newsletter": "morning-memo",
    "source": "page",
    "url": "https://news.example.org/articles/king-tide-water-street",
    "headline": "King tide floods Water Street before dawn",
    "deck": "Pumps held, the tram did not.",
    "byline": "Mara Lindqvist",
    "section": "Climate",
    "language": "en",
    "body_markdown": "The water came at **four** in the morning.",
    "picture": {
        "url": "https://news.example.org/images/king-tide.jpg",
        "alt": "Water Street under a hand of water",
        "caption": "Water Street, 4:40 a.m.",
        "credit": "Ines Okafor",
    },
    "key_graphs": [],
    "late_updates": [],
    "documents": [],
    "comment_count": 14,
    "comments_url": "https://news.example.org/articles/king-tide-water-street#comments",
    "published_at": "2026-03-02T04:10:00Z",
    "first_seen_at": "2026-03-02T05:30:00Z",
    "updated_at": "2026-03-02T05:30:00Z",
    "warnings": [],
}
BY_URL_EXAMPLE: dict[str, Any] = {
    "newsletter": "morning-memo",
    "url": "https://news.example.org/articles/king-tide-water-street",
}
WRITTEN_EXAMPLE: dict[str, Any] = {
    "newsletter": "morning-memo",
    "headline": "Ferry bond: the recount begins",
    "deck": "Eleven votes decide it.",
    "byline": "Jonas Vey",
    "section": "Politics",
    "body_markdown": "The clerk opened the first box at **nine**.",
}


class Picture(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=2000)
    alt: str = Field(default="", max_length=1000, description="What it shows, for those who do not see it.")
    caption: str = Field(default="", max_length=2000)
    credit: str = Field(default="", max_length=500)


class NewArticle(BaseModel):
    """Either only a `url`, whose page is then read, or at least a `headline`: a text of your own in Markdown."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [BY_URL_EXAMPLE, WRITTEN_EXAMPLE]}
    )

    newsletter: str = Field(description="The newsletter's short name.")
    url: str | None = Field(default=None, max_length=2000, description="Where the article lives on the web.")
    headline: str | None = Field(default=None, max_length=300)
    deck: str = Field(default="", max_length=1000)
    byline: str = Field(default="", max_length=200)
    section: str = Field(default="", max_length=100)
    language: str = Field(default="", max_length=35)
    body_markdown: str = Field(default="", max_length=200_000)
    picture: Picture | None = None
    published_at: Instant | None = Field(default=None, description="RFC 3339 with any offset.")

    def draft(self, headline: str) -> ArticleDraft:
        return ArticleDraft(
            headline=headline,
            url=self.url,
            deck=self.deck,
            byline=self.byline,
            section=self.section,
            language=self.language,
            body_markdown=self.body_markdown,
            picture=self.picture.model_dump() if self.picture else None,
            published_at=self.published_at,
        )


class Article(BaseModel):
    uid: uuid.UUID
    newsletter: str
    source: Source
    url: str | None
    headline: str
    deck: str
    byline: str
    section: str
    language: str
    body_markdown: str
    picture: dict[str, Any] | None
    key_graphs: list[dict[str, Any]] = Field(
        description="Quotes that the article builds on, with their source."
    )
    late_updates: list[dict[str, Any]]
    documents: list[dict[str, Any]]
    comment_count: int | None
    comments_url: str | None
    published_at: Instant
    first_seen_at: Instant
    updated_at: Instant
    warnings: list[str] = Field(
        default_factory=list, description="What could not be read from the page just now."
    )


_FROM_ROW = tuple(name for name in Article.model_fields if name not in {"newsletter", "warnings"})


def article(row: ArticleRow, newsletter: str, warnings: list[str] | None = None) -> Article:
    values = {name: getattr(row, name) for name in _FROM_ROW}
    return Article(newsletter=newsletter, warnings=warnings or [], **values)
