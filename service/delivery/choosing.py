"""Which span is to be taken next: due, free, of a run that goes on. Built once; asked with `moment`."""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from service.database import UtcDateTime
from service.editions.models import Rendition
from service.ledger.models import Lane, Run, Span

STALE = timedelta(seconds=10)
_IS_HELD = col(Span.renewed_at).between(
    sa.bindparam("the_stale", type_=UtcDateTime()), sa.bindparam("the_ahead", type_=UtcDateTime())
)


def moment(now: datetime) -> dict[str, Any]:
    return {"the_now": now, "the_stale": now - STALE, "the_ahead": now + STALE}


def is_free(renewed_at: Any, now: datetime) -> sa.ColumnElement[bool]:
    """Whether nobody holds it. Said to be renewed later than now, it is from before the clock went back: who lives says so anew."""
    return sa.or_(renewed_at.is_(None), renewed_at < now - STALE, renewed_at > now + STALE)


def _takeable() -> tuple[sa.ColumnElement[bool], ...]:
    return (*_due_and_free(), *_goes_on())


def _due_and_free() -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Span.due_at) <= sa.bindparam("the_now", type_=UtcDateTime()),
        sa.or_(col(Span.renewed_at).is_(None), sa.not_(_IS_HELD)),
    )


def _goes_on() -> tuple[sa.ColumnElement[bool], ...]:
    return (col(Run.stopped).is_(None), col(Run.ended_at).is_(None))


def _best() -> sa.Select[Any]:
    """How many workers are at an edition is counted once for each that is open, not for each of its spans.

    Between editions that as many are at, a lot is drawn: an odd number of places would else go to the older one for good.
    """
    held = (
        sa.select(sa.func.count())
        .where(
            col(Span.edition_id) == col(Run.edition_id),
            _IS_HELD,
        )
        .scalar_subquery()
    )
    newest = sa.select(sa.func.max(col(Rendition.id))).where(col(Rendition.edition_id) == col(Run.edition_id))
    runs = (
        sa.select(
            col(Run.edition_id),
            col(Run.turn),
            col(Run.slowed_to),
            col(Run.holds_uncertain),
            held.label("held"),
            newest.scalar_subquery().label("rendition"),
            sa.func.random().label("lot"),
        )
        .where(*_goes_on())
        .cte("open_run")
        .prefix_with("MATERIALIZED")
    )
    return (
        sa.select(
            col(Span.id), col(Span.edition_id), col(Span.first), col(Span.last), col(Span.lane), col(Span.in_flight),
            col(Span.pins), col(Span.renewed_at), col(Span.deaths), runs.c.turn, runs.c.holds_uncertain,
            runs.c.rendition,
        )
        .join(runs, runs.c.edition_id == col(Span.edition_id))
        .where(*_due_and_free())
        .order_by(
            sa.case((sa.and_(col(Span.lane) == Lane.BREAKING, _is_first(runs.c)), 0), else_=1),
            runs.c.held,
            col(Span.deaths),  # what may have killed its senders must not keep the others from going out
            runs.c.lot,
            col(Span.due_at),
            col(Span.id),
        )
        .limit(1)
        .with_for_update(of=Span, skip_locked=True)
    )  # fmt: skip


def _is_first(run: Any) -> sa.ColumnElement[bool]:
    """Of breaking news: slowed down by a person it leaves places to the others, once somebody is at it."""
    return sa.or_(run.slowed_to.is_(None), run.held == 0)


def neglected(*, goes_first: bool) -> sa.Select[Any]:
    """Editions that nobody is at, though they could go on. Where only one is under way nothing is looked at."""
    is_breaking = sa.and_(col(Run.lane) == Lane.BREAKING, col(Run.slowed_to).is_(None))
    other = sa.orm.aliased(Run)
    several = sa.select(sa.func.count() > 1).where(
        col(other.stopped).is_(None), col(other.ended_at).is_(None)
    )
    of_it = sa.select(col(Span.id)).where(col(Span.edition_id) == col(Run.edition_id))
    return sa.select(col(Run.edition_id)).where(
        several.scalar_subquery(),
        *_goes_on(),
        is_breaking if goes_first else ~is_breaking,
        ~of_it.where(_IS_HELD).exists(),
        of_it.where(*_due_and_free()).exists(),
    )


_JOINED = (Run, col(Run.edition_id) == col(Span.edition_id))
DUE = (
    sa.select(col(Span.id))
    .join(*_JOINED)
    .where(*_takeable())
    .order_by(col(Span.id))
    .limit(sa.bindparam("the_limit"))
)
BEST = _best()
BREAKING = (
    sa.select(col(Span.id))
    .join(*_JOINED)
    .where(*_takeable(), col(Span.lane) == Lane.BREAKING, col(Run.slowed_to).is_(None))
    .limit(1)
)
