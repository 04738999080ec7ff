"""The statements of `enrolment`: each takes all its people as one JSON text. A row handed over by itself costs SQLAlchemy and the driver
more than writing it costs the database: of five hundred people the writer had 90 ms of processor time that way, and has 20 this way.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from service.database import UtcDateTime
from service.prepared import Prepared
from service.subscribers.models import ConsentEvent, ConsentKind, State, Subscriber, Subscription
from service.suppressions.models import Suppression

# What stands at which place of a person's row in the JSON. Both uids are made for whoever turns out to be new.
PLACES = ("key", "wire", "hash", "first_name", "source", "person_uid", "subscription_uid")
_NOW = sa.bindparam("the_moment", type_=UtcDateTime())
_NEWSLETTER = sa.bindparam("the_newsletter", type_=sa.BigInteger())


class Statements(NamedTuple):
    """In the order in which they run."""

    people: Prepared
    subscriptions: Prepared
    consents: Prepared
    nameless: Prepared
    standings: Prepared


@lru_cache(maxsize=2)
def statements(*, is_postgresql: bool) -> Statements:
    people = _given(is_postgresql=is_postgresql)
    insert = postgresql.insert if is_postgresql else sqlite.insert
    return Statements(
        Prepared(_people(people, insert)),
        Prepared(_subscriptions(people, insert)),
        Prepared(_consents(people)),
        Prepared(_nameless(people)),
        Prepared(_standings(people)),
    )


def _given(*, is_postgresql: bool) -> sa.CTE:
    text = sa.bindparam("the_people", type_=sa.Text())
    places = range(len(PLACES))
    if is_postgresql:
        person: Any = sa.func.json_array_elements(sa.cast(text, postgresql.JSON)).column_valued("person")
        values: list[Any] = [sa.cast(person.op("->>")(place), sa.Text) for place in places]
    else:
        each = sa.func.json_each(text).table_valued("value")
        values = [sa.func.json_extract(each.c.value, f"$[{place}]") for place in places]
    return sa.select(*[value.label(name) for name, value in zip(PLACES, values, strict=True)]).cte("given")


def _is_suppressed(people: sa.CTE) -> sa.ColumnElement[bool]:
    """Looked up for each by itself. What could be made a join, PostgreSQL has made one that read every suppression for each piece."""
    found = sa.select(col(Suppression.id)).where(
        col(Suppression.address_hash) == people.c.hash, col(Suppression.lifted_at).is_(None)
    )
    return found.limit(1).scalar_subquery().is_not(None)


def _number(people: sa.CTE) -> Any:
    return (
        sa.select(col(Subscriber.id))
        .where(col(Subscriber.address_key) == people.c.key)
        .correlate(people)
        .scalar_subquery()
    )


def _uid(column: Any) -> Any:
    return sa.cast(column, sa.Uuid())


def _people(people: sa.CTE, insert: Any) -> Any:
    """In the order of keys: two who enter the same people do not lock each other out."""
    columns = ["uid", "address", "address_key", "address_hash", "first_name", "created_at"]
    given = people.c
    fresh = (
        sa.select(_uid(given.person_uid), given.wire, given.key, given.hash, given.first_name, _NOW)
        .where(~_is_suppressed(people))
        .order_by(given.key)
    )
    return insert(Subscriber).from_select(columns, fresh, include_defaults=False).on_conflict_do_nothing()


def _subscriptions(people: sa.CTE, insert: Any) -> Any:
    columns = ["uid", "newsletter_id", "subscriber_id", "state", "revision", "requested_at", "confirmed_at"]
    fresh = (
        sa.select(
            _uid(people.c.subscription_uid), _NEWSLETTER, col(Subscriber.id), sa.literal_column(f"'{State.ACTIVE.value}'"),
            sa.literal_column("1"), _NOW, _NOW,
        )
        .join(Subscriber, col(Subscriber.address_key) == people.c.key)
        .where(~_is_suppressed(people))
        .order_by(people.c.key)
    )  # fmt: skip
    return insert(Subscription).from_select(columns, fresh, include_defaults=False).on_conflict_do_nothing()


def _consents(people: sa.CTE) -> Any:
    columns = ["subscription_id", "kind", "at", "method", "page", "wording", "wording_version", "client"]
    texts = {
        name: sa.bindparam(name, type_=sa.Text()) for name in ("the_method", "the_wording", "the_version")
    }
    added = sa.select(
        col(Subscription.id), sa.literal_column(f"'{ConsentKind.ADDED.value}'"), _NOW, texts["the_method"],
        people.c.source, texts["the_wording"], texts["the_version"], sa.literal_column("''"),
    ).join(Subscription, col(Subscription.uid) == _uid(people.c.subscription_uid))  # fmt: skip
    return sa.insert(ConsentEvent).from_select(columns, added, include_defaults=False)


def _nameless(people: sa.CTE) -> Any:
    """Who was known already, has become a reader now, and has no name: their number, and the name that the list has for them."""
    known = (
        sa.select(col(Subscriber.id))
        .where(col(Subscriber.address_key) == people.c.key, col(Subscriber.first_name).is_(None))
        .scalar_subquery()
    )
    mine = (
        sa.select(col(Subscription.id))
        .where(col(Subscription.uid) == _uid(people.c.subscription_uid))
        .scalar_subquery()
    )
    given = sa.select(known.label("number"), people.c.first_name.label("name"), mine.label("mine")).subquery()
    return sa.select(given.c.number, given.c.name).where(
        given.c.name.is_not(None), given.c.number.is_not(None), given.c.mine.is_not(None)
    )


def _standings(people: sa.CTE) -> Any:
    """What they are now, and how many of each. Who was made by us is new, whatever others did meanwhile."""

    def of_theirs(column: Any) -> Any:
        query = sa.select(column).where(
            col(Subscription.newsletter_id) == _NEWSLETTER, col(Subscription.subscriber_id) == _number(people)
        )
        return query.correlate(people).scalar_subquery()

    found = sa.select(
        (of_theirs(col(Subscription.uid)) == _uid(people.c.subscription_uid)).label("is_mine"),
        of_theirs(sa.cast(col(Subscription.state), sa.Text)).label("state"),
        _is_suppressed(people).label("is_suppressed"),
    ).subquery()
    standing = sa.case(
        (found.c.is_mine, "added"),
        (found.c.is_suppressed, "suppressed"),
        (found.c.state == State.ACTIVE.value, "already"),
        (found.c.state == State.PENDING.value, "pending"),
        (found.c.state == State.ENDED.value, "left"),
        else_="suppressed",
    )
    told = sa.select(standing.label("standing")).subquery()
    return sa.select(told.c.standing, sa.func.count()).group_by(told.c.standing)


_NAME = Prepared(
    sa.update(Subscriber)
    .where(col(Subscriber.id) == sa.bindparam("the_number"), col(Subscriber.first_name).is_(None))
    .values(first_name=sa.bindparam("the_name"))
)
# A plan that PostgreSQL made while the table was small reads all of it for each piece once it is large, and statistics come late.
_BY_KEYS = Prepared(
    sa.select(
        *[
            sa.func.set_config(name, sa.literal_column("'off'"), sa.literal_column("true"))
            for name in ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
        ]
    )
)


def run(connection: sa.Connection, values: Mapping[str, Any], *, is_postgresql: bool) -> dict[str, int]:
    """How many have which standing afterwards."""
    all_of = statements(is_postgresql=is_postgresql)
    if is_postgresql:
        _BY_KEYS.run(connection)
    for one in (all_of.people, all_of.subscriptions, all_of.consents):
        one.run(connection, values)
    for number, name in all_of.nameless.run(connection, values).fetchall():
        _NAME.run(connection, {"the_number": number, "the_name": name})
    found = all_of.standings.run(connection, values).fetchall()
    return {str(standing): int(count) for standing, count in found}
