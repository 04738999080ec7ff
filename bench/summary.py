"""The figures of a run under names that stay: printed, and in `bench/out/summary.json`. What did not run is null."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from bench.product import Sent
from bench.rounds import Result

PATH = Path(__file__).resolve().parent / "out" / "summary.json"
USUAL = 40  # connections whose figures bear no number
OURS = ("sqlite", "postgresql", "no_ledger")
OTHERS = ("sendmail", "send_message", "nodemailer")
PER_CONNECTIONS = (
    "reference_rate",
    *(f"{name}_rate" for name in (*OURS, *OTHERS)),
    *(f"{name}_ratio" for name in (*OURS, *OTHERS)),
    "postgresql_sendmail_ratio",
    "sqlite_rate_under_way",
    "postgresql_rate_under_way",
)
ONCE = (
    "cpu_seconds_per_1000",
    *(f"{name}_cpu_seconds_per_1000" for name in (*OURS, *OTHERS)),
    "idle_memory_mb",
    "peak_memory_mb",
    *(f"{name}_peak_memory_mb" for name in (*OURS, *OTHERS)),
    "first_accepted_s",
    "notice_s",
    "captured",
    "breaking_first_s",
    "breaking_notice_s",
    "dkim_rate",
    "dkim_openssl_rate",
    "dkim_process_openssl_ratio",
    "dkim_openssl_ratio",
    "dkim_bare_openssl_ratio",
    "dkim_sent_rate",
    "dkim_sent_openssl_ratio",
    "round_trip_ms",
    *(f"round_trip_{kind}_{connections}" for connections in (20, 60) for kind in ("rate", "ratio")),
    *(
        f"million_{name}_{kind}"
        for name in ("sqlite", "postgresql", "postgresql_dumping")
        for kind in ("rate", "last_to_first", "peak_memory_mb", "first_accepted_s", "notice_s")
    ),
    "lost",
    "repeats_per_kill_max",
    "kills",
    "messages",
    "octets",
    "rounds",
)
Figures = dict[str, float | None]


def blank() -> Figures:
    names = (*PER_CONNECTIONS, *(f"{name}_20" for name in PER_CONNECTIONS), *ONCE)
    return dict.fromkeys(names)


def of_results(results: Sequence[Result]) -> Figures:
    figures: Figures = {}
    for connections in {result.connections for result in results}:
        here = {result.name: result for result in results if result.connections == connections}
        suffix = "" if connections == USUAL else f"_{connections}"
        figures |= {f"{name}{suffix}": value for name, value in _rates(here)}
        figures |= {f"{name}{suffix}": value for name, value in _ratios(here)}
    # The greatest number of connections last: theirs are the figures without a number.
    for result in sorted(results, key=lambda one: one.connections):
        figures[f"{result.name}_cpu_seconds_per_1000"] = result.cpu_seconds_per_1000
        figures[f"{result.name}_peak_memory_mb"] = result.peak_memory_mb
    figures["rounds"] = min((len(result.runs) for result in results), default=None)
    return figures | _of_ours(figures, results)


def write(figures: Mapping[str, float | None]) -> None:
    PATH.parent.mkdir(exist_ok=True)
    rounded = {name: None if value is None else round(value, 4) for name, value in figures.items()}
    PATH.write_text(json.dumps(rounded, indent=2) + "\n")


def table(results: Sequence[Result]) -> Iterator[str]:
    if results:
        yield "                               messages/s   reference   ratio   CPU s/1,000   peak MB"
    for result in sorted(results, key=lambda one: -one.connections):
        cpu, peak = result.cpu_seconds_per_1000, result.peak_memory_mb
        yield (
            f"{result.name:<14}{result.connections:>3} connections{result.rate:12,.0f}{result.reference:12,.0f}"
            f"{result.ratio:8.2f}{_shown(cpu, '14.3f')}{_shown(peak, '10.0f')}"
        )


def notable(figures: Figures) -> Iterator[str]:
    """The figures that no column of the table has."""
    for name in (
        "sendmail_ratio",
        "idle_memory_mb",
        "peak_memory_mb",
        "first_accepted_s",
        "notice_s",
        "lost",
        "repeats_per_kill_max",
        "kills",
    ):
        if (value := figures.get(name)) is not None:
            yield f"{name:<24}{value:8.2f}"


def _shown(value: float | None, form: str) -> str:
    return format(value, form) if value is not None else "-".rjust(int(form.partition(".")[0]))


def _rates(here: Mapping[str, Result]) -> Iterator[tuple[str, float]]:
    yield "reference_rate", median(rate for result in here.values() for rate in result.references)
    for name, result in here.items():
        yield f"{name}_rate", result.rate
        under_way = [run.rate_under_way for run in result.runs if isinstance(run, Sent)]
        if under_way:
            yield f"{name}_rate_under_way", median(under_way)


def _ratios(here: Mapping[str, Result]) -> Iterator[tuple[str, float]]:
    """Ours to the reference; and ours on SQLite to the others', each first held against the references of its own time."""
    for name in OURS:
        if name in here:
            yield f"{name}_ratio", here[name].ratio
    for name in OTHERS:
        if name in here and "sqlite" in here:
            yield f"{name}_ratio", here["sqlite"].ratio / here[name].ratio
    if "postgresql" in here and "sendmail" in here:
        yield "postgresql_sendmail_ratio", here["postgresql"].ratio / here["sendmail"].ratio


def _of_ours(figures: Figures, results: Sequence[Result]) -> Figures:
    """The product's own: on SQLite, or else on PostgreSQL; times and memory are the worst of all its runs."""
    sent = [run for result in results for run in result.runs if isinstance(run, Sent)]
    if not sent:
        return {}
    cpu = [figures.get(f"{name}_cpu_seconds_per_1000") for name in ("sqlite", "postgresql")]
    return {
        "cpu_seconds_per_1000": next(value for value in cpu if value is not None),
        "idle_memory_mb": max(run.idle_memory_mb for run in sent),
        "peak_memory_mb": max(run.peak_memory_mb or 0.0 for run in sent),
        "first_accepted_s": max(run.first_accepted_s for run in sent),
        "notice_s": max(run.notice_s for run in sent),
    }
