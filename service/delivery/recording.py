"""What the committer writes: intents under the fence, outcomes whatever the fence says.

    for each span, by id:  in_flight and renewed_at, where the fence holds     (run is read, not locked)
    then                   the outcomes of its rows

A failed fence stops intents, never outcomes. A worker whose epoch is gone writes late, under the span's lock, and only what
cannot be wrong: accepted, or a refusal of the reader.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session, col

from service import database, prepared
from service.delivery import fence
from service.delivery.fence import Take
from service.ledger import tallies
from service.ledger.models import OPEN, DeliveryState, Span
from service.prepared import Prepared

REPLY_CHARACTERS = 500
PINS_PLACE = 7  # among `values`
FINAL = (DeliveryState.ACCEPTED, DeliveryState.REFUSED)


class Recorded(NamedTuple):
    """An outcome as it goes into a row; `attempts` is absolute, so that writing it twice adds nothing."""

    number: int
    state: DeliveryState
    attempts: int
    uncertain_count: int
    reply: str
    wait: timedelta | None = None
    pins: dict[str, Any] | None = None


Row = tuple[int, Recorded]  # an edition, and an outcome in it
Stands = dict[tuple[int, int], bool]  # by (span, epoch)


@dataclass
class SpanBatch:
    """All that has piled up for one take of a span."""

    taken: Take
    outcomes: list[Recorded] = field(default_factory=list)
    in_flight: list[int] = field(default_factory=list)  # what its connections hold, without the new intents
    intents: list[int] = field(default_factory=list)


def commit(session: Session, batches: list[SpanBatch]) -> set[tuple[int, int]]:
    """Write them all. Returns (span, epoch) of those whose fence holds: their intents stand and bodies may begin."""
    connection = session.connection()
    standing: set[tuple[int, int]] = set()
    rows: list[Row] = []
    for batch in sorted(batches, key=lambda one: one.taken.span_id):
        taken = batch.taken
        progressed = bool(batch.outcomes)
        intended = {"the_list": batch.in_flight + batch.intents, "progressed": progressed}
        written = _FENCED.run(connection, {**fence.fenced(taken), **intended}).fetchone()
        if written is not None:
            standing.add((taken.span_id, taken.epoch))
        else:
            known = {"the_list": batch.in_flight, "progressed": progressed}
            written = _MINE.run(connection, {**fence.held(taken), **known}).fetchone()
        if written is None or written[0] is None:
            _write_late(session, batch, is_mine=written is not None)
        else:
            rows += [(taken.edition_id, outcome) for outcome in batch.outcomes]
    _write_rows(session, rows)
    return standing


def _write_late(session: Session, batch: SpanBatch, *, is_mine: bool) -> None:
    """The span's counts are read instead of its rows while nobody holds it, so they follow."""
    if not batch.outcomes:
        return
    taken = batch.taken
    locked = sa.select(Span).where(col(Span.id) == taken.span_id).with_for_update()
    span = session.execute(locked.execution_options(populate_existing=True)).scalars().one()
    told = [one for one in batch.outcomes if is_mine or one.state in FINAL]
    _write_rows(session, [(taken.edition_id, outcome) for outcome in told])
    tallies.write(session, span)
    if span.renewed_at is None and span.due_at is not None and not any(map(span.counts.get, OPEN)):
        # Whoever takes it ends it; the time for the doubt need not be waited for.
        span.due_at = database.now(session)
    session.add(span)
    session.flush()


def _write_rows(session: Session, rows: list[Row]) -> None:
    """In few statements: each one more costs a round trip on PostgreSQL, and on SQLite a fight for the interpreter's lock."""
    if not rows:
        return
    if database.is_postgresql(session):
        given = json.dumps([values(edition_id, one) for edition_id, one in rows])
        prepared.execute(session.connection(), _ROWS["postgresql"], (given,))
        return
    for text, told in rows_on_sqlite(rows):
        prepared.execute(session.connection(), text, told)


def values(edition_id: int, one: Recorded) -> list[Any]:
    """As `rows_on_postgresql` reads them."""
    return [
        edition_id, one.number, one.state.value, one.attempts, one.uncertain_count, one.reply[:REPLY_CHARACTERS],
        one.wait and one.wait.total_seconds(), one.pins, one.state is DeliveryState.ACCEPTED,
    ]  # fmt: skip


