"""What an editor and their newsroom do, in one line each."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, col, select

from service.accounts import signin
from service.accounts.models import Account
from service.articles import intake
from service.articles.intake import ArticleDraft
from service.articles.models import Article, Source
from service.dependencies import Resources
from service.editions import composition, queries
from service.editions.models import Edition
from service.events.models import Event
from service.newsletters import publication
from service.newsletters.details import NewsletterDetails
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document
from service.subscribers import register
from service.subscribers.register import NewReader

ADDRESS = "ada@news.example.org"
PASSWORD = "an editor's long password"
# Quick to check: how long that takes in a newsroom is measured where signing in itself is tested.
HASH = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)).hash(PASSWORD)
DETAILS = NewsletterDetails(
    slug="morning-memo",
    name="Morning Memo",
    time_zone="Europe/Berlin",
    from_name="Harbor Light",
    from_address="memo@news.example.org",
    postal_address="Harbor Light, 1 Pier Street, Seatown",
)
READERS = ("mara@example.org", "Noor@example.net", "ole@example.org")


async def account(resources: Resources) -> Account:
    return await resources.database.write(
        signin.create_account, "Ada Okafor", ADDRESS, HASH, now=resources.clock.now()
    )


async def sign_in(client: httpx2.AsyncClient, **changes: str) -> httpx2.Response:
    fields = {"address": ADDRESS, "password": PASSWORD, "next": "/desk"} | changes
    return await client.post("/desk/sign-in", data=fields)


async def newsletter(resources: Resources, **changes: Any) -> Newsletter:
    details = NewsletterDetails.model_validate(DETAILS.model_dump() | changes)
    return await resources.database.write(
        publication.create, details, now=resources.clock.now(), actor="test"
    )


async def readers(resources: Resources, memo: Newsletter, *addresses: str) -> None:
    for address in addresses or READERS:
        await resources.database.write(
            register.add,
            memo,
            NewReader(address),
            actor="test",
            pepper=resources.pepper,
            now=resources.clock.now() - timedelta(hours=1),
        )


async def article(resources: Resources, memo: Newsletter, headline: str, **changes: Any) -> Article:
    draft = ArticleDraft(
        headline=headline,
        body_markdown=f"{headline}, they say.",
        url=f"https://news.example.org/{re.sub('[^a-z]+', '-', headline.lower())}",
        published_at=resources.clock.now() - timedelta(minutes=30),
        **changes,
    )
    return await resources.database.write(
        intake.add, memo.id, draft, source=Source.PAGE, now=resources.clock.now()
    )


async def edition(resources: Resources, memo: Newsletter, *headlines: str) -> Edition:
    """A draft with these articles, the first as its lead."""
    articles = [await article(resources, memo, one) for one in headlines]
    now = resources.clock.now()

    def compose(session: Session) -> Edition:
        begun = composition.start(session, memo, now=now, actor="test")
        for number, one in enumerate(articles):
            place: composition.Place = "lead" if number == 0 else "item"
            composition.include(session, begun, one, place=place, now=now, actor="test")
        return begun

    return await resources.database.write(compose)


async def edition_of(resources: Resources, memo: Newsletter, document: Document) -> Edition:
    return await resources.database.write(
        composition.start, memo, now=resources.clock.now(), actor="test", document=document
    )


async def now_is(resources: Resources, uid: UUID) -> Edition:
    return await resources.database.read(queries.get, uid)


async def events(resources: Resources, subject_uid: UUID) -> list[tuple[str, str]]:
    def read(session: Session) -> list[tuple[str, str]]:
        query = (
            select(Event.name, Event.actor).where(Event.subject_uid == subject_uid).order_by(col(Event.id))
        )
        return list(session.exec(query))

    return await resources.database.read(read)


def version_on(page: httpx2.Response) -> int:
    """The version that the forms of a page were made for."""
    found = re.search(r'name="version" value="(\d+)"', page.text)
    assert found is not None
    return int(found.group(1))
