"""What is sent: an edition of the sample newsroom's articles, about 29 kB as a message, and readers, most with a first name."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from bench import readers
from service import addresses, database, settings, tokens
from service.accounts import keys
from service.articles import drafting, extraction, intake
from service.articles.intake import ArticleDraft
from service.articles.models import Source
from service.clock import SystemClock
from service.database import Database
from service.delivery import messages
from service.delivery.exchange import Envelope
from service.delivery.messages import Mould
from service.delivery.paging import Row
from service.demo import sample
from service.demo.newsroom import NEWSROOM_ADDRESS
from service.editions import composition, content
from service.editions.models import Edition
from service.ledger.models import DeliveryState
from service.newsletters import details, publication
from service.newsletters.models import Newsletter
from service.rendering import body
from service.rendering.blocks import Document, Note
from service.rendering.content import EditionContent
from service.subscribers import links
from service.subscribers.models import State, Subscriber, Subscription
from service.tokens import Keys

ARTICLES = 4  # with these a message has about 29 kB
GREETING = "Good morning, {{first_name|reader}}. Here is what happened, what matters and what comes next."
READERS_AT_ONCE = 20_000
ACTOR = "the bench"
# Above 5,000 readers the first 200 go and the rest waits a minute on purpose: how quickly messages leave is not told by that.
NO_CANARY = {"canary": {"is_on": False}}


@dataclass(frozen=True)
class Prepared:
    """A database with its readers, and an edition that waits to be started."""

    edition_uid: uuid.UUID
    api_key: str


async def prepare(url: str, count: int, *, pepper: str) -> Prepared:
    """The schema must be there, and nothing else."""
    opened = database.connect(url)
    now = SystemClock().now()
    try:
        edition, key = await opened.write(_edition, now)
        for first in range(0, count, READERS_AT_ONCE):
            numbers = range(first, min(first + READERS_AT_ONCE, count))
            await opened.write(_add_readers, edition.newsletter_id, numbers, pepper, now)
    finally:
        await opened.close()
    return Prepared(edition.uid, key)


async def moulded(held: Database) -> Mould:
    """The edition rendered as a launch renders it."""
    edition, facts = await held.read(_content)
    made = body.render(facts, settings.shipped("templates"))
    sender = facts.newsletter.from_address
    return Mould(1, edition.uid, sender, addresses.parse(sender).domain, made)


async def rows(held: Database, count: int) -> list[Row]:
    """Readers as fan-out would write them down, without a ledger."""
    return await held.read(_rows, count)


def message(mould: Mould, row: Row, held: Keys, now: datetime) -> Envelope:
    pins = {"key": held.fingerprint(), "date": now.isoformat()}
    return messages.make(mould, row, pins, keys=held, base_url=readers.PUBLIC_URL)


def link(row: Row, held: Keys) -> str:
    """The unsubscribe link in that message."""
    subscription = uuid.UUID(str(row.fields["subscription"]))
    return f"{readers.PUBLIC_URL}/unsubscribe/{links.unsubscribe_token(held, subscription)}"


def _edition(session: Session, now: datetime) -> tuple[Edition, str]:
    newsletter = publication.create(session, details.read(sample.DETAILS | NO_CANARY), now=now, actor=ACTOR)
    edition = composition.start(session, newsletter, now=now, actor=ACTOR, document=_greeting(newsletter))
    for number, draft in enumerate(_drafts()):
        article = intake.add(session, newsletter.id, draft, source=Source.PAGE, now=now)
        place: composition.Place = "item" if number else "lead"
        composition.include(session, edition, article, place=place, now=now, actor=ACTOR)
    _, key = keys.create(session, ACTOR, ["read", "write", "send"], now=now)
    return edition, key


def _greeting(newsletter: Newsletter) -> Document:
    blank = composition.blank(newsletter)
    blocks = [blank.blocks[0], Note(text_markdown=GREETING), *blank.blocks[1:]]
    return Document(subject=blank.subject, blocks=blocks)


@cache
def _drafts() -> list[ArticleDraft]:
    folder = settings.shipped("examples") / "newsroom" / "articles"
    return [_draft(path) for path in sorted(folder.glob("*.html"))[:ARTICLES]]


def _draft(path: Path) -> ArticleDraft:
    return drafting.draft_of(
        extraction.extract(path.read_bytes(), f"{NEWSROOM_ADDRESS}/articles/{path.name}")
    )


def _content(session: Session) -> tuple[Edition, EditionContent]:
    edition = session.exec(select(Edition)).one()
    return edition, content.of(session, edition, base_url=readers.PUBLIC_URL)


def _rows(session: Session, count: int) -> list[Row]:
    query = (
        sa.select(col(Subscriber.address), col(Subscriber.first_name), col(Subscription.uid))
        .join(Subscription, col(Subscription.subscriber_id) == col(Subscriber.id))
        .order_by(col(Subscription.id))
        .limit(count)
    )
    return [
        Row(
            number=number,
            address=address,
            fields={"subscription": str(uid), "first_name": first_name},
            state=DeliveryState.QUEUED,
            attempts=0,
            uncertain_count=0,
            pins=None,
        )
        for number, (address, first_name, uid) in enumerate(session.execute(query), 1)
    ]


def _add_readers(session: Session, newsletter_id: int, numbers: range, pepper: str, now: datetime) -> None:
    """In bulk: a million of them one by one would take longer than everything that is measured."""
    people = [
        {
            "uid": tokens.new_uid(),
            "address": readers.address_of(number),
            "address_key": readers.address_of(number),
            "address_hash": tokens.keyed_hash(pepper, readers.address_of(number)),
            "first_name": readers.name_of(number),
            "created_at": now,
        }
        for number in numbers
    ]
    session.execute(sa.insert(Subscriber), people)
    added = sa.select(col(Subscriber.id)).order_by(col(Subscriber.id).desc()).limit(len(numbers))
    subscriptions = [
        {
            "uid": tokens.new_uid(),
            "newsletter_id": newsletter_id,
            "subscriber_id": subscriber_id,
            "state": State.ACTIVE,
            "revision": 1,
            "confirmed_revision": 1,
            "requested_at": now,
            "confirmed_at": now,
        }
        for subscriber_id in session.execute(added).scalars()
    ]
    session.execute(sa.insert(Subscription), subscriptions)
