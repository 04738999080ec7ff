"""Who an edition goes to, as a SELECT that the fan-out reads in chunks.

Suppressed readers are in it: the ledger accounts for each of them as skipped, with the reason, instead of passing over them.
"""

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service.subscribers.models import State, Subscriber, Subscription


def statement(is_postgresql: bool) -> sa.Select[Any]:
    """Columns subscriber_id, subscription_id, address and fields (what personal places need), one row a reader; it asks for the
    values `the_newsletter` and `the_cutoff`.

    person_id is subscriber_id from the other table: a chunk's lower bound on both keeps a merge join from reading everybody below.
    """
    built = sa.func.jsonb_build_object if is_postgresql else sa.func.json_object
    fields = built(
        sa.literal_column("'first_name'"),
        col(Subscriber.first_name),
        sa.literal_column("'subscription'"),
        sa.cast(col(Subscription.uid), sa.Text),
    )
    return (
        sa.select(
            col(Subscription.subscriber_id).label("subscriber_id"),
            col(Subscriber.id).label("person_id"),
            col(Subscription.id).label("subscription_id"),
            col(Subscriber.address).label("address"),
            fields.label("fields"),
        )
        .join(Subscriber, col(Subscriber.id) == col(Subscription.subscriber_id))
        .where(
            col(Subscription.newsletter_id) == sa.bindparam("the_newsletter"),
            col(Subscription.state) == State.ACTIVE,
            col(Subscription.confirmed_at) <= sa.bindparam("the_cutoff"),
        )
    )


def count(session: Session, newsletter_id: int) -> int:
    """Active subscriptions now."""
    query = sa.select(sa.func.count()).where(
        col(Subscription.newsletter_id) == newsletter_id, col(Subscription.state) == State.ACTIVE
    )
    return int(session.execute(query).scalar_one())
