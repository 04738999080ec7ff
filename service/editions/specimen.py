"""An edition as one reader would get it now: the very bytes of a message, taken apart again. Nothing is sent, stored or counted.

read the content and the reader -> render and join, with no transaction open -> a Specimen
"""

import asyncio
import uuid
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from sqlmodel import Session

from service import addresses
from service.clock import Clock
from service.database import Database
from service.editions import content, queries
from service.errors import NotFound
from service.ledger import rows
from service.newsletters.models import Newsletter
from service.rendering import body, fitting, personal
from service.rendering.content import EditionContent, Personal
from service.rendering.fields import Marks
from service.rendering.personal import MessageFacts
from service.rendering.rendition import Rendition
from service.settings import Settings
from service.subscribers import links, register
from service.subscribers.models import State, Subscriber
from service.suppressions import register as suppressions

NEUTRAL_ADDRESS = body.SOMEBODY


class ReaderUnknown(NotFound):
    """Nobody with this address is known here. Check it for typing errors, or leave it empty for a reader of whom nothing is known."""


class Holder(Protocol):
    """What of a process's resources is needed here."""

    @property
    def database(self) -> Database: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def templates(self) -> Path: ...


@dataclass(frozen=True)
class Reader:
    """Whose message it is; of the neutral one nothing is known. `standing`: whether they would get it, in words."""

    address: str = NEUTRAL_ADDRESS
    first_name: str | None = None
    standing: str = ""


@dataclass(frozen=True)
class Specimen:
    """One message, as it would leave now."""

    reader: Reader
    sender: str
    subject: str
    preheader: str
    html: str
    text: str
    raw: bytes
    html_octets: int
    html_cap: int
    was_cut: bool
    template_problem: str | None  # why it is drawn in our template although the newsletter has its own

    @property
    def is_heavy(self) -> bool:
        return self.html_octets >= self.html_cap or self.was_cut

    @property
    def clipped_octets(self) -> int:
        return fitting.CLIPPED_OCTETS


async def take(held: Holder, uid: uuid.UUID, address: str = "") -> Specimen:
    """As the subscriber with this address, in any spelling; without one, as nobody in particular. Links in it end nobody's subscription.

    Raises EditionNotFound, AddressInvalid, ReaderUnknown.
    """
    found, reader = await held.database.read(_found, uid, address, base_url=held.settings.base_url)
    return await asyncio.to_thread(_made, held, uid, found, reader)


def _found(session: Session, uid: uuid.UUID, address: str, *, base_url: str) -> tuple[EditionContent, Reader]:
    edition = queries.get(session, uid)
    newsletter = queries.newsletter_of(session, edition)
    reader = _reader(session, newsletter, address) if address.strip() else Reader()
    return content.of(session, edition, base_url=base_url), reader


def _reader(session: Session, newsletter: Newsletter, address: str) -> Reader:
    subscriber = register.find_by_address(session, address)
    if subscriber is None:
        raise ReaderUnknown
    return Reader(subscriber.address, subscriber.first_name, _standing(session, newsletter, subscriber))


def _standing(session: Session, newsletter: Newsletter, subscriber: Subscriber) -> str:
    subscription = register.find(session, newsletter, subscriber)
    name = newsletter.name
    if subscription is None:
        return f"does not subscribe to {name}, so this would not go to them"
    if subscription.state is not State.ACTIVE:
        why = "has not confirmed yet" if subscription.state is State.PENDING else f"has left {name}"
        return f"{why}, so this would not go to them"
    if suppressions.in_force(session, subscriber.address_hash) is not None:
        return f"reads {name}, but the address is suppressed, so this would not go to them"
    return f"reads {name}"


def _made(held: Holder, uid: uuid.UUID, found: EditionContent, reader: Reader) -> Specimen:
    rendition = body.render(found, held.templates)
    fields = {"first_name": reader.first_name} if reader.first_name else {}
    message_id = rows.message_id(uid, 0, addresses.parse(found.newsletter.from_address).domain)
    raw = personal.splice(
        rendition,
        MessageFacts(message_id, held.clock.now()),
        Personal(
            address=addresses.wire_of(reader.address),
            greeting_name=reader.first_name,
            fields=fields,
            unsubscribe_url=f"{held.settings.base_url}/unsubscribe/{links.NOBODYS}",
            preferences_url=f"{held.settings.base_url}/preferences/{links.NOBODYS}",
            number=0,
        ),
    )
    marks = Marks("0" * 12)
    preheader = marks.filled(
        marks.line(found.document.preheader), lambda hole: fields.get(hole.field, hole.default)
    )
    problem = body.own_template_problem(found, held.templates)
    return _taken_apart(raw, rendition, reader, preheader, problem)


def _taken_apart(
    raw: bytes, rendition: Rendition, reader: Reader, preheader: str, template_problem: str | None
) -> Specimen:
    message = message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
    return Specimen(
        reader=reader,
        sender=str(message["From"]),
        subject=str(message["Subject"]),
        preheader=preheader,
        html=_part(message, "html"),
        text=_part(message, "plain"),
        raw=raw,
        html_octets=rendition.html_octets,
        html_cap=rendition.html_cap,
        was_cut=rendition.was_cut,
        template_problem=template_problem,
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return str(part.get_content()) if part is not None else ""
