"""Readers of a newsletter: added with their consent, found under any spelling of their address, ended."""

import uuid
from datetime import datetime

from fastapi.responses import Response
from sqlmodel import Session

from service.api import operations, problems
from service.api.authorization import Caller, Reader, Writer
from service.api.idempotency import Posted
from service.api.paging import Page, Paged, Paging
from service.api.shapes import subscribers as shapes
from service.api.shapes.subscribers import NewSubscriber, Subscriber
from service.asking import Asked
from service.dependencies import Resources
from service.errors import Invalid
from service.jobs import Kind
from service.newsletters import publication
from service.subscribers import optout, queries, register
from service.subscribers.models import State
from service.subscribers.optout import SubscriptionNotFound
from service.subscribers.register import NewReader

router = operations.router("/subscribers", "subscribers")
LISTING = "subscribers"


class ConsentMissing(Invalid):
    """A reader may be added as active only with `consent`: say where and when they agreed. Or add them as pending."""


class NewsletterMissing(Invalid):
    """Say whose readers: `newsletter` for all of one newsletter, or `address` for one person."""


@router.get(
    "",
    summary="List or look up subscribers",
    responses=problems.documented(404, example={"items": [shapes.SUBSCRIBER_EXAMPLE], "next": None}),
)
async def listed(
    resources: Asked, who: Reader, paging: Paged, newsletter: str | None = None, address: str | None = None
) -> Page[Subscriber]:
    """With `newsletter`, its readers page by page. With `address`, in any spelling, what this person subscribes to; in a
    URL a plus sign is `%2B`.
    """
    if address is not None:
        return await resources.database.read(_of_person, address, newsletter)
    if newsletter is None:
        raise NewsletterMissing(field="newsletter")
    return await resources.database.read(_page, newsletter, paging)


@router.post(
    "",
    status_code=201,
    response_model=Subscriber,
    summary="Add a subscriber",
    responses=problems.documented(404, 409, 413, 415, status=201, example=shapes.SUBSCRIBER_EXAMPLE),
)
async def added(resources: Asked, who: Writer, posting: Posted, asked: NewSubscriber) -> Response:
    """A pending reader is asked by mail to confirm. An active one needs `consent`. Who is a reader already stays as they
    are; who has left or is suppressed can come back only by their own confirmation.
    """
    if asked.state == "active" and not (asked.consent or "").strip():
        raise ConsentMissing(field="consent")
    now = resources.clock.now()

    def add(session: Session) -> Subscriber:
        return _add(session, asked, who=who, resources=resources, now=now)

    answer = await posting.write(201, add)
    if asked.state == "pending":
        await resources.jobs.nudge(Kind.NOTICE, "notice")
    return answer


@router.get(
    "/{uid}",
    summary="Get a subscriber",
    responses=problems.documented(404, example=shapes.SUBSCRIBER_EXAMPLE),
)
async def one(resources: Asked, who: Reader, uid: uuid.UUID) -> Subscriber:
    """A person as a reader of one newsletter."""
    return await resources.database.read(_one, uid)


@router.post(
    "/{uid}/end",
    response_model=Subscriber,
    summary="End a subscription",
    responses=problems.documented(
        404,
        409,
        413,
        415,
        example={
            **shapes.SUBSCRIBER_EXAMPLE,
            "state": "ended",
            "ended_at": "2026-03-09T09:00:00Z",
            "ended_because": "unsubscribed",
        },
    ),
)
async def ended(resources: Asked, who: Writer, posting: Posted, uid: uuid.UUID) -> Response:
    """The same as the reader's own unsubscribing: at once, and only they can come back. Twice is no error."""
    now = resources.clock.now()

    def end(session: Session) -> Subscriber:
        optout.end(session, uid, method=who.actor, now=now)
        return _one(session, uid)

    return await posting.write(200, end)


def _add(
    session: Session, asked: NewSubscriber, *, who: Caller, resources: Resources, now: datetime
) -> Subscriber:
    newsletter = publication.get(session, asked.newsletter)
    reader = NewReader(asked.address, asked.first_name, State(asked.state), consent=asked.consent or "")
    row = register.add(session, newsletter, reader, actor=who.actor, pepper=resources.pepper, now=now)
    return shapes.subscriber(row, queries.subscriber_by_id(session, row.subscriber_id), newsletter.slug)


def _one(session: Session, uid: uuid.UUID) -> Subscriber:
    row = queries.subscription_of_uid(session, uid)
    if row is None:
        raise SubscriptionNotFound
    newsletter = publication.get_by_id(session, row.newsletter_id)
    return shapes.subscriber(row, queries.subscriber_by_id(session, row.subscriber_id), newsletter.slug)


def _page(session: Session, slug: str, paging: Paging) -> Page[Subscriber]:
    newsletter = publication.get(session, slug)
    rows = register.page(session, newsletter, after=paging.start(LISTING), limit=paging.limit + 1)
    return paging.page(
        LISTING, rows, lambda row: row[0].id, lambda row: shapes.subscriber(row[0], row[1], newsletter.slug)
    )


def _of_person(session: Session, address: str, slug: str | None) -> Page[Subscriber]:
    person = register.find_by_address(session, address)
    newsletters = [publication.get(session, slug)] if slug else publication.all_of(session)
    if person is None:
        return Page(items=[], next=None)
    found = [(register.find(session, newsletter, person), newsletter) for newsletter in newsletters]
    items = [shapes.subscriber(row, person, newsletter.slug) for row, newsletter in found if row is not None]
    return Page(items=items, next=None)
