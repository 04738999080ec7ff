"""A reader's own page: their first name, which newsletters they get and why, choosing among the public ones, leaving.

Its link is in every edition, so whoever has a copy of a message has it too. It names no whole address and changes none, and a newsletter
that is not for everybody is shown only to who gets it. Who reads one newsletter has proved the address: another one begins at once. Who
reads none any more is asked by mail first, as at every sign-up.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from service import addresses
from service.events import log as events
from service.newsletters import publication, web
from service.newsletters.models import Newsletter
from service.subscribers import activation, optin, optout, queries
from service.subscribers.activation import Consent
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscriber, Subscription
from service.subscribers.optout import SubscriptionNotFound
from service.subscribers.signup import SignUp
from service.suppressions import register as suppressions
from service.suppressions.models import Reason

METHOD = "preferences page"
GIVEN = (ConsentKind.CONFIRMED, ConsentKind.ADDED)


@dataclass(frozen=True)
class Choice:
    """A newsletter as this reader stands with it. `consent`: what made them a reader, while they are one."""

    newsletter: Newsletter
    state: State | None
    consent: ConsentEvent | None
    confirmed_at: datetime | None

    @property
    def is_chosen(self) -> bool:
        return self.state is State.ACTIVE

    @property
    def is_open(self) -> bool:
        """Whether it can be chosen, or given up."""
        return self.is_chosen or self.newsletter.is_open


@dataclass(frozen=True)
class Preferences:
    """What a preferences link stands for at this moment. `through`: the newsletter whose message it stood in."""

    through: Newsletter
    address: str
    first_name: str | None
    choices: tuple[Choice, ...]
    suppressed: Reason | None
    notices: tuple[int, ...] = ()  # confirmations that were queued just now

    @property
    def is_reading(self) -> bool:
        return any(choice.is_chosen for choice in self.choices)


@dataclass(frozen=True)
class Wanted:
    """The form: of the newsletters `shown` on it, those `chosen`. What was not shown stays as it is."""

    first_name: str | None
    shown: frozenset[str]
    chosen: frozenset[str]
    page: str
    client: str


def look(session: Session, subscription_uid: uuid.UUID) -> Preferences:
    """Changes nothing. Raises SubscriptionNotFound."""
    subscription = queries.subscription_of_uid(session, subscription_uid)
    if subscription is None:
        raise SubscriptionNotFound
    return _of(session, subscription)


def change(
    session: Session, subscription_uid: uuid.UUID, wanted: Wanted, *, pepper: str, now: datetime
) -> Preferences:
    """Make it so; a second time changes nothing. Raises SubscriptionNotFound, and what `optin.ask` raises for too many requests."""
    subscription = queries.locked_subscription_of_uid(session, subscription_uid)
    if subscription is None:
        raise SubscriptionNotFound
    before = _of(session, subscription)
    subscriber = queries.subscriber_by_id(session, subscription.subscriber_id)
    _name(session, subscriber, wanted.first_name, now)
    is_proved = before.is_reading and before.suppressed is None
    asked: list[tuple[Newsletter, SignUp]] = []
    for choice in before.choices:
        slug = choice.newsletter.slug
        if slug not in wanted.shown or not choice.is_open:
            continue
        if choice.is_chosen and slug not in wanted.chosen:
            _leave(session, choice.newsletter, subscriber, now)
        elif slug in wanted.chosen and not choice.is_chosen and is_proved:
            _join(session, choice.newsletter, subscriber, wanted, now)
        elif slug in wanted.chosen and not choice.is_chosen:
            asked.append((choice.newsletter, _request(choice.newsletter, subscriber, wanted)))
    queued = optin.ask_all(session, asked, pepper=pepper, now=now) if asked else []
    session.flush()
    notices = tuple(one for one in queued if one is not None)
    return replace(_of(session, subscription), notices=notices)


def _of(session: Session, subscription: Subscription) -> Preferences:
    subscriber = queries.subscriber_by_id(session, subscription.subscriber_id)
    query = select(Subscription).where(Subscription.subscriber_id == subscriber.id)
    held = {one.newsletter_id: one for one in session.exec(query)}
    suppression = suppressions.in_force(session, subscriber.address_hash)
    shown = [
        newsletter
        for newsletter in publication.all_of(session)
        if newsletter.id == subscription.newsletter_id or _is_for(newsletter, held.get(newsletter.id))
    ]
    return Preferences(
        through=publication.get_by_id(session, subscription.newsletter_id),
        address=subscriber.address,
        first_name=subscriber.first_name,
        choices=tuple(_choice(session, newsletter, held.get(newsletter.id)) for newsletter in shown),
        suppressed=suppression.reason if suppression is not None else None,
    )


def _is_for(newsletter: Newsletter, held: Subscription | None) -> bool:
    if held is not None and held.state is State.ACTIVE:
        return True
    return newsletter.is_open and web.is_public(newsletter)


def _choice(session: Session, newsletter: Newsletter, held: Subscription | None) -> Choice:
    if held is None:
        return Choice(newsletter, None, None, None)
    query = select(ConsentEvent).where(
        ConsentEvent.subscription_id == held.id, col(ConsentEvent.kind).in_(GIVEN)
    )
    given = session.exec(query.order_by(col(ConsentEvent.id).desc()).limit(1)).first()
    return Choice(newsletter, held.state, given if held.state is State.ACTIVE else None, held.confirmed_at)


def _name(session: Session, subscriber: Subscriber, first_name: str | None, now: datetime) -> None:
    if subscriber.first_name == first_name:
        return
    subscriber.first_name = first_name
    session.add(subscriber)
    subject, facts = ("subscriber", subscriber.uid), {"fields": ["first_name"], "method": METHOD}
    events.record(session, "subscriber.changed", actor="reader", now=now, subject=subject, facts=facts)


def _leave(session: Session, newsletter: Newsletter, subscriber: Subscriber, now: datetime) -> None:
    held = session.exec(
        select(Subscription).where(
            Subscription.newsletter_id == newsletter.id, Subscription.subscriber_id == subscriber.id
        )
    ).one()
    optout.end(session, held.uid, method=METHOD, now=now)


def _join(
    session: Session, newsletter: Newsletter, subscriber: Subscriber, wanted: Wanted, now: datetime
) -> None:
    new = Subscription(
        newsletter_id=newsletter.id, subscriber_id=subscriber.id, state=State.PENDING, requested_at=now
    )
    subscription = queries.found_or_inserted_subscription(session, new)
    if subscription.state is State.ACTIVE:
        return
    subscription.requested_at = now
    consent = Consent(METHOD, newsletter.consent_wording, wanted.client, wanted.page)
    activation.activate(session, subscription, consent, now=now)


def _request(newsletter: Newsletter, subscriber: Subscriber, wanted: Wanted) -> SignUp:
    return SignUp(
        address=addresses.parse(subscriber.address),
        first_name=None,
        page=wanted.page,
        wording=newsletter.consent_wording,
        client=wanted.client,
    )
