"""Which of our messages, and so which reader, a finding is about. Nobody is guessed (RFC 3464 section 2.3; faults.md NB-31).

    the signed return path                    it says it all
    our own unsubscribe link in what came back    signed as well; names the subscription
    our Message-ID, and the address it went to    both, since a Message-ID alone is known to every reader who has one
    what a relay told us about an address          only where the relay has proved itself

A report's own word for an address is never enough: anybody can write a report.
"""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import addresses
from service.addresses import AddressInvalid
from service.bounces.findings import Finding
from service.delivery import return_paths
from service.delivery.return_paths import Named, ReturnPaths
from service.editions.models import Edition
from service.ledger.models import Delivery, Notice
from service.subscribers import links, queries
from service.subscribers.models import Subscriber, Subscription
from service.tokens import Keys

_MESSAGE_ID = re.compile(r"<?([0-9a-f]{32})\.([0-9]{1,9})@")
_NOTICE_ID = re.compile(r"<?([0-9a-f]{32})@")
_LINK = re.compile(r"/unsubscribe/([A-Za-z0-9_-]{20,200})")
CONFIRMATION = "confirm"


@dataclass(frozen=True)
class Means:
    """What proof is read with, the same for the whole process. Without return paths none of a report's addresses proves anything."""

    keys: Keys
    pepper: str
    return_paths: ReturnPaths | None = None


@dataclass(frozen=True)
class Match:
    """What is known for certain of whom it is about. `address` is the one that was mailed, in its wire form."""

    how: str = ""
    edition_id: int | None = None
    number: int | None = None
    notice_id: int | None = None
    subscriber_id: int | None = None
    subscription_uid: uuid.UUID | None = None
    address: str | None = None
    is_for_staff: bool = False  # a notice to the newsroom itself, such as an alarm

    @property
    def delivery(self) -> tuple[int, int] | None:
        return (
            (self.edition_id, self.number)
            if self.edition_id is not None and self.number is not None
            else None
        )

    @property
    def is_found(self) -> bool:
        return bool(self.how)


NOBODY = Match()


class Forged(Exception):
    """A return path has the form of ours and was not made by us."""


def named_by(means: Means, written_to: Iterator[str] | list[str]) -> Named | None:
    """By the first return path of ours among these addresses. Raises Forged when there are only such as look like it."""
    looks_like_it = False
    for address in written_to:
        if means.return_paths is None or not means.return_paths.is_ours(address):
            continue
        if (named := means.return_paths.read(address)) is not None:
            return named
        looks_like_it |= return_paths.has_form(address)
    if looks_like_it:
        raise Forged
    return None


def find(
    session: Session, finding: Finding, named: Named | None, means: Means, *, is_proved: bool = False
) -> Match:
    """`named`: by the envelope of the report itself. `is_proved`: a relay says it that has shown that it is ours."""
    original = finding.original
    if named is None and means.return_paths is not None:
        named = means.return_paths.read(original.return_path)
    if named is not None:
        return _of_named(session, named)
    subscription = _of_link(session, original.list_unsubscribe, means)
    by_id = _of_message_id(session, original.message_id)
    recipient = _key(finding.recipient)
    if by_id.is_found and (is_proved or _is_confirmed(by_id, subscription, recipient)):
        return by_id
    if subscription is not None:
        return _of_subscription(session, subscription)
    return _of_address(session, recipient) if is_proved and recipient else NOBODY


def _is_confirmed(by_id: Match, subscription: Subscription | None, recipient: str | None) -> bool:
    if subscription is not None and by_id.subscription_uid == subscription.uid:
        return True
    return recipient is not None and recipient == _key(by_id.address)


def _of_named(session: Session, named: Named) -> Match:
    """With the row gone, what the return path says is still certain."""
    if named.is_notice:
        notice = session.get(Notice, named.id)
        found = _of_notice(session, notice) if notice is not None else Match(notice_id=named.id)
        return replace(found, how="return path")
    found = _of_delivery(session, named.id, named.number) or Match(edition_id=named.id, number=named.number)
    return replace(found, how="return path")


def _of_delivery(session: Session, edition_id: int, number: int) -> Match | None:
    query = (
        sa.select(col(Delivery.subscriber_id), col(Delivery.address), col(Subscription.uid))
        .outerjoin(Subscription, col(Subscription.id) == col(Delivery.subscription_id))
        .where(col(Delivery.edition_id) == edition_id, col(Delivery.number) == number)
    )
    row = session.execute(query).first()
    if row is None:
        return None
    subscriber_id, address, uid = row
    return Match("message-id", edition_id, number, None, subscriber_id, uid, address or None)


def _of_notice(session: Session, notice: Notice) -> Match:
    found = Match("message-id", notice_id=notice.id, address=notice.address)
    if notice.kind != CONFIRMATION:
        return replace(found, is_for_staff=True)
    uid = uuid.UUID(notice.payload["subscription_uid"])
    subscription = queries.subscription_of_uid(session, uid)
    subscriber_id = subscription.subscriber_id if subscription is not None else None
    return replace(found, subscriber_id=subscriber_id, subscription_uid=uid)


def _of_message_id(session: Session, message_id: str) -> Match:
    if found := _MESSAGE_ID.match(message_id):
        edition_id = session.exec(select(Edition.id).where(Edition.uid == uuid.UUID(found[1]))).first()
        return (_of_delivery(session, edition_id, int(found[2])) if edition_id else None) or NOBODY
    if found := _NOTICE_ID.match(message_id):
        notice = session.exec(select(Notice).where(Notice.uid == uuid.UUID(found[1]))).first()
        return _of_notice(session, notice) if notice is not None else NOBODY
    return NOBODY


def _of_link(session: Session, field: str, means: Means) -> Subscription | None:
    token = _LINK.search(field)
    uid = links.read_unsubscribe(means.keys, token[1]) if token else None
    return queries.subscription_of_uid(session, uid) if uid is not None else None


def _of_subscription(session: Session, subscription: Subscription) -> Match:
    subscriber = session.get(Subscriber, subscription.subscriber_id)
    return Match(
        "unsubscribe link",
        subscriber_id=subscription.subscriber_id,
        subscription_uid=subscription.uid,
        address=subscriber.address if subscriber is not None else None,
    )


def _of_address(session: Session, key: str) -> Match:
    subscriber = queries.subscriber_of_key(session, key)
    if subscriber is None:
        return NOBODY
    return Match("address", subscriber_id=subscriber.id, address=subscriber.address)


def _key(address: str | None) -> str | None:
    """What makes two spellings one; None for what is no address."""
    try:
        return addresses.parse(address or "").key
    except AddressInvalid:
        return None
