"""What the demo starts with: the newsletter, its feed read once, two readers, an account for the desk and a key for the API."""

import asyncio
from dataclasses import dataclass

from sqlmodel import Session

from service.accounts import keys, passwords, signin
from service.articles import polling
from service.dependencies import Resources
from service.editions import rhythm
from service.editions.rhythm import Rhythm
from service.newsletters import details, publication
from service.subscribers import register
from service.subscribers.register import NewReader

SLUG = "morning-memo"
ACCOUNT, PASSWORD = "desk@example.org", "good morning desk"
CONSENT = (
    "By signing up you agree to receive the Morning Memo from The Harbor Ledger each weekday. We first send a message to "
    "ask if it is really you. Every edition has a link to leave with one click."
)
DETAILS = {
    "slug": SLUG,
    "name": "Morning Memo",
    "description": "The Harbor Ledger's day ahead for Port Linden: what happened, what matters, what comes next.",
    "from_name": "The Harbor Ledger",
    "from_address": "memo@ledger.example.org",
    "postal_address": "The Harbor Ledger\n14 Quay Street\nPort Linden",
    "time_zone": "Europe/Berlin",
    "consent_wording": CONSENT,
    "staff": [
        {"name": "Marguerite Osei", "role": "Editor in chief"},
        {"name": "Bea Holloway", "role": "Editor, the Morning Memo"},
    ],
}
READERS = ("ada@example.org", "grace@example.org")


@dataclass(frozen=True)
class Sample:
    newsroom_url: str
    api_key: str


async def prepare(resources: Resources, newsroom_url: str) -> Sample:
    hashed = await asyncio.to_thread(passwords.hash_password, PASSWORD)
    api_key = await resources.database.write(_make, resources, hashed, f"{newsroom_url}/feed.xml")
    await polling.poll_due(resources.database, resources.fetcher, resources.clock)
    return Sample(newsroom_url, api_key)


def _make(session: Session, resources: Resources, password_hash: str, feed_url: str) -> str:
    now = resources.clock.now()
    newsletter = publication.create(session, details.read(DETAILS), now=now, actor="the demo")
    rhythm.set_cadence(
        session, newsletter, Rhythm("weekdays", "06:00", is_automatic=True), now=now, actor="the demo"
    )
    polling.add_feed(session, newsletter, feed_url, now=now, actor="the demo")
    for address in READERS:
        reader = NewReader(address, consent="a sample reader of the demo")
        register.add(session, newsletter, reader, actor="the demo", pepper=resources.pepper, now=now)
    signin.create_account(session, "Desk", ACCOUNT, password_hash, now=now)
    _, secret = keys.create(session, "demo", ["read", "write", "send"], now=now)
    return secret
