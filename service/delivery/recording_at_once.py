"""What `recording.commit` does, as one statement without BEGIN and COMMIT: PostgreSQL, one span, and its holder still at it.

That is nearly every commit of a send; four round trips become one. Whatever else there is goes the long way.
"""

import json

from service.delivery import recording
from service.delivery.recording import SpanBatch
from service.postgresql import AtOnce


async def commit(at_once: AtOnce, batch: SpanBatch) -> bool | None:
    """Whether the fence holds, and so the intents stand; the outcomes are written in any case. It may run twice.

    None: the span is not held by this take any more, and nothing is written.
    """
    taken = batch.taken
    values = (
        taken.span_id,
        taken.epoch,
        taken.edition_id,
        taken.turn,
        json.dumps(batch.in_flight + batch.intents),
        json.dumps(batch.in_flight),
        bool(batch.outcomes),
        recording.as_json([(taken.edition_id, outcome) for outcome in batch.outcomes]),
    )
    written = await at_once.first(_COMMIT, *values)
    return None if written is None else bool(written[0])


# Once for each statement, and by its snapshot: `in_flight` and the answer cannot differ.
_STANDS = "EXISTS (SELECT 1 FROM run WHERE run.edition_id = $3 AND run.turn = $4 AND run.stopped IS NULL)"


def _commit(stands: str, mine: str) -> str:
    return f"""
        WITH written AS (
            UPDATE span
            SET in_flight = CASE WHEN {stands} THEN CAST($5 AS text)::jsonb ELSE CAST($6 AS text)::jsonb END,
                renewed_at = clock_timestamp(), deaths = CASE WHEN $7 THEN 0 ELSE span.deaths END
            WHERE span.id = $1 AND {mine} AND span.renewed_at IS NOT NULL
            RETURNING {stands} AS stands
        ), told AS (
            {recording.rows_on_postgresql("$8")} AND EXISTS (SELECT 1 FROM written)
        )
        SELECT stands FROM written
    """  # noqa: S608 - constants of ours


_COMMIT = _commit(_STANDS, "span.epoch = $2")
