"""How many messages may leave, and when: pure. A bucket's tokens are moments, handed out in order, so that workers never meet.

    the bucket's row     next_at: up to here every moment has been given to somebody
    a lease              the moments from next_at on, count / rate seconds of them, never further ahead than `AHEAD_SECONDS`
    a worker's purse     each token may be used from its moment on, for a short while; then it lapses

Whoever dies takes at most a quarter of a second of tokens along, and nobody has to notice. As every moment is given out once, all
workers together stay within the rate, whatever each of them does.
"""

from collections import deque
from dataclasses import dataclass

AHEAD_SECONDS = 0.25
GRACE_SECONDS = (
    0.05  # how late a token may be used: of a second's tokens so many may come in the next second, too
)
GRACE_MOST_SECONDS = 0.25
SLOT_SECONDS = 0.1  # the longest stretch of a bucket that one worker asks for at once
WITHOUT_RATE_MOST = 1_000  # tokens at once where only an hour's or a day's quota counts
USED_UP_SECONDS = 0.5  # so long a quota leaves nothing before editions rest: twice as long as a token that nobody uses is away
LATELY_SECONDS = 2.0
NOTICE_SHARE = 0.05
NOTICE_LEAST = 1.0
NOTICE_BURST_SECONDS = 1.0
FAR_SECONDS = 8.0  # less than what makes a notice stale: it waits for its token while it is held


@dataclass(frozen=True)
class Grant:
    """`count` tokens: the first in `delay` seconds, the next ones `spacing` seconds apart. None: ask again in `retry` seconds.

    `is_used_up`: none, because all that a quota leaves has been given out.
    """

    count: int
    delay: float = 0.0
    spacing: float = 0.0
    retry: float = 0.0
    is_used_up: bool = False


@dataclass(frozen=True)
class NoticeGrant:
    delay: float
    next_at: float
    notice_at: float


def furthest(rate: float) -> float:
    """Nothing is given out so many seconds ahead: a bucket that says so was written before the clock went back."""
    return FAR_SECONDS + 1 / rate


def notice_grant(now: float, next_at: float, notice_at: float, rate: float) -> NoticeGrant:
    """A token for a notice. While editions use all there are, a twentieth is kept for notices, and at least one a second: they go
    at once and the editions' next tokens come that much later. All times in seconds.
    """
    far = now + furthest(rate)
    next_at = next_at if next_at <= far else now + AHEAD_SECONDS
    notice_at = notice_at if notice_at <= far else now
    if next_at <= now:
        return NoticeGrant(0.0, now + 1 / rate, notice_at)
    kept = min(rate, max(NOTICE_LEAST, NOTICE_SHARE * rate))
    begins = max(now, notice_at)
    delay = max(0.0, begins - NOTICE_BURST_SECONDS - now)
    return NoticeGrant(delay, min(next_at + 1 / rate, far), min(begins + 1 / kept, far))


def asked_for(count: int, rate: float) -> tuple[float, float]:
    """So many tokens are so many seconds of the bucket, and it may reach so far ahead before them."""
    spacing = 1 / rate
    return count * spacing, max(0.0, AHEAD_SECONDS - (count - 1) * spacing)


def given(count: int, rate: float, ahead: float | None) -> Grant:
    """All of them, or none: fewer would soon be asked for again. `ahead`: where the bucket reaches to with them; None: no room yet."""
    spacing = 1 / rate
    if ahead is None:
        return Grant(0, retry=count * spacing / 2)
    return Grant(count, delay=max(0.0, ahead - count * spacing), spacing=spacing)


def most_at_once(rate: float | None) -> int:
    """How many tokens a worker asks for in one write."""
    return WITHOUT_RATE_MOST if rate is None else max(1, int(rate * SLOT_SECONDS))


class Purse:
    """A worker's tokens of one bucket. It asks for as many as it has lately used up: what lapses is lost to everybody."""

    def __init__(self) -> None:
        self._tokens: deque[tuple[float, float]] = deque()  # usable from, and until
        self._given = 0
        self._lapsed = 0
        self._asks = 2
        self._used_up_at = float("inf")
        self.unused = 0  # lapsed and not yet told: a quota counts them no longer
        self.not_before = 0.0
        self.is_asked_for = False

    @property
    def left(self) -> int:
        return len(self._tokens)

    @property
    def is_low(self) -> bool:
        """While the tokens of one lease are used, the next one is on its way: a database may take a while to answer."""
        return len(self._tokens) <= self._given

    def fill(self, given: Grant, now: float) -> None:
        self.is_asked_for = False
        self._note_whether_used_up(given, now)
        if not given.count:
            self.not_before = now + given.retry
            self._asks = max(1, self._asks * 3 // 4)
            return
        lasts = (
            min(max(given.spacing, GRACE_SECONDS), GRACE_MOST_SECONDS)
            if given.spacing
            else GRACE_MOST_SECONDS
        )
        moments = (now + given.delay + number * given.spacing for number in range(given.count))
        self._tokens.extend((moment, moment + lasts) for moment in moments)
        self._given = given.count

    def wants(self, rate: float | None) -> int:
        """How many to ask for now."""
        self._asks = max(1, self._asks - self._lapsed) if self._lapsed else self._asks * 2
        self._asks = min(self._asks, most_at_once(rate))
        self._lapsed = 0
        return self._asks

    def has(self, now: float) -> bool:
        """Whether one can be used now. Lapsed ones go."""
        self.lapse(now)
        return bool(self._tokens) and self._tokens[0][0] <= now

    def take(self) -> None:
        self._tokens.popleft()

    def lapse(self, now: float) -> None:
        while self._tokens and self._tokens[0][1] < now:
            self._tokens.popleft()
            self._lapsed += 1
            self.unused += 1

    def lapse_all(self) -> None:
        self.lapse(float("inf"))

    def taken_back(self) -> int:
        """What is to be told to the quota now."""
        unused, self.unused = self.unused, 0
        return unused

    def is_used_up(self, now: float) -> bool:
        """Whether a quota has left nothing for so long that what others had not used must have come back, too."""
        return now - self._used_up_at >= USED_UP_SECONDS

    def _note_whether_used_up(self, given: Grant, now: float) -> None:
        if given.count or not given.is_used_up:
            self._used_up_at = float("inf")
        elif self._used_up_at > now or now - self.not_before > LATELY_SECONDS:
            self._used_up_at = now
