"""The fence: `span.epoch = mine AND run.turn = mine`, asked in the very statement that writes.

A take-over draws a new epoch; pause, resume, cancel and correction are `turn` + 1. These statements run for every page and every
commit, so they are built once: building one costs more than running it.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.ledger.models import Lane, Run, Span
from service.prepared import Prepared


@dataclass(frozen=True)
class Take:
    """A span as its holder knows it."""

    span_id: int
    edition_id: int
    first: int
    last: int
    lane: Lane
    epoch: int
    turn: int
    pins: dict[str, Any]
    holds_uncertain: bool


MINE = (col(Span.id) == sa.bindparam("the_span"), col(Span.epoch) == sa.bindparam("the_epoch"))
FENCE = (
    *MINE,
    sa.select(sa.literal(1))
    .where(
        col(Run.edition_id) == sa.bindparam("the_edition"),
        col(Run.turn) == sa.bindparam("the_turn"),
        col(Run.stopped).is_(None),
    )
    .exists(),
)
_RENEWED = sa.update(Span).where(*FENCE).values(renewed_at=database.utc_now())
RENEW_FENCED = Prepared(_RENEWED)
RENEW_PROGRESSED = Prepared(_RENEWED.values(deaths=0))


def affected(session: Session, statement: sa.Update, values: dict[str, Any] | None = None) -> int:
    """How many rows it changed. With values the statement is one that was built once, and goes past the session."""
    result: Any
    if values is None:
        result = session.execute(statement, execution_options={"synchronize_session": False})
    else:
        result = session.connection().execute(statement, values)
    return int(result.rowcount)


def held(taken: Take) -> dict[str, Any]:
    """The values that `MINE` asks for."""
    return {"the_span": taken.span_id, "the_epoch": taken.epoch}


def fenced(taken: Take) -> dict[str, Any]:
    """The values that `FENCE` asks for."""
    return {**held(taken), "the_edition": taken.edition_id, "the_turn": taken.turn}
