"""Leaving: one subscription ends, at once, any number of times. Other newsletters of the same reader go on."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from service.errors import NotFound
from service.events import log as events
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.subscribers import queries
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscription

UNSUBSCRIBED = "unsubscribed"


class SubscriptionNotFound(NotFound):
    """There is no such subscription; perhaps it has been erased."""


@dataclass(frozen=True)
class Farewell:
    """What an unsubscribe link stands for at this moment."""

    newsletter: Newsletter
    address: str
    has_ended: bool


def look(session: Session, subscription_uid: uuid.UUID) -> Farewell:
    """Changes nothing: mail gateways open every link they see."""
    return _farewell(session, _found(queries.subscription_of_uid(session, subscription_uid)))


def end(session: Session, subscription_uid: uuid.UUID, *, method: str, now: datetime) -> Subscription:
    """End it; what has ended stays as it is. Links of confirmation that are still about die with the revision."""
    subscription = _found(queries.locked_subscription_of_uid(session, subscription_uid))
    if subscription.state is State.ENDED:
        return subscription
    subscription.state = State.ENDED
    subscription.revision += 1
    subscription.ended_at = now
    subscription.ended_because = UNSUBSCRIBED
    session.add(subscription)
    session.add(
        ConsentEvent(
            subscription_id=subscription.id, kind=ConsentKind.UNSUBSCRIBED, at=now, method=method[:40]
        )
    )
    facts = {"method": method}
    subject = ("subscription", subscription.uid)
    events.record(session, "subscription.ended", actor="reader", now=now, subject=subject, facts=facts)
    return subscription


def leave(session: Session, subscription_uid: uuid.UUID, *, method: str, now: datetime) -> Farewell:
    """`end`, with what the page says about it afterwards."""
    return _farewell(session, end(session, subscription_uid, method=method, now=now))


def _found(subscription: Subscription | None) -> Subscription:
    if subscription is None:
        raise SubscriptionNotFound
    return subscription


def _farewell(session: Session, subscription: Subscription) -> Farewell:
    newsletter = publication.get_by_id(session, subscription.newsletter_id)
    subscriber = queries.subscriber_by_id(session, subscription.subscriber_id)
    return Farewell(newsletter, subscriber.address, subscription.state is State.ENDED)
