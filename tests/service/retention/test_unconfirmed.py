"""Whoever asked and never confirmed is forgotten a month after the link lapsed; whoever was a reader before is not."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service.dependencies import Resources
from service.ledger.models import Notice, NoticeState
from service.newsletters.models import Newsletter
from service.retention import tiers
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscriber, Subscription
from tests.service.desk import steps
from tests.support.clock import HandClock

JUST_YET = timedelta(days=33)  # three days of the link, and thirty


def asked(session: Session, memo: Newsletter, address: str, at: datetime, *, was_reader: bool) -> None:
    person = Subscriber(address=address, address_key=address, address_hash=address, created_at=at)
    session.add(person)
    session.flush()
    confirmed_at = at if was_reader else None
    one = Subscription(
        newsletter_id=memo.id, subscriber_id=person.id, state=State.PENDING, requested_at=at, confirmed_at=confirmed_at
    )  # fmt: skip
    session.add(one)
    session.flush()
    session.add(ConsentEvent(subscription_id=one.id, kind=ConsentKind.REQUESTED, at=at, method="form"))
    session.add(
        Notice(kind="confirm", address=address, state=NoticeState.ACCEPTED, give_up_at=at, created_at=at)
    )


def left(session: Session) -> list[tuple[str, str]]:
    query = sa.select(col(Subscriber.address), col(Subscription.state)).join(
        Subscription, col(Subscription.subscriber_id) == col(Subscriber.id)
    )
    return sorted((address, state.value) for address, state in session.execute(query))


def addresses_anywhere(session: Session) -> set[str]:
    people = session.execute(sa.select(col(Subscriber.address))).scalars()
    return {*people, *session.execute(sa.select(col(Notice.address))).scalars()}


async def test_who_never_confirmed_is_forgotten(resources: Resources, clock: HandClock) -> None:
    memo, held = await steps.newsletter(resources), resources.database
    await held.write(asked, memo, "mara@example.org", clock.now(), was_reader=False)
    await held.write(asked, memo, "noor@example.org", clock.now(), was_reader=True)
    clock.advance(JUST_YET)
    await tiers.apply(resources)
    assert await held.read(left) == [("mara@example.org", "pending"), ("noor@example.org", "pending")]
    clock.advance(timedelta(seconds=1))
    await tiers.apply(resources)
    assert await held.read(left) == [("noor@example.org", "ended")]
    assert await held.read(addresses_anywhere) == {"noor@example.org"}
    consents = await held.read(lambda session: session.execute(sa.select(col(ConsentEvent.id))).all())
    assert len(consents) == 1
