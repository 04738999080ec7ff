"""SQLite's short way for a commit of the sender: one statement, which is its own transaction.

    INSERT INTO a temporary view, a row for each span and each kind of outcome in it
        -> its trigger: the span, where it is still ours, with its intents where the fence stands; then the outcomes
    and behind it a question: which of the spans are ours, and what they now say is under way

Each statement and each row lets go of the interpreter's lock and has to win it back from the loop; this does so three times.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from service.delivery import recording
from service.delivery.recording import SpanBatch, Stands
from service.sqlite_writer import OneWrite, PlainCalls

_OF_SPAN = ("span", "epoch", "run", "turn", "intended", "known", "progressed")
_COLUMNS = (*_OF_SPAN, *recording.TOLD)
_NO_OUTCOMES = (None,) * len(recording.TOLD)
_A_ROW = f"({', '.join('?' * len(_COLUMNS))})"
ROWS_MOST = 500  # each value of each row is one of the 32,766 that a statement of SQLite may have


async def commit(calls: PlainCalls, batches: Sequence[SpanBatch]) -> Stands:
    """As `recording_at_once.commit`. So many kinds of outcomes that one statement cannot hold them go the long way."""
    view, needs, question = _COMMIT
    spans = [_span(batch) for batch in batches]
    rows = [row for batch, span in zip(batches, spans, strict=True) for row in _rows(batch, span)]
    if len(rows) > ROWS_MOST:
        return {}
    write = f"INSERT INTO {view} VALUES {', '.join([_A_ROW] * len(rows))}"  # noqa: S608 - constants of ours
    asked = json.dumps([span[:2] for span in spans])
    found = await calls.run(
        OneWrite(write, [value for row in rows for value in row], question, (asked,), needs)
    )
    # By its epoch too: a take that was lost and the one behind it may be told of in the same commit.
    ours = {(span_id, epoch): (in_flight, turn) for span_id, epoch, in_flight, turn in json.loads(found)}
    return {
        span[:2]: _stands(batch, span, *ours[span[:2]])
        for batch, span in zip(batches, spans, strict=True)
        if span[:2] in ours
    }


def _span(batch: SpanBatch) -> tuple[Any, ...]:
    """The values of `_OF_SPAN`."""
    taken = batch.taken
    known = json.dumps(batch.in_flight)
    intended = json.dumps(batch.in_flight + batch.intents) if batch.intents else known
    return (taken.span_id, taken.epoch, taken.edition_id, taken.turn, intended, known, bool(batch.outcomes))


def _rows(batch: SpanBatch, span: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if not batch.outcomes:
        yield (*span, *_NO_OUTCOMES)
    edition_id = batch.taken.edition_id
    for told in recording.alike_on_sqlite((edition_id, outcome) for outcome in batch.outcomes):
        yield (*span, *told)


def _stands(batch: SpanBatch, span: tuple[Any, ...], in_flight: str, turn: int | None) -> bool:
    """What was written decides, not what is asked a moment later. `turn`: None while the run is stopped."""
    return bool(in_flight == span[4]) if batch.intents else turn == batch.taken.turn


def _commit(stands: str, epoch: str) -> tuple[str, list[str], str]:
    """The view, what makes it and its trigger, and the question. A row of the view may name a span that another has named."""
    new = [f"NEW.{column}" for column in recording.TOLD]
    written = f"""
        UPDATE span
        SET in_flight = CASE WHEN {stands} THEN NEW.intended ELSE NEW.known END,
            renewed_at = (strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'),
            deaths = CASE WHEN NEW.progressed THEN 0 ELSE deaths END
        WHERE id = NEW.span AND {epoch.format("NEW.epoch")} AND renewed_at IS NOT NULL;
        {recording.rows_as_told_on_sqlite(new)}
            AND EXISTS (
                SELECT 1 FROM span WHERE id = NEW.span AND {epoch.format("NEW.epoch")} AND renewed_at IS NOT NULL
            );
    """  # noqa: S608 - constants of ours
    view = f"sender_commit_{zlib.crc32(written.encode()):x}"
    columns = ", ".join(f"NULL AS {column}" for column in _COLUMNS)
    needs = [
        f"CREATE TEMP VIEW IF NOT EXISTS {view} AS SELECT {columns}",
        f"CREATE TEMP TRIGGER IF NOT EXISTS {view}_written INSTEAD OF INSERT ON {view} BEGIN {written} END",
    ]
    question = f"""
        SELECT json_group_array(json_array(
            span.id, json_extract(asked.value, '$[1]'), span.in_flight, CASE WHEN run.stopped IS NULL THEN run.turn END
        ))
        FROM json_each(?) AS asked
        JOIN span ON span.id = json_extract(asked.value, '$[0]')
        JOIN run ON run.edition_id = span.edition_id
        WHERE {epoch.format("json_extract(asked.value, '$[1]')")} AND span.renewed_at IS NOT NULL
    """  # noqa: S608 - constants of ours
    return view, needs, question


_STANDS = "EXISTS (SELECT 1 FROM run WHERE edition_id = NEW.run AND turn = NEW.turn AND stopped IS NULL)"
_COMMIT = _commit(_STANDS, "span.epoch = {}")
