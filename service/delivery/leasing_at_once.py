"""What `pace_rows.lease` does, the short way, for one place of a relay without a quota: nearly every lease on PostgreSQL.

One statement without BEGIN and COMMIT: the bucket is locked for as long as the server takes, not until a busy worker's loop comes round
to its COMMIT, and the others' tokens are not late.
"""

from service.delivery import pace
from service.delivery.pace import Grant
from service.postgresql import AtOnce


async def lease(at_once: AtOnce, relay: str, place: str, count: int, rate: float) -> Grant | None:
    """All of them, or none yet; None: only the long way can tell. It may run twice: what nobody hears of lapses.

    Raises DBAPIError.
    """
    stretch, room = pace.asked_for(count, rate)
    ((ahead, before, has_quota),) = await at_once.all(_LEASED, place, relay, stretch, room)
    if has_quota or before is None or before > pace.furthest(rate):
        return None
    return pace.given(count, rate, ahead)


_QUOTA = "EXISTS (SELECT 1 FROM relay WHERE name = $2 AND (per_hour IS NOT NULL OR per_day IS NOT NULL))"
_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS double precision)"
_LEASED = f"""
    WITH given AS (
        UPDATE bucket SET next_at = greatest(next_at, {_NOW}) + CAST($3 AS double precision)
        WHERE place = $1 AND {_NOW} + CAST($4 AS double precision) >= next_at AND NOT {_QUOTA}
        RETURNING next_at - {_NOW} AS ahead
    )
    SELECT (SELECT ahead FROM given), (SELECT next_at - {_NOW} FROM bucket WHERE place = $1), {_QUOTA}
"""  # noqa: S608 - constants of ours
