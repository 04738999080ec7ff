"""What readers, strangers and mail programs do, in one line each."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import httpx2
import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col, select

from service.dependencies import Resources
from service.ledger.models import Notice
from service.newsletters import publication
from service.newsletters.details import NewsletterDetails
from service.newsletters.models import Newsletter
from service.subscribers import links, register
from service.subscribers.models import State, Subscriber, Subscription
from service.subscribers.register import NewReader
from service.tables import metadata

T = TypeVar("T", bound=SQLModel)
DETAILS = NewsletterDetails(
    slug="morning-memo",
    name="Morning Memo",
    description="What the town talks about.",
    language="en",
    time_zone="America/New_York",
    from_name="The Harbor Ledger",
    from_address="memo@news.example.org",
    postal_address="14 Pier Street, Port Linden",
)
ANNA = "anna@example.org"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def newsletter(resources: Resources, **changes: Any) -> Newsletter:
    details = NewsletterDetails.model_validate(DETAILS.model_dump() | changes)
    return await resources.database.write(
        publication.create, details, now=resources.clock.now(), actor="test"
    )


async def reader(
    resources: Resources, of: Newsletter, address: str = ANNA, *, first_name: str | None = None
) -> Subscription:
    return await resources.database.write(
        register.add,
        of,
        NewReader(address, first_name),
        actor="test",
        pepper=resources.pepper,
        now=resources.clock.now(),
    )


async def sign_up(client: httpx2.AsyncClient, email: str = ANNA, **fields: str) -> httpx2.Response:
    return await client.post("/n/morning-memo", data={"email": email, **fields})


async def rows(resources: Resources, table: type[T]) -> Sequence[T]:
    def read(session: Session) -> Sequence[T]:
        return session.exec(select(table)).all()

    return await resources.database.read(read)


async def notice_count(resources: Resources) -> int:
    return len(await rows(resources, Notice))


async def subscription(resources: Resources, address: str = ANNA, slug: str = "morning-memo") -> Subscription:
    def read(session: Session) -> Subscription:
        query = (
            select(Subscription)
            .join(Subscriber, col(Subscriber.id) == col(Subscription.subscriber_id))
            .join(Newsletter, col(Newsletter.id) == col(Subscription.newsletter_id))
            .where(Subscriber.address == address, Newsletter.slug == slug)
        )
        return session.exec(query).one()

    return await resources.database.read(read)


async def state(resources: Resources, address: str = ANNA) -> State:
    return (await subscription(resources, address)).state


async def confirm_path(resources: Resources, address: str = ANNA, *, issued: datetime | None = None) -> str:
    """The link that the newest notice for this address carries."""
    held = await subscription(resources, address)
    issued = issued or resources.clock.now()
    return f"/confirm/{links.confirm_token(resources.keys, held.uid, held.revision, issued)}"


async def leave_path(resources: Resources, address: str = ANNA, slug: str = "morning-memo") -> str:
    held = await subscription(resources, address, slug)
    return f"/unsubscribe/{links.unsubscribe_token(resources.keys, held.uid)}"


async def everything_stored(resources: Resources) -> str:
    """One hash over every row of every table."""

    def read(session: Session) -> str:
        tables = sorted(metadata.tables.values(), key=lambda table: table.name)
        seen = [
            (table.name, sorted(repr(tuple(row)) for row in session.execute(sa.select(table))))
            for table in tables
        ]
        return hashlib.sha256(repr(seen).encode()).hexdigest()

    return await resources.database.read(read)


def altered(path: str) -> str:
    """One character of the token changed."""
    last = path[-5]
    return path[:-5] + ("A" if last != "A" else "B") + path[-4:]
