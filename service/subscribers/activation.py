"""A subscription becomes a reader's: its state, the consent that says why, and the line in the log. However it came to that."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from service.events import log as events
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscription
from service.subscribers.signup import version_of


@dataclass(frozen=True)
class Consent:
    """How it was given: the way, what was said next to it, the page it was on, and a mark of who sent it, not to be turned back."""

    method: str
    wording: str
    client: str
    page: str = ""


def activate(session: Session, subscription: Subscription, consent: Consent, *, now: datetime) -> None:
    """Of a subscription that is locked, or new. Links that were made for it before stop working."""
    subscription.state = State.ACTIVE
    subscription.revision += 1
    subscription.confirmed_at = now
    subscription.ended_at = None
    subscription.ended_because = None
    session.add(subscription)
    session.add(
        ConsentEvent(
            subscription_id=subscription.id,
            kind=ConsentKind.CONFIRMED,
            at=now,
            method=consent.method,
            page=consent.page,
            wording=consent.wording,
            wording_version=version_of(consent.wording),
            client=consent.client,
        )
    )
    subject, facts = ("subscription", subscription.uid), {"method": consent.method}
    events.record(session, "subscription.confirmed", actor="reader", now=now, subject=subject, facts=facts)