def rows_on_sqlite(rows: Iterable[Row]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Statements with their values."""
    for told in alike_on_sqlite(rows):
        yield _ROWS["sqlite"], told


def alike_on_sqlite(rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    """The values of `TOLD` for all that differ in nothing but number and reply: mostly that is all of them."""
    alike: dict[tuple[Any, ...], tuple[Recorded, dict[int, str]]] = {}
    for edition_id, one in rows:
        # The rows hold their pins, so that no two of them can have one identity.
        key = (edition_id, one.state, one.attempts, one.uncertain_count, one.wait, id(one.pins))
        if key not in alike:
            alike[key] = (one, {})
        alike[key][1][one.number] = one.reply[:REPLY_CHARACTERS]
    for (edition_id, *_), (one, replies) in alike.items():
        yield (
            one.state.value,
            one.attempts,
            one.uncertain_count,
            one.wait and f"{one.wait.total_seconds():+.3f} seconds",
            None if one.pins is None else json.dumps(one.pins),
            json.dumps(replies),
            edition_id,
            one.state is DeliveryState.ACCEPTED,
        )


# In the order in which the statement asks for them.
TOLD = ("state", "attempts", "uncertain_count", "wait", "pins", "replies", "edition", "is_accept")


def _rows() -> dict[str, str]:
    """An accept replaces every state; anything else only an open one.

    The edition comes from the rows like the number (hence SQLite's `0 * told.id`): told it as a constant, a planner without statistics of
    today's edition reads the whole of it for each batch (for 20,000 readers 9 ms instead of 0.4, measured on PostgreSQL 18).
    """
    return {
        "sqlite": rows_as_told_on_sqlite("?" * len(TOLD)),
        "postgresql": rows_on_postgresql("jsonb_array_elements(CAST($1 AS text)::jsonb) AS value"),
    }


def rows_as_told_on_sqlite(places: Sequence[str]) -> str:
    """`places`: where the statement finds what `TOLD` names, in that order."""
    state, attempts, uncertain_count, wait, pins, replies, edition, is_accept = places
    return f"""
        UPDATE delivery
        SET state = {state}, attempts = {attempts}, uncertain_count = {uncertain_count}, reply = told.value,
            due_at = (strftime('%Y-%m-%d %H:%M:%f', 'now', {wait}) || '000'), pins = {pins},
            at = (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000')
        FROM json_each({replies}) AS told
        WHERE delivery.edition_id = {edition} + 0 * told.id AND delivery.number = CAST(told.key AS INTEGER)
            AND ({is_accept} OR delivery.state IN ({_open_states()}))
    """  # noqa: S608 - constants of ours


def rows_on_postgresql(given: str, *, pins: str = f"value -> {PINS_PLACE}") -> str:
    """`given` is what comes behind FROM: a row for each outcome, whose column `value` is the JSON of its `values`. `pins`: where the
    pins are found.
    """
    return _ON_POSTGRESQL.replace("GIVEN", given).replace("PINS", pins).replace("OPEN_STATES", _open_states())


def _open_states() -> str:
    return ", ".join(f"'{state.value}'" for state in OPEN)


_ON_POSTGRESQL = """
    UPDATE delivery
    SET state = new.state, attempts = new.attempts, uncertain_count = new.uncertain_count, reply = new.reply,
        due_at = clock_timestamp() + make_interval(secs => new.wait), pins = NULLIF(new.pins, 'null'), at = clock_timestamp()
    FROM (
        SELECT CAST(value ->> 0 AS bigint) AS edition_id, CAST(value ->> 1 AS int) AS number,
            value ->> 2 AS state, CAST(value ->> 3 AS int) AS attempts,
            CAST(value ->> 4 AS int) AS uncertain_count, value ->> 5 AS reply,
            CAST(value ->> 6 AS double precision) AS wait, PINS AS pins,
            CAST(value ->> 8 AS boolean) AS is_accept
        FROM GIVEN
    ) AS new
    WHERE delivery.edition_id = new.edition_id AND delivery.number = new.number
        AND (new.is_accept OR delivery.state IN (OPEN_STATES))
"""


def _span(which: tuple[sa.ColumnElement[bool], ...]) -> Prepared:
    """A late answer does not make a span that was let go look held again. Senders that die for reasons of their own must not
    cost a span whose readers get their mail its turn.
    """
    now = sa.case((col(Span.renewed_at).is_not(None), database.utc_now()))
    in_flight = sa.bindparam("the_list", type_=database.Json)
    deaths = sa.case((sa.bindparam("progressed", type_=sa.Boolean()), 0), else_=col(Span.deaths))
    written = sa.update(Span).where(*which).values(in_flight=in_flight, renewed_at=now, deaths=deaths)
    return Prepared(written.returning(col(Span.renewed_at)))


# Built once: making a statement anew costs more than running it.
_FENCED = _span(fence.FENCE)
_MINE = _span(fence.MINE)
_ROWS = _rows()
