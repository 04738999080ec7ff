"""What `recording.commit` does, the short way, for spans whose holders are still at it: that is nearly every commit of a send.

One statement without BEGIN and COMMIT: on PostgreSQL one round trip instead of five, on SQLite (`recording_on_sqlite`) the
interpreter's lock is let go of three times instead of ten. Whatever else there is goes the long way.
"""

import json
from typing import Any

from service.delivery import recording, recording_on_sqlite
from service.delivery.fence import Take
from service.delivery.recording import Recorded, SpanBatch, Stands
from service.postgresql import AtOnce
from service.sqlite_writer import PlainCalls

TAKES_PINS = "take"


async def commit(at_once: AtOnce | PlainCalls, batches: list[SpanBatch]) -> Stands:
    """By (span, epoch), whether the fence holds, and so the intents stand; the outcomes are written in any case. It may run twice.

    A take that is not in the answer does not hold its span any more, and nothing of it is written.
    """
    if not batches:
        return {}
    ordered = sorted(batches, key=lambda one: one.taken.span_id)
    if isinstance(at_once, PlainCalls):
        return await recording_on_sqlite.commit(at_once, ordered)
    taken = [batch.taken for batch in ordered]
    written = await at_once.all(
        _ON_POSTGRESQL,
        json.dumps([_values(batch) for batch in ordered]),
        [one.span_id for one in taken],
        [one.edition_id for one in taken],
    )
    return {(span_id, epoch): stands for span_id, epoch, stands in written}


def _values(batch: SpanBatch) -> list[Any]:
    """As `_ON_POSTGRESQL` reads them."""
    taken = batch.taken
    return [
        taken.span_id,
        taken.epoch,
        taken.edition_id,
        taken.turn,
        batch.in_flight + batch.intents,
        batch.in_flight,
        bool(batch.outcomes),
        [_told(taken, outcome) for outcome in batch.outcomes],
        taken.pins,
    ]


def _told(taken: Take, outcome: Recorded) -> list[Any]:
    """Mostly an outcome has the pins of its take; then it only says that it does, and they are told once for all of them."""
    told = recording.values(taken.edition_id, outcome)
    if outcome.pins is taken.pins:
        told[recording.PINS_PLACE] = TAKES_PINS
    return told


def _commit(stands: str, mine: str) -> str:
    """What stands is asked once for each span and by the statement's snapshot: `in_flight` and the answer cannot differ.

    The rows of `written` are all there, and so all spans locked, before the first outcome is (lock order of the ledger). `$2` and `$3`
    say once more which spans and runs: of what is in JSON a planner cannot tell that it is so few.
    """
    return f"""
        WITH asked AS MATERIALIZED (
            SELECT CAST(one ->> 0 AS bigint) AS id, CAST(one ->> 1 AS bigint) AS epoch, one -> 4 AS intended, one -> 5 AS known,
                CAST(one ->> 6 AS boolean) AS progressed, one -> 7 AS outcomes,
                one -> 8 AS pins, {stands} AS stands
            FROM jsonb_array_elements(CAST($1 AS text)::jsonb) AS one
        ), written AS (
            UPDATE span
            SET in_flight = CASE WHEN asked.stands THEN asked.intended ELSE asked.known END,
                renewed_at = clock_timestamp(), deaths = CASE WHEN asked.progressed THEN 0 ELSE span.deaths END
            FROM asked
            WHERE span.id = ANY($2) AND span.id = asked.id AND {mine} AND span.renewed_at IS NOT NULL
            RETURNING span.id, asked.epoch, asked.stands, asked.outcomes, asked.pins
        ), told AS (
            {recording.rows_on_postgresql(_OUTCOMES, pins=_PINS)}
        )
        SELECT id, epoch, stands FROM written
    """  # noqa: S608 - constants of ours


_OUTCOMES = "written CROSS JOIN LATERAL jsonb_array_elements(written.outcomes) AS value"
_PINS = f"CASE value ->> {recording.PINS_PLACE} WHEN '{TAKES_PINS}' THEN written.pins ELSE value -> {recording.PINS_PLACE} END"
_STANDS = """EXISTS (
    SELECT 1 FROM run
    WHERE run.edition_id = ANY($3)
        AND run.edition_id = CAST(one ->> 2 AS bigint) AND run.turn = CAST(one ->> 3 AS int) AND run.stopped IS NULL
)"""
_ON_POSTGRESQL = _commit(_STANDS, "span.epoch = asked.epoch")
