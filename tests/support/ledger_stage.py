"""A database and a loop for tests that are not asynchronous: one small edition after another, whose time is moved by hand."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service import database
from service.delivery import committer, paging
from service.delivery.fence import Take
from service.delivery.paging import Page, Row
from service.delivery.recording import SpanBatch
from service.editions.models import Edition, Rendition, State, Version
from service.ledger import fanout
from service.ledger.models import Delivery, Run, Span
from service.subscribers.models import Subscription
from tests.support.outbox import add_readers
from tests.support.publishing import newsletter

P = ParamSpec("P")
T = TypeVar("T")
PEPPER = "a pepper for tests only"
LIFE = timedelta(hours=20)
_names = itertools.count(1)


@dataclass(frozen=True)
class Plan:
    readers: int
    span_size: int
    holds_uncertain: bool


@dataclass(frozen=True)
class Opened:
    """An edition whose run has begun; nothing of it is fanned out yet."""

    edition_id: int
    edition_uid: UUID
    subscriptions: dict[int, UUID]
    addresses: dict[int, str]


@dataclass(frozen=True)
class Seen:
    """All that the ledger says of one edition, read at one moment."""

    now: datetime
    run: Run
    edition: State
    spans: dict[int, Span]
    rows: dict[int, Delivery]

    def rows_of(self, span: Span) -> list[Delivery]:
        return [self.rows[number] for number in range(span.first, span.last)]


class Stage:
    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._database = database.connect(url)

    def write(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.run_until_complete(self._database.write(function, *args, **kwargs))

    def read(self, function: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.run_until_complete(self._database.read(function, *args, **kwargs))

    def commit(self, batches: list[SpanBatch]) -> set[tuple[int, int]]:
        """As `delivery.committer` does."""
        return self._loop.run_until_complete(committer.committed(self._database, batches))

    def page(self, taken: Take, wanted: Page) -> list[Row]:
        """As `delivery.sending` gets one."""
        found = self.read(paging.clean, taken, wanted)
        if found is not None:
            return found
        last = self.write(paging.open_page, taken, wanted)
        return [] if last is None else self.read(paging.rows, taken, replace(wanted, last=last))

    def close(self) -> None:
        self._loop.run_until_complete(self._database.close())
        self._runner.close()


def open_edition(session: Session, plan: Plan) -> Opened:
    """A newsletter, readers and a run of their own; whatever an earlier one left open is put out of the way."""
    _put_away(session)
    now = database.now(session)
    name = f"memo-{next(_names)}"
    memo = newsletter(session, now, slug=name, name=name)
    wires = [f"reader{number}@{name}.example.org" for number in range(plan.readers)]
    made = add_readers(session, memo, wires, pepper=PEPPER, now=now)
    edition = Edition(
        newsletter_id=memo.id,
        local_date=date(2026, 3, 2),
        state=State.SENDING,
        version_number=1,
        created_at=now,
    )
    session.add(edition)
    session.flush()
    add_rendition(session, edition.id, 1)
    new = fanout.NewRun(edition.id, memo.id, plan.readers, now + LIFE, plan.holds_uncertain)
    fanout.open_run(session, new).span_size = plan.span_size
    session.flush()
    kept = select(Subscription).where(Subscription.newsletter_id == memo.id)
    uids = {one.subscriber_id: one.uid for one in session.exec(kept)}
    return Opened(edition.id, edition.uid, uids, {number: wire for wire, number in made.items()})


def _put_away(session: Session) -> None:
    session.execute(sa.update(Run).values(ended_at=database.utc_now()).where(col(Run.ended_at).is_(None)))
    session.execute(sa.update(Span).values(due_at=None).where(col(Span.due_at).is_not(None)))


def add_rendition(session: Session, edition_id: int, number: int) -> None:
    now = database.now(session)
    version = Version(
        edition_id=edition_id, number=number, document="{}", sha256="0" * 64, author="test", created_at=now
    )
    session.add(version)
    session.flush()
    session.add(
        Rendition(
            edition_id=edition_id,
            version_id=version.id,
            data=b"",
            sha256="0" * 64,
            html_octets=0,
            created_at=now,
        )
    )


def look(session: Session, edition_id: int) -> Seen:
    begun = sa.select(Run, col(Edition.state), database.utc_now()).join(
        Edition, col(Edition.id) == col(Run.edition_id)
    )
    run, state, now = session.execute(begun.where(col(Run.edition_id) == edition_id)).one()
    spans = session.exec(select(Span).where(Span.edition_id == edition_id).order_by(col(Span.first)))
    rows = session.exec(
        select(Delivery).where(Delivery.edition_id == edition_id).order_by(col(Delivery.number))
    )
    return Seen(now, run, state, {span.id: span for span in spans}, {row.number: row for row in rows})


def pass_time(session: Session, edition_id: int, passed: timedelta) -> None:
    """The database's clock cannot be moved, so everything that waits for it comes nearer."""
    run = session.get_one(Run, edition_id)
    run.give_up_at -= passed
    waiting: list[Any] = [
        *session.exec(select(Span).where(Span.edition_id == edition_id)),
        *session.exec(select(Delivery).where(Delivery.edition_id == edition_id)),
    ]
    for one in waiting:
        if one.due_at is not None:
            one.due_at -= passed
        if isinstance(one, Span) and one.renewed_at is not None:
            one.renewed_at -= passed
    session.flush()


def soon_over(session: Session, edition_id: int, left: timedelta) -> None:
    """The next regular edition is near: this one is given up then."""
    run = session.get_one(Run, edition_id)
    run.give_up_at = min(run.give_up_at, database.now(session) + left)
    session.flush()


def correct(session: Session, edition_id: int, number: int) -> None:
    """A new rendition, and `turn` + 1: rows that nobody has tried get it at the next take."""
    add_rendition(session, edition_id, number)
    session.execute(
        sa.update(Run)
        .where(col(Run.edition_id) == edition_id, col(Run.ended_at).is_(None))
        .values(turn=col(Run.turn) + 1)
    )
