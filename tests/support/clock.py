"""A clock that only a test moves."""

import asyncio
from datetime import UTC, datetime, timedelta


class HandClock:
    """Stands still until told otherwise; whoever sleeps on it wakes when the hands pass their hour."""

    def __init__(self, now: datetime) -> None:
        self._now = _in_utc(now)
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    @property
    def sleeper_count(self) -> int:
        return len(self._sleepers)

    def next_wake_at(self) -> datetime | None:
        return min((wake_at for wake_at, _ in self._sleepers), default=None)

    def advance(self, by: timedelta) -> None:
        if by < timedelta(0):
            raise ValueError("This clock only advances; use set() to go back.")
        self.set(self._now + by)

    def set(self, now: datetime) -> None:
        """Move the hands, backwards too (a machine whose clock was corrected); nobody wakes early for that."""
        self._now = _in_utc(now)
        due = sorted((entry for entry in self._sleepers if entry[0] <= self._now), key=lambda entry: entry[0])
        self._sleepers = [entry for entry in self._sleepers if entry[0] > self._now]
        for _, waiter in due:
            if not waiter.done():
                waiter.set_result(None)

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self._now + timedelta(seconds=seconds), waiter)
        self._sleepers.append(entry)
        try:
            await waiter
        finally:
            if entry in self._sleepers:
                self._sleepers.remove(entry)

    async def until_somebody_sleeps(self, count: int = 1, *, within: float = 5.0) -> None:
        """Wait in real time until that many sleepers wait, so that a test moves the hands only then."""
        async with asyncio.timeout(within):
            while len(self._sleepers) < count:
                await asyncio.sleep(0.001)


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A clock needs an aware datetime, such as datetime(2026, 3, 2, 6, tzinfo=UTC).")
    return moment.astimezone(UTC)
