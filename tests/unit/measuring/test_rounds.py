from collections.abc import Iterator

import pytest

from bench import rounds
from bench.processes import Measured
from bench.rounds import Candidate, Run


def at_rates(*rates: float) -> Run:
    waiting = iter(rates)

    async def run() -> Measured:
        return Measured(messages=1_000, seconds=1_000 / next(waiting))

    return run


def always(_: float) -> bool:
    return True


async def test_a_candidate_is_held_against_the_mean_of_the_references_around_it() -> None:
    slowing = at_rates(1_000, 500)
    (result,) = await rounds.compare(
        [Candidate("ours", 40, at_rates(600), slowing)], 1, has_time_for=always, say=print
    )
    assert result.ratio == pytest.approx(600 / 750)


async def test_the_ratio_is_that_of_the_median_round_not_of_median_rates() -> None:
    references = at_rates(1_000, 1_000, 100, 100, 1_000, 1_000)
    (result,) = await rounds.compare(
        [Candidate("ours", 40, at_rates(500, 90, 700), references)], 3, has_time_for=always, say=print
    )
    assert result.ratio == pytest.approx(0.7)
    assert result.rate == pytest.approx(500)


async def test_neighbours_share_a_reference_only_with_the_same_number_of_connections() -> None:
    forty, twenty = at_rates(1_000, 2_000, 4_000), at_rates(100, 100)
    found = await rounds.compare(
        [
            Candidate("one", 40, at_rates(600), forty),
            Candidate("two", 40, at_rates(600), forty),
            Candidate("three", 20, at_rates(60), twenty),
        ],
        1,
        has_time_for=always,
        say=print,
    )
    assert [result.reference for result in found] == [pytest.approx(rate) for rate in (1_500, 3_000, 100)]


async def test_when_time_is_over_every_candidate_has_had_a_round() -> None:
    answers: Iterator[bool] = iter([True, False, False, False])
    reference = at_rates(*[1_000] * 9)
    candidates = [Candidate(name, 40, at_rates(500, 500, 500), reference) for name in ("one", "two")]
    said: list[str] = []
    found = await rounds.compare(candidates, 3, has_time_for=lambda _: next(answers), say=said.append)
    assert [len(result.runs) for result in found] == [2, 1]
    assert sum("left out" in line for line in said) == 3
