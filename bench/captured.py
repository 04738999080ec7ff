"""A thousand messages kept and read with the standard library: each is the reader's own, and nobody's twice."""

import asyncio
import email
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import Session, col

from bench import newsroom, product, sink
from bench.bases import SqliteBase
from bench.ledger import DoesNotAddUp
from bench.product import Order
from service import database, tokens
from service.subscribers import links
from service.subscribers.models import Subscriber, Subscription
from service.tokens import Keys

MESSAGES = 1_000
CONNECTIONS = 20
NAMELESS = "reader"  # who has no name is greeted so
TOKEN = re.compile(r"/unsubscribe/([A-Za-z0-9_-]+)")
ADDRESS = re.compile(r"<([^>]+)>")


@dataclass(frozen=True)
class Reader:
    name: str
    subscription: uuid.UUID


async def check(base: SqliteBase, folder: Path) -> int:
    """How many messages were right. Raises DoesNotAddUp with the first that is not."""
    kept = folder / "kept"
    kept.mkdir()
    kept.chmod(0o777)  # the sink is nobody
    async with sink.running(folder, keep_in=kept) as keeping:
        await product.send(base, keeping, Order(MESSAGES, CONNECTIONS, keeping.url, folder))
    opened = database.connect((await base.original(MESSAGES)).url)
    try:
        readers = await opened.read(_readers)
    finally:
        await opened.close()
    keys = tokens.keys_from(tokens.kept_secret(folder / "secret-key"))
    return await asyncio.to_thread(_checked, kept, readers, keys)


def _checked(kept: Path, readers: dict[str, Reader], keys: Keys) -> int:
    waiting, names = dict(readers), set()
    for address, message in _messages(kept):
        reader = waiting.pop(address, None)
        if reader is None:
            raise DoesNotAddUp(f"{address} got a second message, or is no reader.")
        for problem in problems(message, address, reader, keys):
            raise DoesNotAddUp(f"{address}: {problem}")
        names.add(message["Message-ID"])
    if waiting or len(names) != len(readers):
        raise DoesNotAddUp(f"{len(waiting)} readers got no message; {len(names)} Message-IDs.")
    return len(readers)


def _messages(kept: Path) -> Iterator[tuple[str, EmailMessage]]:
    for path in sorted(kept.iterdir()):
        message = email.message_from_bytes(path.read_bytes(), policy=default)
        found = ADDRESS.search(message["X-Rcpt-Args"])
        address = found.group(1) if found else ""
        if address != product.NEWCOMER:
            yield address, message


def problems(message: EmailMessage, address: str, reader: Reader, keys: Keys) -> Iterator[str]:
    """What is wrong with that reader's message."""
    if message.defects or any(part.defects for part in message.walk()):
        yield "its message does not parse cleanly"
    if [one.addr_spec for one in message["To"].addresses] != [address]:
        yield f"its message is addressed to {message['To']}"
    greeted = newsroom.GREETING.replace("{{first_name|reader}}", reader.name or NAMELESS).partition(".")[0]
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        text = part.get_content() if part is not None else ""
        if greeted not in re.sub(r'<span dir="auto">|</span>', "", text):
            yield f"its {kind} part does not say “{greeted}”"
        if _subscriptions(text, keys) != {reader.subscription}:
            yield f"its {kind} part has somebody else's link, or none"
    if _subscriptions(message["List-Unsubscribe"], keys) != {reader.subscription}:
        yield "its List-Unsubscribe is somebody else's"


def _subscriptions(text: str, keys: Keys) -> set[uuid.UUID | None]:
    return {links.read_unsubscribe(keys, token) for token in TOKEN.findall(text)}


def _readers(session: Session) -> dict[str, Reader]:
    query = sa.select(col(Subscriber.address), col(Subscriber.first_name), col(Subscription.uid)).join(
        Subscription, col(Subscription.subscriber_id) == col(Subscriber.id)
    )
    return {address: Reader(name, uid) for address, name, uid in session.execute(query)}
