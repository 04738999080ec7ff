"""What the pages of an import show: the file as it would be read, or how far it is and what has become of its rows."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from service.desk.sending_view import Part
from service.imports import register, sayings
from service.imports.candidates import Outcome
from service.imports.layout import Layout
from service.imports.looking import Look, Problem
from service.imports.models import ReaderImport, State
from service.newsletters import publication
from service.newsletters.models import Newsletter

WAITS_AFTER = timedelta(seconds=10)
# How the bar of an edition draws what is as good or as bad.
_PARTS = {
    Outcome.ADDED: "accepted",
    Outcome.ALREADY: "skipped",
    Outcome.PENDING: "skipped",
    Outcome.REPEATED: "skipped",
    Outcome.LEFT: "held",
    Outcome.SUPPRESSED: "held",
    Outcome.GONE: "held",
    Outcome.UNKNOWN: "held",
    Outcome.INVALID: "refused",
}


@dataclass(frozen=True)
class ImportView:
    """`look` is there as long as it is not started. `waits`: nobody is at it, though it is due."""

    row: ReaderImport
    newsletter: Newsletter
    layout: Layout
    look: Look | None
    parts: tuple[Part, ...]
    problems: tuple[Problem, ...]
    problem_count: int
    waits: bool

    @property
    def is_running(self) -> bool:
        return self.row.state is State.RUNNING


@dataclass(frozen=True)
class ImportsView:
    newsletter: Newsletter
    latest: tuple[ReaderImport, ...]


def every(session: Session, slug: str) -> ImportsView:
    newsletter = publication.get(session, slug)
    return ImportsView(newsletter, tuple(register.latest(session, newsletter)))


def of(session: Session, slug: str, uid: uuid.UUID, *, now: datetime) -> ImportView:
    newsletter = publication.get(session, slug)
    row = register.get(session, newsletter, uid)
    look = register.look_of(session, row) if row.state is State.PROPOSED else None
    kept = tuple(Problem.model_validate(one) for one in row.problems)
    return ImportView(
        row=row,
        newsletter=newsletter,
        layout=Layout.model_validate(row.layout),
        look=look,
        parts=_parts(row),
        problems=tuple(look.problems) if look else kept,
        problem_count=look.problem_count if look else row.problem_count,
        waits=row.due_at is not None and row.due_at < now - WAITS_AFTER,
    )


def _parts(row: ReaderImport) -> tuple[Part, ...]:
    made: list[Part] = []
    for outcome, state in _PARTS.items():
        count = row.counts.get(outcome.value, 0)
        if not count and outcome is not Outcome.ADDED:
            continue
        start = made[-1].start + made[-1].share if made else 0.0
        share = round(100 * count / max(row.rows, row.cursor, 1), 3)
        made.append(Part(state, sayings.OUTCOMES[outcome], count, start, share))
    return tuple(made)
