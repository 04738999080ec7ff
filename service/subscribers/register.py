"""The register of subscribers: added by the newsroom (API, commands, imports), found under any spelling, listed in pages."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from service import addresses, tokens
from service.errors import Conflict
from service.events import log as events
from service.ledger import notices
from service.newsletters.models import Newsletter
from service.rendering import characters
from service.subscribers import queries, signup
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscriber, Subscription
from service.suppressions import register as suppressions


class AddressSuppressed(Conflict):
    """This address is on the list of those we do not mail. Only its owner can come back, through the sign-up page."""


class ReaderHasLeft(Conflict):
    """This reader has unsubscribed. Only they can come back: add them as pending, so that they are asked, or let them sign up."""


@dataclass(frozen=True)
class NewReader:
    """`state`: active for consent that the newsroom holds elsewhere (`consent` says where), pending to ask the reader first."""

    address: str
    first_name: str | None = None
    state: State = State.ACTIVE
    consent: str = ""


def add(
    session: Session, newsletter: Newsletter, reader: NewReader, *, actor: str, pepper: str, now: datetime
) -> Subscription:
    """Add a reader, or find them. Pending queues a confirmation: nudge `jobs.Kind.NOTICE` after the commit."""
    address = signup.read_address(reader.address)
    address_hash = tokens.keyed_hash(pepper, address.key)
    if suppressions.in_force(session, address_hash) is not None:
        raise AddressSuppressed
    new = Subscriber(
        address=address.wire,
        address_key=address.key,
        address_hash=address_hash,
        first_name=signup.read_first_name(reader.first_name or ""),
        created_at=now,
    )
    subscriber = queries.found_or_inserted_subscriber(session, new)
    existing = find(session, newsletter, subscriber)
    if existing is None:
        return _enter(session, newsletter, subscriber, reader, actor=actor, now=now)
    if existing.state is State.ENDED and reader.state is State.ACTIVE:
        raise ReaderHasLeft
    if existing.state is State.ENDED:
        existing.state = State.PENDING
        existing.revision += 1
        existing.requested_at = now
        _added(session, existing, subscriber, reader, actor=actor, now=now)
    return existing


def find(session: Session, newsletter: Newsletter, subscriber: Subscriber) -> Subscription | None:
    query = select(Subscription).where(
        Subscription.newsletter_id == newsletter.id, Subscription.subscriber_id == subscriber.id
    )
    return session.exec(query).first()


def find_by_address(session: Session, text: str) -> Subscriber | None:
    """Under whatever spelling; raises AddressInvalid for what is no address."""
    return queries.subscriber_of_key(session, addresses.parse(text).key)


def page(
    session: Session, newsletter: Newsletter, *, after: int = 0, limit: int = 100
) -> list[tuple[Subscription, Subscriber]]:
    """Subscriptions in the order of their making; go on with `after` = the id of the last one."""
    query = (
        select(Subscription, Subscriber)
        .join(Subscriber, col(Subscriber.id) == col(Subscription.subscriber_id))
        .where(Subscription.newsletter_id == newsletter.id, col(Subscription.id) > after)
        .order_by(col(Subscription.id))
        .limit(limit)
    )
    return [(subscription, subscriber) for subscription, subscriber in session.exec(query)]


def _enter(
    session: Session,
    newsletter: Newsletter,
    subscriber: Subscriber,
    reader: NewReader,
    *,
    actor: str,
    now: datetime,
) -> Subscription:
    new = Subscription(
        newsletter_id=newsletter.id,
        subscriber_id=subscriber.id,
        state=reader.state,
        requested_at=now,
        confirmed_at=now if reader.state is State.ACTIVE else None,
    )
    subscription = queries.found_or_inserted_subscription(session, new)
    _added(session, subscription, subscriber, reader, actor=actor, now=now)
    return subscription


def _added(
    session: Session,
    subscription: Subscription,
    subscriber: Subscriber,
    reader: NewReader,
    *,
    actor: str,
    now: datetime,
) -> None:
    session.add(subscription)
    wording = characters.single_line(reader.consent)[: signup.WORDING_CHARACTERS]
    session.add(
        ConsentEvent(
            subscription_id=subscription.id,
            kind=ConsentKind.ADDED,
            at=now,
            method=actor[:40],
            wording=wording,
            wording_version=signup.version_of(wording) if wording else "",
        )
    )
    subject = ("subscription", subscription.uid)
    facts = {"state": subscription.state.value}
    events.record(session, "subscription.added", actor=actor, now=now, subject=subject, facts=facts)
    if subscription.state is State.PENDING:
        payload = {"subscription_uid": str(subscription.uid), "revision": subscription.revision}
        notices.queue(session, "confirm", address=subscriber.address, payload=payload, now=now)
