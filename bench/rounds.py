"""Rounds of reference, candidate, reference: a candidate is held against the two references around it, so that a machine that
changes its speed meanwhile does not lie. Neighbours share a reference.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import mean, median

from bench.processes import Measured, Stopwatch

Run = Callable[[], Awaitable[Measured]]


@dataclass(frozen=True)
class Candidate:
    name: str
    connections: int
    run: Run
    reference: Run


@dataclass
class Result:
    """Of one candidate with one number of connections, round by round."""

    name: str
    connections: int
    runs: list[Measured] = field(default_factory=list)
    references: list[float] = field(default_factory=list)
    took: float = 0.0  # seconds of the last round, preparations and references included

    def add(self, run: Measured, around: tuple[float, float], *, took: float) -> None:
        self.runs.append(run)
        self.references.append(mean(around))
        self.took = took

    @property
    def rate(self) -> float:
        return median(run.rate for run in self.runs)

    @property
    def ratio(self) -> float:
        """To the reference; the median round's."""
        pairs = zip(self.runs, self.references, strict=True)
        return median(run.rate / reference for run, reference in pairs)

    @property
    def reference(self) -> float:
        return median(self.references)

    @property
    def cpu_seconds_per_1000(self) -> float | None:
        used = [run.cpu_seconds * 1000 / run.messages for run in self.runs if run.cpu_seconds is not None]
        return median(used) if used else None

    @property
    def peak_memory_mb(self) -> float | None:
        peaks = [run.peak_memory_mb for run in self.runs if run.peak_memory_mb is not None]
        return max(peaks) if peaks else None


async def compare(
    candidates: Sequence[Candidate],
    rounds: int,
    *,
    has_time_for: Callable[[float], bool],
    say: Callable[[str], None],
) -> list[Result]:
    """Every candidate once, then again as long as there is time for what it took before (in seconds)."""
    results = {(one.name, one.connections): Result(one.name, one.connections) for one in candidates}
    for number in range(1, rounds + 1):
        before: tuple[int, float] | None = None
        for one in candidates:
            result = results[one.name, one.connections]
            if number > 1 and not has_time_for(result.took):
                say(f"round {number}  {one.name} with {one.connections} connections is left out: no time")
                before = None  # too long ago to be held against
                continue
            watch = Stopwatch()
            # A reference counts for its own number of connections only.
            if before is None or before[0] != one.connections:
                before = one.connections, (await one.reference()).rate
            measured = await one.run()
            after = (await one.reference()).rate
            result.add(measured, (before[1], after), took=watch.seconds)
            before = one.connections, after
            say(f"round {number}  {_line(result)}")
    return list(results.values())


def _line(result: Result) -> str:
    last, reference = result.runs[-1], result.references[-1]
    return (
        f"{result.name:<13}{result.connections:>3} connections  {last.rate:7,.0f}/s"
        f"  reference {reference:7,.0f}/s  ratio {last.rate / reference:.2f}"
    )
