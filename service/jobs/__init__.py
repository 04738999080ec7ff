"""The messenger: wakes whoever has work to do, on this machine or another. The rows decide; losing a job loses nothing.

A thin port over PgQueuer: its asyncpg pool driver beside PostgreSQL, its in-memory driver beside SQLite. A job carries a key
and nothing else, has no delay, and is a nudge, not an order: its handler takes the best work there is. What the queue loses, a
tick repairs within a second.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Protocol

Handler = Callable[[], Awaitable[None]]


class Kind(StrEnum):
    """Each kind has a queue manager of its own: limits count all entry points of a manager together."""

    SPAN = "span"
    NOTICE = "notice"
    CHORE = "chore"
    FEED = "feed"


class Jobs(Protocol):
    async def nudge(self, kind: Kind, *keys: str) -> bool:
        """Wake a handler for each key, after the commit that made the work due. The same key waits only once.

        False: nobody could be told. Whoever has committed does not fail for that; what is due is found without the queue.
        """
        ...

    async def serve(self, kind: Kind, handler: Handler, *, at_once: int) -> None:
        """Run the handler once for each nudge, `at_once` at the same time, until cancelled or stopped. Raises what the queue fails by:
        whoever keeps it begins it anew, and sees that nobody hears a nudge meanwhile.
        """
        ...

    async def tidy(self) -> None:
        """Clear the queue's own logs, which only grow."""
        ...

    async def waiting(self) -> dict[Kind, int]:
        """Nudges that nobody has taken up; beside SQLite those of this process."""
        ...

    def stop(self) -> None:
        """Take no more jobs; running handlers end by themselves."""
        ...

    async def close(self) -> None: ...


def connect(database_url: str) -> Jobs:
    if database_url.startswith("sqlite"):
        from service.jobs.memory import MemoryJobs

        return MemoryJobs()
    from service.jobs.postgresql import PostgresqlJobs

    return PostgresqlJobs(database_url)
