"""Articles: read from a page or written in Markdown, kept once for each address."""

import uuid
from datetime import datetime
from functools import partial

from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, problems
from service.api.authorization import Reader, Writer
from service.api.idempotency import Posted
from service.api.paging import Page, Paged, Paging
from service.api.shapes import articles as shapes
from service.api.shapes.articles import Article, NewArticle
from service.articles import intake, queries, reading
from service.articles.intake import ArticleDraft, ArticleInvalid
from service.articles.models import Source
from service.asking import Asked
from service.newsletters import publication

router = operations.router("/articles", "articles", cleans_texts=True)
LISTING = "articles"


@router.get(
    "",
    summary="List a newsletter's articles",
    responses=problems.documented(404, example={"items": [shapes.ARTICLE_EXAMPLE], "next": None}),
)
async def listed(resources: Asked, who: Reader, newsletter: str, paging: Paged) -> Page[Article]:
    """Those taken in last come first. `newsletter` is its short name."""
    return await resources.database.read(_page, newsletter, paging)


@router.post(
    "",
    status_code=201,
    response_model=Article,
    summary="Add an article",
    responses=problems.documented(404, 409, 413, 415, 503, status=201, example=shapes.ARTICLE_EXAMPLE),
)
async def added(resources: Asked, who: Writer, posting: Posted, asked: NewArticle) -> Response:
    """Give a `url` alone to have its page read, or a `headline` and a text in Markdown. An address that is already known
    is brought up to date, not stored twice. Only addresses on the public web are read.
    """
    kept = await posting.kept()
    if kept is not None:
        return kept
    if asked.headline is not None:
        draft, source = asked.draft(asked.headline), Source.API
    elif asked.url:
        await resources.database.read(publication.get, asked.newsletter)
        draft, source = await reading.read_page(resources.fetcher, asked.url), Source.PAGE
    else:
        raise ArticleInvalid("Give a url to read, or a headline and a text in Markdown.", field="headline")
    now = resources.clock.now()
    return await posting.write(
        201, partial(_add, newsletter=asked.newsletter, draft=draft, source=source, now=now)
    )


@router.get(
    "/{uid}",
    summary="Get an article",
    responses=problems.documented(404, example=shapes.ARTICLE_EXAMPLE),
)
async def one(resources: Asked, who: Reader, uid: uuid.UUID) -> Article:
    """The text as it is kept, with quotes and their sources, documents and updates."""
    return await resources.database.read(_one, uid)


def _page(session: Session, slug: str, paging: Paging) -> Page[Article]:
    newsletter = publication.get(session, slug)
    rows = queries.page(session, newsletter.id, after=paging.start(LISTING), limit=paging.limit + 1)
    return paging.page(LISTING, rows, lambda row: row.id, lambda row: shapes.article(row, slug))


def _one(session: Session, uid: uuid.UUID) -> Article:
    row = intake.get(session, uid)
    return shapes.article(row, publication.get_by_id(session, row.newsletter_id).slug)


def _add(session: Session, *, newsletter: str, draft: ArticleDraft, source: Source, now: datetime) -> Article:
    found = publication.get(session, newsletter)
    row = intake.add(session, found.id, draft, source=source, now=now)
    return shapes.article(row, newsletter, draft.warnings)
