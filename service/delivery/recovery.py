"""Asked to slow down: how much is allowed until all is well again. Pure, a function of the time that has passed: nothing is written
while it recovers, and every worker reckons the same.

    a relay throttles us       half of what it took; twice as much each minute; after two minutes without a word, as before
    a provider behind it       nothing for ten minutes, or as long as it asks for; then one message a second, one more each half minute
                               (Google's recipe: stop, one connection, add one at a time, and again from the beginning if it fails)
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.delivery.outcome import SHUT_OUT, Outcome, Scope, Verdict

REST_LEAST = timedelta(minutes=10)
STEP = timedelta(seconds=30)
PROVIDER_ALL_WELL = timedelta(minutes=30)
DOUBLES_IN = timedelta(minutes=1)
RELAY_ALL_WELL = timedelta(minutes=2)
RATE_LEAST = 1.0
_TOO_FAST = re.compile(
    r"throttl|slow(er)? down|too (fast|many|much|frequent)|\brate\b|per (second|minute)|sender thread limit|try .* slower"
    r"|submission rate",
    re.IGNORECASE,
)
_USED_UP = re.compile(r"daily|hourly|monthly|24.hour|credits", re.IGNORECASE)  # slower would not help


@dataclass(frozen=True)
class Slowing:
    """`begins`: rests until then. `rate`: what is allowed at that moment, in messages a second."""

    of_provider: bool
    begins: datetime
    rate: float

    def allowed(self, now: datetime) -> float | None:
        """Messages a second; 0: it rests; None: it is over."""
        passed = now - self.begins
        if passed < timedelta():
            return (
                0.0 if self.of_provider else self.rate
            )  # of a relay it begins at once, whatever a clock says that went back
        if passed >= (PROVIDER_ALL_WELL if self.of_provider else RELAY_ALL_WELL):
            return None
        if self.of_provider:
            return self.rate + passed // STEP
        return float(self.rate * 2 ** (passed / DOUBLES_IN))


def of_provider(judged: Outcome, now: datetime) -> Slowing:
    return Slowing(True, now + max(REST_LEAST, judged.rest or REST_LEAST), RATE_LEAST)


def of_relay(took: float, before: Slowing | None, now: datetime) -> Slowing:
    """`took`: messages a second that it accepted of late."""
    allowed = before.allowed(now) if before is not None else None
    rate = min(took, allowed) if allowed else took
    return Slowing(False, now, max(RATE_LEAST, rate / 2))


def asks_relay_wide(judged: Outcome) -> bool:
    """The relay itself says that we are too fast; not that we are shut out, or have used up a day's quota."""
    if judged.verdict is not Verdict.DEFERRED or judged.reply.code in SHUT_OUT or not judged.reply.code:
        return False
    text = judged.reply.text[:500]
    is_ours = judged.scope in {Scope.ACCOUNT, Scope.HOST} and not _USED_UP.search(text)
    return is_ours and _TOO_FAST.search(text) is not None


def asks_of_provider(judged: Outcome) -> bool:
    return judged.verdict is Verdict.DEFERRED and judged.scope is Scope.PROVIDER
