"""Double opt-in: somebody asks, the owner of the address confirms. Only the second makes a reader.

ask: form -> cool-downs -> pending, with a consent event -> notice "confirm"
confirm: the button behind the link -> active, with a consent event -> the person's own suppression ends
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from service import tokens
from service.errors import Conflict, NotFound
from service.events import log as events
from service.ledger import notices
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.subscribers import activation, cooldowns, queries
from service.subscribers.activation import Consent
from service.subscribers.links import ConfirmClaim
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscriber, Subscription
from service.subscribers.signup import SignUp
from service.suppressions import register as suppressions

CONFIRM_WITHIN = timedelta(hours=72)
METHOD = "button on the confirmation page"


class NewsletterClosed(Conflict):
    """This newsletter takes no new readers at the moment."""


class ConfirmationUnknown(NotFound):
    """This confirmation link is not one of ours. Perhaps a part of it got lost: please open it from the message again."""


class ConfirmationOutdated(Conflict):
    """This confirmation link does not work any more. Sign up again, and a new one is sent."""


class Standing(StrEnum):
    OPEN = "open"
    CONFIRMED = "confirmed"
    OUTDATED = "outdated"


@dataclass(frozen=True)
class Invitation:
    """What a confirmation link stands for at this moment."""

    standing: Standing
    newsletter: Newsletter
    address: str


def ask(
    session: Session, newsletter: Newsletter, request: SignUp, *, pepper: str, now: datetime
) -> int | None:
    return ask_all(session, [(newsletter, request)], pepper=pepper, now=now)[0]


def ask_all(
    session: Session, wanted: Sequence[tuple[Newsletter, SignUp]], *, pepper: str, now: datetime
) -> list[int | None]:
    """Store each request and queue its confirmation; the ids of those notices, None where nothing is to be sent.

    The visitor must not learn which. So everything is done for every address alike, and what must not be is undone before the
    commit: unknown, pending, active, ended and suppressed addresses cost the same time (faults.md NB-10).
    """
    cooldowns.look_for_capacity(session, now=now)
    notice_ids = []
    for newsletter, request in wanted:
        if not newsletter.is_open:
            raise NewsletterClosed
        cooldowns.ensure_client_may(session, request.client, now=now)
        notice_ids.append(_asked(session, newsletter, request, pepper=pepper, now=now))
    for _ in wanted:
        cooldowns.ensure_capacity(session, now=now)
    return notice_ids


def _asked(
    session: Session, newsletter: Newsletter, request: SignUp, *, pepper: str, now: datetime
) -> int | None:
    mailbox = cooldowns.mailbox_of(session, request.address.key, pepper=pepper)
    address_hash = tokens.keyed_hash(pepper, request.address.key)
    cooldowns.wait_for_mailbox(session, mailbox)
    with session.begin_nested() as attempt:
        has_rested = cooldowns.admit_mailbox(session, mailbox, now=now)
        may_be_asked = suppressions.may_ask(session, address_hash, now=now)
        subscriber = _subscriber(session, request, address_hash, now)
        subscription = _subscription(session, newsletter, subscriber, now)
        was_active = subscription.state is State.ACTIVE
        notice_id = _requested(session, subscription, subscriber, request, now)
        if was_active or not (has_rested and may_be_asked):
            attempt.rollback()
            return None
    return notice_id


def look(session: Session, claim: ConfirmClaim, *, now: datetime) -> Invitation:
    """Changes nothing: mail gateways open every link they see."""
    subscription = queries.subscription_of_uid(session, claim.subscription_uid)
    if subscription is None:
        raise ConfirmationUnknown
    newsletter = publication.get_by_id(session, subscription.newsletter_id)
    subscriber = queries.subscriber_by_id(session, subscription.subscriber_id)
    return Invitation(_standing(subscription, claim, now), newsletter, subscriber.address)


def confirm(session: Session, claim: ConfirmClaim, *, now: datetime, client: str) -> Subscription:
    """Make it active. A second time changes nothing and is no error; a link that an unsubscribe has overtaken is one."""
    subscription = queries.locked_subscription_of_uid(session, claim.subscription_uid)
    if subscription is None:
        raise ConfirmationUnknown
    standing = _standing(subscription, claim, now)
    if standing is Standing.OUTDATED:
        raise ConfirmationOutdated
    if standing is Standing.OPEN:
        _activate(session, subscription, claim, now=now, client=client)
    return subscription


def accept(session: Session, claim: ConfirmClaim, *, now: datetime, client: str) -> Invitation:
    """`confirm`, with what the page says about it afterwards; an outdated link is an answer here, no error."""
    with contextlib.suppress(ConfirmationOutdated):
        confirm(session, claim, now=now, client=client)
    return look(session, claim, now=now)


def _standing(subscription: Subscription, claim: ConfirmClaim, now: datetime) -> Standing:
    if subscription.state is State.ACTIVE and subscription.confirmed_revision == claim.revision:
        return Standing.CONFIRMED
    is_current = subscription.state is State.PENDING and subscription.revision == claim.revision
    is_in_time = now - claim.issued_at <= CONFIRM_WITHIN
    return Standing.OPEN if is_current and is_in_time else Standing.OUTDATED


def _activate(
    session: Session, subscription: Subscription, claim: ConfirmClaim, *, now: datetime, client: str
) -> None:
    newsletter = publication.get_by_id(session, subscription.newsletter_id)
    subscriber = queries.subscriber_by_id(session, subscription.subscriber_id)
    subscription.confirmed_revision = claim.revision
    consent = Consent(METHOD, newsletter.consent_wording, client)
    activation.activate(session, subscription, consent, now=now)
    suppressions.lift_own(session, subscriber.address_hash, now=now)


def _subscriber(session: Session, request: SignUp, address_hash: str, now: datetime) -> Subscriber:
    new = Subscriber(
        address=request.address.wire,
        address_key=request.address.key,
        address_hash=address_hash,
        first_name=request.first_name,
        created_at=now,
    )
    subscriber = queries.found_or_inserted_subscriber(session, new)
    # Anybody can type anybody's address: only somebody who reads nothing yet can be given a name this way.
    if request.first_name and not queries.is_active_anywhere(session, subscriber.id):
        subscriber.first_name = request.first_name
        session.add(subscriber)
    return subscriber


def _subscription(
    session: Session, newsletter: Newsletter, subscriber: Subscriber, now: datetime
) -> Subscription:
    new = Subscription(
        newsletter_id=newsletter.id, subscriber_id=subscriber.id, state=State.PENDING, requested_at=now
    )
    return queries.found_or_inserted_subscription(session, new)


def _requested(
    session: Session, subscription: Subscription, subscriber: Subscriber, request: SignUp, now: datetime
) -> int:
    """A pending one keeps its revision, so the link of an earlier message works as well as that of the new one."""
    if subscription.state is not State.PENDING:
        subscription.state = State.PENDING
        subscription.revision += 1
    subscription.requested_at = now
    session.add(subscription)
    session.add(
        ConsentEvent(
            subscription_id=subscription.id,
            kind=ConsentKind.REQUESTED,
            at=now,
            method="sign-up form",
            page=request.page,
            wording=request.wording,
            wording_version=request.wording_version,
            client=request.client,
        )
    )
    subject = ("subscription", subscription.uid)
    events.record(session, "subscription.requested", actor="reader", now=now, subject=subject)
    payload = {"subscription_uid": str(subscription.uid), "revision": subscription.revision}
    return notices.queue(session, "confirm", address=subscriber.address, payload=payload, now=now).id
