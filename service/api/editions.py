"""Editions: made from blocks, from articles or from what is new; looked at, changed, previewed."""

import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import Query
from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, previewing, problems
from service.api.authorization import Reader, Writer
from service.api.idempotency import Posted
from service.api.paging import Page, Paged
from service.api.shapes import editions as shapes
from service.api.shapes.editions import Edition, NewEdition, Preview, WholeEdition
from service.articles import queries as articles
from service.articles.models import Article
from service.articles.queries import ArticleNotFound
from service.asking import Asked
from service.editions import automatic, composition, layout, queries
from service.editions.models import Edition as EditionRow
from service.errors import Conflict, Invalid
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document

router = operations.router("/editions", "editions", cleans_texts=True)
LISTING = "editions"


class OneWayOnly(Invalid):
    """Say how the edition is made with exactly one of document, articles and automatic."""


class NothingNew(Invalid):
    """No article is new since the last edition, so there is nothing to make one of. Add articles first."""


class VersionOutdated(Conflict):
    """Somebody has changed this edition meanwhile. Get it again, and repeat your change on the newest version."""


@router.get(
    "",
    summary="List a newsletter's editions",
    responses=problems.documented(404, example={"items": [shapes.EDITION_EXAMPLE], "next": None}),
)
async def listed(resources: Asked, who: Reader, newsletter: str, paging: Paged) -> Page[Edition]:
    """Those made last come first. `newsletter` is its short name."""
    base_url = resources.settings.base_url

    def read(session: Session) -> Page[Edition]:
        found = publication.get(session, newsletter)
        rows = queries.for_newsletter(session, found.id, after=paging.start(LISTING), limit=paging.limit + 1)
        return paging.page(LISTING, rows, lambda row: row.id, lambda row: _shown(session, row, base_url))

    return await resources.database.read(read)


@router.post(
    "",
    status_code=201,
    response_model=WholeEdition,
    summary="Make an edition",
    responses=problems.documented(404, 409, 413, 415, status=201, example=shapes.WHOLE_EXAMPLE),
)
async def made(resources: Asked, who: Writer, posting: Posted, asked: NewEdition) -> Response:
    """A draft, which nobody gets until it is sent or scheduled. Give exactly one of `document`, `articles` (the first one
    leads) and `automatic` (a digest of what is new since the last edition).
    """
    if asked.ways != 1:
        raise OneWayOnly(field="document")
    now = resources.clock.now()

    def make(session: Session) -> WholeEdition:
        newsletter = publication.get(session, asked.newsletter)
        row = composition.start(
            session,
            newsletter,
            now=now,
            actor=who.actor,
            local_date=asked.local_date,
            document=_document(session, newsletter, asked),
        )
        return whole(session, row, resources.settings.base_url)

    return await posting.write(201, make)


@router.get(
    "/{uid}",
    summary="Get an edition",
    responses=problems.documented(404, example=shapes.WHOLE_EXAMPLE),
)
async def one(resources: Asked, who: Reader, uid: uuid.UUID) -> WholeEdition:
    """With the newest version of its document."""
    base_url = resources.settings.base_url
    return await resources.database.read(lambda session: whole(session, queries.get(session, uid), base_url))


@router.put(
    "/{uid}/document",
    summary="Replace an edition's document",
    responses=problems.documented(404, 409, 413, 415, example=shapes.WHOLE_EXAMPLE),
    openapi_extra={"requestBody": {"content": {"application/json": {"example": shapes.DOCUMENT_EXAMPLE}}}},
)
async def replaced(
    resources: Asked, who: Writer, uid: uuid.UUID, asked: Document, version: int | None = None
) -> WholeEdition:
    """A new version; the ones before stay on record. With `version`, only if that is still the newest. An edition that is
    being sent or has been sent is not changed any more.
    """
    now = resources.clock.now()

    def replace(session: Session) -> WholeEdition:
        row = queries.lock(session, queries.get(session, uid))
        if version is not None and row.version_number != version:
            raise VersionOutdated
        composition.replace(session, row, asked, now=now, actor=who.actor)
        return whole(session, row, resources.settings.base_url)

    return await resources.database.write(replace)


@router.get(
    "/{uid}/preview",
    summary="Preview an edition",
    responses=problems.documented(404, example=shapes.PREVIEW_EXAMPLE),
)
async def seen(
    resources: Asked,
    who: Reader,
    uid: uuid.UUID,
    reader: Annotated[
        str, Query(max_length=320, description="A subscriber's address; without one, nobody in particular.")
    ] = "",
) -> Preview:
    """The message as one reader would get it now, with its size and what may go wrong with it. Nothing is sent or counted, and its
    links end nobody's subscription.
    """
    return await previewing.preview(resources, uid, reader)


def whole(session: Session, row: EditionRow, base_url: str) -> WholeEdition:
    newsletter = publication.get_by_id(session, row.newsletter_id)
    return shapes.whole(row, newsletter, composition.document_of(session, row), base_url)


def _shown(session: Session, row: EditionRow, base_url: str) -> Edition:
    newsletter = publication.get_by_id(session, row.newsletter_id)
    return shapes.edition(row, newsletter, composition.document_of(session, row), base_url)


def _document(session: Session, newsletter: Newsletter, asked: NewEdition) -> Document:
    if asked.document is not None:
        return asked.document
    if asked.articles is not None:
        return _from_articles(newsletter, _found(session, newsletter, asked.articles))
    composed = automatic.compose(session, newsletter)
    if composed is None:
        raise NothingNew(field="automatic")
    return composed


def _found(session: Session, newsletter: Newsletter, uids: Sequence[uuid.UUID]) -> list[Article]:
    by_uid = {article.uid: article for article in articles.by_uids(session, newsletter.id, uids)}
    missing = [str(uid) for uid in uids if uid not in by_uid]
    if missing:
        raise ArticleNotFound(f"{newsletter.name} has no article {missing[0]}.")
    return [by_uid[uid] for uid in dict.fromkeys(uids)]


def _from_articles(newsletter: Newsletter, found: Sequence[Article]) -> Document:
    document = composition.blank(newsletter)
    for number, article in enumerate(found):
        document = layout.placed(document, article, "item" if number else "lead")
    return layout.named_after(document, found[0])
