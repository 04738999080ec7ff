import pytest

from bench import summary
from bench.processes import Measured
from bench.product import Sent
from bench.rounds import Result


def result(name: str, connections: int, ratio: float) -> Result:
    rate = 1_000 * ratio
    run = Measured(1_000, 1_000 / rate, cpu_seconds=0.5)
    if name in {"sqlite", "postgresql"}:
        run = Sent(
            1_000,
            1_000 / rate,
            cpu_seconds=0.2,
            peak_memory_mb=100 + connections,
            seconds_under_way=1,
            notice_s=connections / 100,
        )
    return Result(name, connections, [run], [1_000])


def test_every_name_is_there_whatever_ran_and_null_if_it_did_not() -> None:
    figures = summary.blank() | summary.of_results([result("sqlite", 40, 0.8)])
    assert figures.keys() == summary.blank().keys()
    asked = {"sqlite_ratio", "postgresql_ratio", "sqlite_ratio_20", "postgresql_ratio_20", "no_ledger_ratio"}
    asked |= {"sendmail_ratio", "cpu_seconds_per_1000", "peak_memory_mb", "first_accepted_s", "notice_s"}
    assert asked | {"lost", "repeats_per_kill_max", "kills"} <= figures.keys()
    assert figures["sqlite_ratio"] == pytest.approx(0.8)
    assert figures["postgresql_ratio"] is None
    assert figures["sqlite_ratio_20"] is None


def test_forty_connections_bear_no_number_and_others_do() -> None:
    figures = summary.of_results([result("sqlite", 40, 0.8), result("sqlite", 20, 0.6)])
    assert figures["sqlite_ratio"] == pytest.approx(0.8)
    assert figures["sqlite_ratio_20"] == pytest.approx(0.6)


def test_ours_is_held_against_others_over_the_references_of_their_own_times() -> None:
    slow_stretch = Result("sendmail", 40, [Measured(1_000, 10)], [400])
    figures = summary.of_results([result("sqlite", 40, 0.75), slow_stretch])
    assert figures["sendmail_ratio"] == pytest.approx(0.75 / 0.25)


def test_times_and_memory_are_the_worst_of_all_runs() -> None:
    figures = summary.of_results([result("sqlite", 40, 0.8), result("postgresql", 20, 0.6)])
    assert figures["notice_s"] == pytest.approx(0.4)
    assert figures["peak_memory_mb"] == 140
    assert figures["cpu_seconds_per_1000"] == pytest.approx(0.2)
