"""A newsletter with readers and an edition under way, and a sender in the test's own loop: what tests of sending begin with."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database, tokens
from service.delivery import closing, reopening, transport
from service.delivery.limits import Timeouts
from service.delivery.office import Office
from service.delivery.sending import Sender
from service.delivery.transport import RelayAddress
from service.dependencies import Resources
from service.editions.models import Edition, Rendition, State, Version
from service.ledger import fanout, progress
from service.ledger.models import Delivery, Lane, Run, Span
from service.ledger.progress import Progress
from service.newsletters import details, publication
from service.newsletters.models import Newsletter
from service.rendering import body
from service.rendering.blocks import Document, Lead, Masthead
from service.rendering.content import EditionContent, NewsletterFacts
from service.subscribers import audience
from service.subscribers.models import State as Subscribed
from service.subscribers.models import Subscriber, Subscription

DETAILS = {
    "slug": "morning-memo",
    "name": "Morning Memo",
    "from_name": "Morning Memo",
    "from_address": "memo@news.example.org",
    "postal_address": "The Harbor Ledger\n1 Quay Street\nPort Linden",
    "time_zone": "Europe/Berlin",
}
LOOK_EVERY = 0.05  # more often, and looking takes as long as what is looked at
CHUNK_READERS = 1_000  # PostgreSQL ends a transaction that is idle for 5 s, and this machine may be busy


@dataclass
class Outbox:
    resources: Resources
    edition: Edition
    subscribers: dict[str, int] = field(default_factory=dict)

    async def progress(self) -> Progress:
        return await self.resources.database.read(progress.of, self.edition.id)

    async def rows(self) -> dict[str, Delivery]:
        return await self.resources.database.read(_rows, self.edition.id)

    async def state(self) -> State:
        found: Edition = await self.resources.database.read(Session.get_one, Edition, self.edition.id)
        return found.state

    async def everybody_due(self) -> None:
        """As if every wait were over. Spans are let go first: a holder reckons when its span is due next from the rows it read."""
        await self.until_let_go()
        await self.resources.database.write(_everybody_due, self.edition.id)

    async def until_let_go(self) -> None:
        """Until nobody holds a span of it."""
        async with asyncio.timeout(60):
            while await self.resources.database.read(_held_spans, self.edition.id):
                await asyncio.sleep(LOOK_EVERY)

    async def until_ended(self, *, within: float = 20.0) -> Progress:
        async with asyncio.timeout(within):
            while await self.resources.database.read(_is_open, self.edition.id):
                await asyncio.sleep(LOOK_EVERY)
        return await self.progress()


def make_newsletter(session: Session, now: datetime) -> Newsletter:
    return publication.create(session, details.read(DETAILS), now=now, actor="test")


def add_readers(
    session: Session, newsletter: Newsletter, wires: Sequence[str], *, pepper: str, now: datetime
) -> dict[str, int]:
    people = [
        Subscriber(
            address=wire,
            address_key=wire.casefold(),
            address_hash=tokens.keyed_hash(pepper, wire.casefold()),
            first_name=wire.partition("@")[0].title(),
            created_at=now,
        )
        for wire in wires
    ]
    session.add_all(people)
    session.flush()
    session.add_all(
        Subscription(
            newsletter_id=newsletter.id,
            subscriber_id=person.id,
            state=Subscribed.ACTIVE,
            requested_at=now - timedelta(days=1),
            confirmed_at=now - timedelta(days=1),
        )
        for person in people
    )
    session.flush()
    return {person.address: person.id for person in people}


def document() -> Document:
    return Document(
        subject="Ferry returns, {{first_name|reader}}",
        preheader="The night boat runs again from Monday.",
        blocks=[
            Masthead(),
            Lead(
                headline="Night ferry returns to Port Linden",
                deck="The night boat runs again from Monday.",
                body_markdown="Good morning, {{first_name|reader}}. The **night ferry** is back.\n\nIt leaves at ten.",
                url="https://ledger.example.org/articles/ferry",
                read_more=True,
            ),
        ],
    )


async def open_outbox(resources: Resources, wires: Sequence[str], *, holds_uncertain: bool = False) -> Outbox:
    """Readers with these addresses, and an edition whose run has begun and is fanned out."""
    real_now = await resources.database.read(database.now)
    newsletter = await resources.database.write(make_newsletter, real_now)
    subscribers: dict[str, int] = {}
    for first in range(0, len(wires), CHUNK_READERS):
        chunk = wires[first : first + CHUNK_READERS]
        subscribers |= await resources.database.write(
            add_readers, newsletter, chunk, pepper=resources.pepper, now=real_now
        )
    edition = await resources.database.write(
        _start, newsletter, resources, len(wires), real_now, holds_uncertain
    )
    while await resources.database.write(fanout.carry_on, edition.id, audience.statement) is not None:
        pass
    return Outbox(resources, edition, subscribers)


def _start(
    session: Session,
    newsletter: Newsletter,
    resources: Resources,
    readers: int,
    now: datetime,
    holds_uncertain: bool,
) -> Edition:
    edition = Edition(
        newsletter_id=newsletter.id,
        local_date=date(2026, 3, 2),
        state=State.SENDING,
        version_number=1,
        created_at=now,
        started_at=now,
    )
    session.add(edition)
    session.flush()
    version = Version(
        edition_id=edition.id,
        number=1,
        document=document().canonical_json(),
        sha256=document().sha256(),
        author="test",
        created_at=now,
    )
    session.add(version)
    session.flush()
    made = body.render(_content(newsletter), resources.templates)
    session.add(
        Rendition(
            edition_id=edition.id,
            version_id=version.id,
            data=made.to_bytes(),
            sha256=made.sha256,
            html_octets=made.html_octets,
            created_at=now,
        )
    )
    fanout.open_run(
        session,
        fanout.NewRun(edition.id, newsletter.id, readers, now + timedelta(hours=20), holds_uncertain),
    )
    return edition


def _content(newsletter: Newsletter) -> EditionContent:
    facts = NewsletterFacts(
        name=newsletter.name,
        slug=newsletter.slug,
        language="en",
        direction="ltr",
        from_name=newsletter.from_name,
        from_address=newsletter.from_address,
        reply_to=None,
        list_id=newsletter.list_id,
        postal_address=newsletter.postal_address,
        reason="You signed up for the Morning Memo.",
        accent=newsletter.accent,
        public_url="https://news.example.org",
    )
    return EditionContent(
        facts, document(), date(2026, 3, 2), "https://news.example.org/n/morning-memo/2026-03-02"
    )


def once_more(
    session: Session,
    like: int,
    readers: int,
    *,
    lane: Lane = Lane.SCHEDULED,
    is_written_out: bool = True,
) -> int:
    """The same words to the same readers, as another edition; its id."""
    before, now = session.get_one(Edition, like), database.now(session)
    latest = session.scalar(sa.select(sa.func.max(col(Edition.local_date))))
    assert latest is not None
    edition = Edition(
        newsletter_id=before.newsletter_id, local_date=latest + timedelta(days=1), state=State.SENDING,
        version_number=1, created_at=now, started_at=now,
    )  # fmt: skip
    session.add(edition)
    session.flush()
    version = session.exec(select(Version).where(Version.edition_id == like)).one()
    copy = Version.model_validate(version.model_dump(exclude={"id"}) | {"edition_id": edition.id})
    session.add(copy)
    session.flush()
    made = session.exec(select(Rendition).where(Rendition.edition_id == like)).one()
    own = {"edition_id": edition.id, "version_id": copy.id}
    session.add(Rendition.model_validate(made.model_dump(exclude={"id"}) | own))
    new = fanout.NewRun(edition.id, edition.newsletter_id, readers, now + timedelta(hours=20), False)
    fanout.open_run(session, replace(new, lane=lane))
    while is_written_out and fanout.carry_on(session, edition.id, audience.statement) is not None:
        pass
    return edition.id


def office(resources: Resources, relay: RelayAddress, *, holder: str = "one", connections: int = 4) -> Office:
    return Office(
        holder=holder,
        database=resources.database,
        clock=resources.clock,
        keys=resources.keys,
        base_url="https://news.example.org",
        relay=relay,
        # A test that waits for one gives its own: relay and sender share a loop, which may stand still.
        timeouts=Timeouts.alike(60),
        connections=connections,
        uncertain_wait=resources.settings.uncertain_after,
    )


def relay_at(url: str) -> RelayAddress:
    return transport.read_address(url, ehlo_name="news.example.org")


@asynccontextmanager
async def sending(office: Office, *, pepper: str = "a pepper for tests only") -> AsyncIterator[Sender]:
    """A sender at work: it takes what is due, again and again, and runs are closed when they end."""
    sender = Sender(office)
    tasks = [asyncio.create_task(sender.run()), asyncio.create_task(_again_and_again(sender, office, pepper))]
    try:
        yield sender
    finally:
        sender.drain()
        await asyncio.wait({tasks[1]}, timeout=10)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _again_and_again(sender: Sender, office: Office, pepper: str) -> None:
    while not sender.is_draining:
        await asyncio.gather(*(sender.send_due() for _ in range(3)))
        for edition_id in await office.database.read(reopening.unfinished):
            while await office.database.write(reopening.carry_on, edition_id) is not None:
                pass
        await office.database.write(closing.sweep_cancelled)
        await office.database.write(closing.close_ended, pepper=pepper, now=office.clock.now())
        await asyncio.sleep(0.1)


def _rows(session: Session, edition_id: int) -> dict[str, Delivery]:
    found = session.execute(sa.select(Delivery).where(col(Delivery.edition_id) == edition_id)).scalars()
    return {row.address: row for row in found}


def _held_spans(session: Session, edition_id: int) -> int:
    held = sa.select(sa.func.count()).where(
        col(Span.edition_id) == edition_id, col(Span.renewed_at).is_not(None)
    )
    return int(session.execute(held).scalar_one())


def _is_open(session: Session, edition_id: int) -> bool:
    ended_at = session.scalar(sa.select(col(Run.ended_at)).where(col(Run.edition_id) == edition_id))
    return ended_at is None


def _everybody_due(session: Session, edition_id: int) -> None:
    past = database.now(session) - timedelta(seconds=1)
    session.execute(
        sa.update(Delivery)
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.due_at).is_not(None))
        .values(due_at=past)
    )
    session.execute(
        sa.update(Span)
        .where(col(Span.edition_id) == edition_id, col(Span.due_at).is_not(None))
        .values(due_at=past)
    )
