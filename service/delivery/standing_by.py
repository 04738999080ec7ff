"""What one worker alone suffers: others get through to the relay, and it does not. It stands by for itself; the relay's own clock,
which stops everybody, stays as it is.

    out of reach, while another was accepted in the last 15 s    stand by for 1, 2, 4, 8, 15 s, then ask whether it lets us in
    it does                                                      take spans again; the first accept ends it
    nobody else was accepted                                     it is the relay's matter: its clock moves
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from service import logs
from service.delivery import retry

log = logs.get(__name__)

FORGOTTEN_SECONDS = (
    300.0  # not tried since, for want of anything to send: whether it is so still, nobody knows
)
LIFE_SECONDS = 60.0  # whatever it said to anybody of this process in so many shows that it is there
WITNESS_SECONDS = 15.0  # whoever was accepted in so many shows that the relay works


@dataclass
class _Trouble:
    problem: str
    since: float
    until: float
    failures: int
    is_let_in: bool = False  # it greeted us again, and has accepted nothing yet


class StandingBy:
    """Of one process, by relay."""

    def __init__(self) -> None:
        self._troubles: dict[str, _Trouble] = {}
        self._accepted_at: dict[str, float] = {}
        self._heard_at: dict[str, float] = {}
        self._asked: set[str] = set()
        self._patient: set[str] = set()

    def is_waiting(self, relay: str) -> bool:
        trouble = self._of_late(relay)
        return trouble is not None and not trouble.is_let_in and trouble.until > self._now()

    def has_to_ask(self, relay: str) -> bool:
        """Its wait is over, or nearly: nothing is taken before the relay has let us in."""
        trouble = self._of_late(relay)
        return trouble is not None and not trouble.is_let_in

    def begin(self, relay: str, problem: str) -> None:
        now, before = self._now(), self._troubles.get(relay)
        failures = before.failures + 1 if before else 1
        wait = min(retry.relay_wait(failures).total_seconds(), WITNESS_SECONDS)
        wait *= random.uniform(0.8, 1.2)  # noqa: S311 - jitter
        since = before.since if before else now
        self._troubles[relay] = _Trouble(problem[:500], since, now + wait, failures)
        log.warning(
            "relay.out_of_reach_from_here", relay=relay, problem=problem, tried_again_in=round(wait, 1)
        )

    def let_in(self, relay: str) -> None:
        if (trouble := self._troubles.get(relay)) is not None:
            trouble.is_let_in = True

    def end(self, relay: str) -> None:
        self._troubles.pop(relay, None)

    def accepted(self, relay: str) -> None:
        self._accepted_at[relay] = self._now()
        if self._troubles and self._troubles.pop(relay, None) is not None:
            log.info("relay.within_reach_again", relay=relay)

    def was_accepted(self, relay: str) -> bool:
        """Whether this process was, lately: what cannot be told apart from its own accepts is then no witness."""
        return self._now() - self._accepted_at.get(relay, float("-inf")) <= WITNESS_SECONDS

    def heard(self, relay: str) -> None:
        """It said something, whatever it was."""
        self._heard_at[relay] = self._now()

    def shows_life(self, relay: str) -> bool:
        return self._now() - self._heard_at.get(relay, float("-inf")) <= LIFE_SECONDS

    @contextmanager
    def patient(self, relay: str) -> Iterator[bool]:
        """False: somebody of this process waits for it already."""
        with self._only_one(self._patient, relay) as is_ours:
            yield is_ours

    def seconds(self, relay: str) -> float:
        """How long it has been so; 0 without trouble."""
        trouble = self._troubles.get(relay)
        return self._now() - trouble.since if trouble is not None else 0.0

    @contextmanager
    def asking(self, relay: str) -> Iterator[bool]:
        """False: somebody of this process asks already."""
        with self._only_one(self._asked, relay) as is_ours:
            yield is_ours

    @contextmanager
    def _only_one(self, those: set[str], relay: str) -> Iterator[bool]:
        if relay in those:
            yield False
            return
        those.add(relay)
        try:
            yield True
        finally:
            those.discard(relay)

    def as_facts(self) -> dict[str, Any]:
        """For whoever looks at the workers: why each relay is out of reach from here."""
        troubles = {relay: self._of_late(relay) for relay in list(self._troubles)}
        return {
            "standing_by": {
                relay: one.problem for relay, one in troubles.items() if one and not one.is_let_in
            }
        }

    def _of_late(self, relay: str) -> _Trouble | None:
        trouble = self._troubles.get(relay)
        if trouble is not None and self._now() - trouble.until > FORGOTTEN_SECONDS:
            del self._troubles[relay]
            return None
        return trouble

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
