"""Newsletters and the feeds they read."""

from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, problems
from service.api.authorization import Reader, Writer
from service.api.idempotency import Posted
from service.api.shapes import newsletters as shapes
from service.api.shapes.newsletters import Feed, Feeds, NewFeed, Newsletter, NewsletterChanges, Newsletters
from service.articles import polling, queries
from service.asking import Asked
from service.editions import rhythm
from service.newsletters import details, publication
from service.newsletters.publication import NewsletterDetails

router = operations.router("/newsletters", "newsletters")


@router.get(
    "",
    summary="List newsletters",
    responses=problems.documented(example={"items": [shapes.NEWSLETTER_EXAMPLE]}),
)
async def listed(resources: Asked, who: Reader) -> Newsletters:
    """All newsletters of this service, by name."""
    rows = await resources.database.read(publication.all_of)
    return Newsletters(items=[shapes.newsletter(row) for row in rows])


@router.post(
    "",
    status_code=201,
    response_model=Newsletter,
    summary="Make a newsletter",
    responses=problems.documented(409, 413, 415, status=201, example=shapes.NEWSLETTER_EXAMPLE),
    openapi_extra={"requestBody": {"content": {"application/json": {"example": shapes.DETAILS_EXAMPLE}}}},
)
async def made(resources: Asked, who: Writer, posting: Posted, asked: NewsletterDetails) -> Response:
    """Its short name stands in links and never changes. A postal address is required: many laws ask for it in each edition."""
    now = resources.clock.now()

    def make(session: Session) -> Newsletter:
        return shapes.newsletter(publication.create(session, asked, now=now, actor=who.actor))

    return await posting.write(201, make)


@router.get(
    "/{slug}",
    summary="Get a newsletter",
    responses=problems.documented(404, example=shapes.NEWSLETTER_EXAMPLE),
)
async def one(resources: Asked, who: Reader, slug: str) -> Newsletter:
    """By its short name."""
    return shapes.newsletter(await resources.database.read(publication.get, slug))


@router.patch(
    "/{slug}",
    summary="Change a newsletter",
    responses=problems.documented(404, 409, 413, 415, example=shapes.NEWSLETTER_EXAMPLE),
)
async def changed(resources: Asked, who: Writer, slug: str, asked: NewsletterChanges) -> Newsletter:
    """Only what is given changes. When the zone changes, the regular time stays on the wall of the new zone, and editions that
    are scheduled keep their instant.
    """
    changes, now = asked.model_dump(exclude_unset=True), resources.clock.now()

    def change(session: Session) -> Newsletter:
        row = publication.get(session, slug)
        wanted = details.read(publication.details_of(row).model_dump() | changes)
        changed = publication.change(session, row, wanted, now=now, actor=who.actor)
        rhythm.follow_zone(session, changed, now=now, actor=who.actor)
        return shapes.newsletter(changed)

    return await resources.database.write(change)


@router.get(
    "/{slug}/feeds",
    summary="List a newsletter's feeds",
    responses=problems.documented(404, example={"items": [shapes.FEED_EXAMPLE]}),
)
async def feeds(resources: Asked, who: Reader, slug: str) -> Feeds:
    """With what went wrong at the last look, if anything did."""

    def read(session: Session) -> Feeds:
        newsletter = publication.get(session, slug)
        return Feeds(items=[shapes.feed(row) for row in queries.feeds_of(session, newsletter.id)])

    return await resources.database.read(read)


@router.post(
    "/{slug}/feeds",
    status_code=201,
    response_model=Feed,
    summary="Follow a feed",
    responses=problems.documented(404, 409, 413, 415, status=201, example=shapes.FEED_EXAMPLE),
)
async def feed_added(resources: Asked, who: Writer, posting: Posted, slug: str, asked: NewFeed) -> Response:
    """Its articles are taken in from now on; it is read for the first time within a minute."""
    now = resources.clock.now()

    def add(session: Session) -> Feed:
        newsletter = publication.get(session, slug)
        return shapes.feed(polling.add_feed(session, newsletter, asked.url, now=now, actor=who.actor))

    return await posting.write(201, add)
