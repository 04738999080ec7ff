"""Whether the rest of an edition may follow those who went first: pure."""

from dataclasses import dataclass
from enum import StrEnum

REFUSALS_LEAST = 3  # one dead address among ten readers is no sign of anything


class Verdict(StrEnum):
    WAIT = "wait"
    GO = "go"
    STOP = "stop"


@dataclass(frozen=True)
class Tally:
    """Of those who went first, seeds among them: how many, how many have no answer yet, how many were refused."""

    size: int
    open: int
    refused: int

    @property
    def settled(self) -> int:
        return self.size - self.open


def judged(tally: Tally, *, percent: int, is_over: bool) -> Verdict:
    """Before the wait is over only what can no longer turn out well stops it. While most have no answer nobody knows anything yet:
    then the rest waits on, for as long as that takes.
    """
    is_telling = tally.refused >= REFUSALS_LEAST
    if is_telling and tally.refused * 100 > percent * tally.size:
        return Verdict.STOP
    if not is_over or tally.open * 2 > tally.size:
        return Verdict.WAIT
    return Verdict.STOP if is_telling and tally.refused * 100 > percent * tally.settled else Verdict.GO
