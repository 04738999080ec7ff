"""One piece of an import, entered in one transaction together with its cursor: a killed process goes on behind it, and nothing is doubled.

hold the row, if it still stands at this cursor -> enter the piece's people -> count -> move the cursor
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from service import tokens
from service.imports import looking, register
from service.imports.candidates import Candidate, Fault
from service.imports.layout import Layout
from service.imports.models import ImportFile, ReaderImport, State
from service.subscribers import enrolment
from service.subscribers.enrolment import Attested, Newcomer

TAKEN_FOR = timedelta(seconds=15)  # past all that one piece can take
ACTOR = "the worker"


@dataclass(frozen=True)
class Taken:
    """An import that somebody is at, and what of its file is still to be done."""

    id: int
    newsletter_id: int
    file_name: str
    layout: Layout
    attested: Attested
    cursor: int
    data: bytes


@dataclass(frozen=True)
class Piece:
    """So many rows from the cursor on. Made ready before the transaction begins."""

    import_id: int
    newsletter_id: int
    cursor: int
    rows: Sequence[Candidate | Fault]
    people: str
    attested: Attested
    is_last: bool


def is_any_due(session: Session, now: datetime) -> bool:
    query = select(ReaderImport.id).where(col(ReaderImport.due_at) <= now)
    return session.exec(query.limit(1)).first() is not None


def take(session: Session, *, now: datetime) -> Taken | None:
    """The import that has waited longest; nobody else gets it before its time is over, or before it is let go."""
    query = select(ReaderImport).where(col(ReaderImport.due_at) <= now, ReaderImport.state == State.RUNNING)
    query = query.order_by(col(ReaderImport.due_at), col(ReaderImport.id)).limit(1)
    row = session.exec(query.with_for_update(skip_locked=True)).first()
    return None if row is None else take_this(session, row, now=now)


def take_this(session: Session, row: ReaderImport, *, now: datetime) -> Taken:
    row.due_at = now + TAKEN_FOR
    session.add(row)
    return Taken(
        id=row.id,
        newsletter_id=row.newsletter_id,
        file_name=row.file_name,
        layout=Layout.model_validate(row.layout),
        attested=Attested(row.attested_by or "", row.consent),
        cursor=row.cursor,
        data=session.get_one(ImportFile, row.id).data,
    )


def let_go(session: Session, import_id: int, *, now: datetime) -> None:
    """Somebody else may carry it on at once."""
    row = session.get(ReaderImport, import_id, with_for_update=True)
    if row is not None and row.state is State.RUNNING:
        row.due_at = now
        session.add(row)


def piece(
    taken: Taken, cursor: int, rows: Sequence[Candidate | Fault], *, pepper: str, is_last: bool
) -> Piece:
    people = [
        Newcomer(
            one.wire,
            one.key,
            tokens.keyed_hash(pepper, one.key),
            one.first_name,
            source=f"{taken.file_name}, line {one.line}",
        )
        for one in rows
        if isinstance(one, Candidate)
    ]
    text = enrolment.as_text(people)
    return Piece(taken.id, taken.newsletter_id, cursor, rows, text, taken.attested, is_last)


def enter(session: Session, part: Piece, *, now: datetime) -> bool:
    """False: somebody else is at it or has been, or it was stopped."""
    query = select(ReaderImport).where(
        ReaderImport.id == part.import_id,
        ReaderImport.state == State.RUNNING,
        ReaderImport.cursor == part.cursor,
    )
    row = session.exec(query.with_for_update(skip_locked=True)).first()
    if row is None:
        return False
    standings = enrolment.enrol(session, part.newsletter_id, part.people, part.attested, now=now)
    counts = Counter({standing.value: count for standing, count in standings.items()})
    counts.update(one.outcome.value for one in part.rows if isinstance(one, Fault))
    row.counts = dict(Counter(row.counts) + counts)
    problems = [found.model_dump() for one in part.rows if (found := looking.problem_of(one))]
    row.problem_count += len(problems)
    row.problems = [*row.problems, *problems][: looking.PROBLEMS_KEPT]
    row.cursor += len(part.rows)
    row.due_at = now + TAKEN_FOR
    session.add(row)
    if part.is_last:
        register.end(session, row, State.DONE, actor=ACTOR, now=now)
    return True
