"""When a deferred message is tried again: pure. For a daily memo: 5, 15, 45 min, 2, 4, 8 h, give or take a fifth."""

from datetime import timedelta

WAITS = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(minutes=45),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=8),
)
JITTER = 0.2
LIFE = timedelta(hours=20)
RELAY_WAIT_LONGEST = timedelta(seconds=60)


def next_wait(attempts: int, *, chance: float) -> timedelta | None:
    """The wait after that many attempts; None when it was the last. `chance` in 0…1 spreads the crowd."""
    if attempts > len(WAITS):
        return None
    return WAITS[attempts - 1] * (1 + JITTER * (2 * chance - 1))


def relay_wait(failures: int) -> timedelta:
    """How long a relay that does not work is left alone: 1, 2, 4 … 60 s."""
    return min(RELAY_WAIT_LONGEST, timedelta(seconds=2 ** min(failures - 1, 10)))
