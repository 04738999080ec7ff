"""An edition through the whole engine: ledger on disk, fence, personal parts, SMTP."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import settings, tokens
from service.articles import intake
from service.articles.intake import ArticleDraft
from service.articles.models import Source
from service.delivery import launch
from service.dependencies import Resources, opened
from service.editions import composition
from service.editions.models import Edition, Rendition
from service.ledger import progress
from service.ledger.progress import Progress
from service.newsletters import details, publication
from service.subscribers.models import State, Subscriber, Subscription
from service.worker import Worker

ARTICLES = 8
PARAGRAPH = (
    "The council met on Monday and decided nothing, which took until midnight. It will meet again. " * 4
)
LOOK_EVERY = 0.25
GIVE_UP_AFTER = 600.0


@dataclass(frozen=True)
class Measured:
    messages: int
    seconds: float
    octets: int  # of one message, about

    @property
    def rate(self) -> float:
        return self.messages / self.seconds


async def measure(
    folder: Path, database_url: str, relay_port: int, *, readers: int, connections: int
) -> Measured:
    chosen = settings.load(
        data_dir=folder,
        database_url=database_url,
        relay_url=f"smtp://127.0.0.1:{relay_port}?tls=none",
        relay_connections=connections,
        public_url="https://news.example.org",
    )
    async with opened(chosen) as resources:
        edition = await resources.database.write(_edition, readers, resources.clock.now())
        async with Worker(resources, chosen.relay_url).running():
            began = time.perf_counter()
            await launch.launch(resources, edition.uid, actor="bench")
            found = await _ended(resources, edition.id)
            seconds = time.perf_counter() - began
        assert found.accepted == readers, found
        octets = await resources.database.read(_octets, edition.id)
        return Measured(readers, _between(found) or seconds, octets)


def _between(found: Progress) -> float | None:
    """From the first accept to the last, by the ledger's own times: start and end of the process are not what is asked."""
    if found.first_accepted_at is None or found.last_accepted_at is None:
        return None
    return (found.last_accepted_at - found.first_accepted_at).total_seconds()


async def _ended(resources: Resources, edition_id: int) -> Progress:
    async with asyncio.timeout(GIVE_UP_AFTER):
        while (found := await resources.database.read(progress.of, edition_id)).ended_at is None:
            await asyncio.sleep(LOOK_EVERY)
    return found


def _octets(session: Session, edition_id: int) -> int:
    query = select(Rendition.data).where(col(Rendition.edition_id) == edition_id)
    return len(session.exec(query).first() or b"")


def _edition(session: Session, readers: int, now: datetime) -> Edition:
    newsletter = publication.create(
        session,
        details.read(
            {
                "slug": "morning-memo",
                "name": "Morning Memo",
                "from_name": "The Harbor Ledger",
                "from_address": "memo@news.example.org",
                "postal_address": "The Harbor Ledger\n1 Quay Street\nPort Linden",
                "time_zone": "Europe/Berlin",
            }
        ),
        now=now,
        actor="bench",
    )
    _add_readers(session, newsletter.id, readers, now)
    edition = composition.start(session, newsletter, now=now, actor="bench")
    for number in range(1, ARTICLES + 1):
        draft = ArticleDraft(
            url=f"https://news.example.org/stories/{number}",
            headline=f"Story number {number}",
            deck=f"What there is to know about {number}.",
            body_markdown=f"{PARAGRAPH}\n\n{PARAGRAPH}",
        )
        article = intake.add(session, newsletter.id, draft, source=Source.PAGE, now=now)
        place: composition.Place = "lead" if number == 1 else "item"
        composition.include(session, edition, article, place=place, now=now, actor="bench")
    return edition


def _add_readers(session: Session, newsletter_id: int, readers: int, now: datetime) -> None:
    addresses = [f"reader{number}@example.org" for number in range(readers)]
    people = [
        {
            "uid": tokens.new_uid(),
            "address": address,
            "address_key": address,
            "address_hash": tokens.keyed_hash("bench", address),
            "first_name": "Ann",
            "created_at": now,
        }
        for address in addresses
    ]
    session.execute(sa.insert(Subscriber), people)
    ids = session.execute(sa.select(col(Subscriber.id))).scalars()
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
        for subscriber_id in ids
    ]
    session.execute(sa.insert(Subscription), subscriptions)
