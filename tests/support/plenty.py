"""A newsroom with so many readers, deliveries and years behind it that a missing key shows. Filled by a few large statements."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.database import Json
from service.editions.models import Edition, Rendition, State, Version
from service.ledger import fanout, tallies
from service.ledger.models import Delivery, Notice, NoticeState, Run, Span
from service.subscribers.models import State as Subscribed
from service.subscribers.models import Subscriber, Subscription
from service.suppressions.models import Reason, Suppression
from tests.support.outbox import document
from tests.support.publishing import newsletter

EDITIONS = 4  # of which the last is under way
YEARS_OF_SPANS = (
    10  # for each one that has deliveries: what retention leaves of those that have none any more
)
SPANS_PER_EDITION = 100
LEFT_OPEN_SPANS = 40

COLUMNS = [
    "edition_id", "number", "subscriber_id", "subscription_id", "address", "fields", "state",
    "attempts", "attempts_before", "uncertain_count", "at", "reply",
]  # fmt: skip


@dataclass(frozen=True)
class Plenty:
    newsletter_id: int
    slug: str
    edition_id: int
    edition_uid: UUID
    subscription_uid: UUID


def fill(session: Session, deliveries: int) -> Plenty:
    """As many subscribers as deliveries; a quarter of them in each of four editions, the last one under way."""
    if database.is_postgresql(session):
        session.execute(
            sa.text("SET LOCAL idle_in_transaction_session_timeout = 0")
        )  # so many rows take a while to be made
    now = database.now(session)
    memo = newsletter(session, now)
    _readers(session, memo.id, deliveries)
    _notices_and_suppressions(session, deliveries // 100)
    per_edition = deliveries // EDITIONS
    for number in range(EDITIONS * YEARS_OF_SPANS):
        _old_run(session, _edition(session, memo.id, date(2024, 1, 1) + timedelta(days=number)), per_edition)
    editions = [
        _edition(session, memo.id, date(2026, 3, 1) + timedelta(days=number)) for number in range(EDITIONS)
    ]
    for edition in editions:
        _deliveries(session, _run(session, edition, per_edition), is_under_way=edition is editions[-1])
    reader = session.exec(select(Subscription).limit(1)).one()
    return Plenty(memo.id, memo.slug, editions[-1].id, editions[-1].uid, reader.uid)


def learn(session: Session) -> None:
    """PostgreSQL plans by statistics, which its autovacuum gathers in time. SQLite has none in service, so none here."""
    if database.is_postgresql(session):
        session.execute(sa.text("ANALYZE"))


def _numbers(count: int) -> Any:
    counted = sa.select(sa.literal(1).label("number")).cte("counted", recursive=True)
    return counted.union_all(sa.select(counted.c.number + 1).where(counted.c.number < count))


def _uid(session: Session, number: Any) -> Any:
    """In the order of their making, as UUIDv7 are."""
    if database.is_postgresql(session):
        return sa.cast(sa.func.lpad(sa.func.to_hex(number), 32, "0"), sa.Uuid())
    return sa.func.printf("%032x", number)


def _readers(session: Session, newsletter_id: int, count: int) -> None:
    now, numbers = database.now(session), _numbers(count)
    digits = sa.func.substr(sa.cast(sa.literal(10_000_000) + numbers.c.number, sa.Text), 2)
    address = sa.literal("reader") + digits + sa.literal("@example.org")
    columns = ["uid", "address", "address_key", "address_hash", "created_at"]
    people = sa.select(
        _uid(session, numbers.c.number), address, address, sa.literal("hash of ") + address, _time(now)
    )
    session.execute(sa.insert(Subscriber).from_select(columns, people, include_defaults=False))
    columns = ["uid", "newsletter_id", "subscriber_id", "state", "revision", "requested_at", "confirmed_at"]
    given = sa.select(
        _uid(session, col(Subscriber.id)), sa.literal(newsletter_id), col(Subscriber.id), sa.literal(Subscribed.ACTIVE.value),
        sa.literal(1), _time(now), _time(now),
    )  # fmt: skip
    session.execute(sa.insert(Subscription).from_select(columns, given, include_defaults=False))


def _time(moment: Any) -> Any:
    return sa.literal(moment, type_=database.UtcDateTime())


def _notices_and_suppressions(session: Session, count: int) -> None:
    now = database.now(session)
    session.add_all(
        Notice(
            kind="confirm",
            address=f"new{number}@example.org",
            state=NoticeState.ACCEPTED,
            give_up_at=now,
            created_at=now,
        )
        for number in range(count)
    )
    session.add_all(
        Suppression(
            address_hash=f"hash of reader{number:07}@example.org", address=f"reader{number:07}@example.org",
            reason=Reason.BOUNCE, source="test", evidence="", created_at=now,
        )
        for number in range(count)
    )  # fmt: skip
    session.flush()


def _edition(session: Session, newsletter_id: int, local_date: date) -> Edition:
    now = database.now(session)
    edition = Edition(
        newsletter_id=newsletter_id, local_date=local_date, state=State.SENT, version_number=1, created_at=now
    )
    edition.started_at = edition.ended_at = now
    session.add(edition)
    session.flush()
    version = Version(
        edition_id=edition.id,
        number=1,
        document=document().canonical_json(),
        sha256="0" * 64,
        author="test",
        created_at=now,
    )
    session.add(version)
    session.flush()
    session.add(
        Rendition(
            edition_id=edition.id,
            version_id=version.id,
            data=b"",
            sha256="0" * 64,
            html_octets=0,
            created_at=now,
        )
    )
    session.flush()
    return edition


def _run(session: Session, edition: Edition, rows: int) -> Run:
    now = database.now(session)
    run = fanout.open_run(
        session, fanout.NewRun(edition.id, edition.newsletter_id, rows, now + timedelta(hours=20), False)
    )
    run.span_size, run.is_fanned_out, run.ended_at = max(1, rows // SPANS_PER_EDITION), True, now
    run.last_number = run.cursor = rows
    session.flush()
    return run


def _old_run(session: Session, edition: Edition, rows: int) -> None:
    run = _run(session, edition, rows)
    session.execute(
        sa.insert(Span),
        [
            {
                "edition_id": edition.id,
                "first": first,
                "last": first + run.span_size,
                "counts": {"accepted": run.span_size},
                "in_flight": [],
                "pins": {},
            }
            for first in range(1, rows + 1, run.span_size)
        ],
    )


def _deliveries(session: Session, run: Run, *, is_under_way: bool) -> None:
    """Of a hundred one is refused; of a run under way the last spans have not begun, and its fan-out has half a way to go."""
    begun = run.last_number - (LEFT_OPEN_SPANS * run.span_size if is_under_way else 0)
    number = sa.func.row_number().over(order_by=col(Subscription.subscriber_id))
    chosen = (
        sa.select(
            number.label("number"),
            col(Subscription.subscriber_id),
            col(Subscription.id),
            col(Subscriber.address),
        )
        .join(Subscriber, col(Subscriber.id) == col(Subscription.subscriber_id))
        .order_by(col(Subscription.subscriber_id))
        .limit(run.last_number)
        .subquery()
    )
    state = sa.case(
        (chosen.c.number > begun, "queued"), (chosen.c.number % 100 == 0, "refused"), else_="accepted"
    )
    rows = sa.select(
        sa.literal(run.edition_id), chosen.c.number, chosen.c.subscriber_id, chosen.c.id, chosen.c.address,
        sa.literal({}, type_=Json), state, sa.literal(1), sa.literal(0), sa.literal(0),
        _time(run.started_at), sa.literal("550 5.1.1 no such user"),
    )  # fmt: skip
    session.execute(sa.insert(Delivery).from_select(COLUMNS, rows, include_defaults=False))
    for first in range(1, run.last_number + 1, run.span_size):
        span = Span(
            edition_id=run.edition_id, first=first, last=min(first + run.span_size, run.last_number + 1)
        )
        span.due_at = run.started_at if first > begun else None
        session.add(span)
        tallies.write(session, span)
    if is_under_way:
        run.ended_at, run.is_fanned_out = None, False
        run.cursor = session.scalar(sa.select(sa.func.max(chosen.c.subscriber_id))) or 0
        session.get_one(Edition, run.edition_id).state = State.SENDING
    session.flush()
