"""The bytes of a notice, made when it is taken. One function a kind; a notice nobody needs any more says why."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, select

from service import addresses
from service.delivery.exchange import Envelope
from service.errors import MemoError
from service.ledger.models import Notice
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering import direction
from service.rendering import notices as rendering
from service.rendering.notices import NoticeFacts
from service.subscribers import links
from service.subscribers.models import State, Subscription
from service.tokens import Keys


class NotNeeded(MemoError):
    """This notice is not needed any more."""


@dataclass(frozen=True)
class Stationery:
    """What messages are made with, the same for the whole process."""

    keys: Keys
    templates: Path
    base_url: str


@dataclass(frozen=True)
class Contents:
    template: str
    values: dict[str, str]
    facts: NoticeFacts
    mail_from: str


def contents(session: Session, notice: Notice, stationery: Stationery, now: datetime) -> Contents:
    """Gather what the message needs. Raises NotNeeded, or MemoError for a notice that cannot be made."""
    gather = GATHERERS.get(notice.kind)
    if gather is None:
        raise MemoError(f"There is no notice of the kind {notice.kind!r}.")
    return gather(session, notice, stationery, now)


def rendered(gathered: Contents, stationery: Stationery) -> Envelope:
    message = rendering.render(gathered.template, gathered.values, gathered.facts, stationery.templates)
    return Envelope(gathered.mail_from, gathered.facts.to_address, message)


def _confirm(session: Session, notice: Notice, stationery: Stationery, now: datetime) -> Contents:
    uid, revision = uuid.UUID(notice.payload["subscription_uid"]), int(notice.payload["revision"])
    subscription = session.exec(select(Subscription).where(Subscription.uid == uid)).first()
    if subscription is None or subscription.state is not State.PENDING or subscription.revision != revision:
        raise NotNeeded("The subscription was confirmed or ended meanwhile.")
    newsletter = session.get_one(Newsletter, subscription.newsletter_id)
    token = links.confirm_token(stationery.keys, uid, revision, now)
    values = {
        "newsletter": newsletter.name,
        "first_name": "",  # none: a stranger may have typed it
        "confirm_url": f"{stationery.base_url}/confirm/{token}",
    }
    return _from_newsletter("confirm", values, newsletter, notice, stationery, now)


def _alarm(session: Session, notice: Notice, stationery: Stationery, now: datetime) -> Contents:
    newsletter = session.get_one(Newsletter, notice.subject_id)
    values = {
        "subject": str(notice.payload["subject"]),
        "text": str(notice.payload["text"]),
        "desk_url": f"{stationery.base_url}{notice.payload.get('path', '/desk')}",
    }
    return _from_newsletter("alarm", values, newsletter, notice, stationery, now)


GATHERERS: dict[str, Callable[[Session, Notice, Stationery, datetime], Contents]] = {
    "confirm": _confirm,
    "alarm": _alarm,
}


def _from_newsletter(
    template: str,
    values: dict[str, str],
    newsletter: Newsletter,
    notice: Notice,
    stationery: Stationery,
    now: datetime,
) -> Contents:
    facts = NoticeFacts(
        to_address=addresses.parse(notice.address).wire,
        to_name=values.get("first_name") or None,
        from_name=newsletter.from_name,
        from_address=newsletter.from_address,
        reply_to=newsletter.reply_to,
        message_id=f"<{notice.uid.hex}@{addresses.parse(newsletter.from_address).domain}>",
        date=now,
        language=newsletter.language,
        direction=direction.of_language(newsletter.language),
        accent=newsletter.accent,
        postal_address=newsletter.postal_address,
        public_url=stationery.base_url,
        theme=publication.theme(newsletter),
    )
    return Contents(template, values, facts, newsletter.from_address)
