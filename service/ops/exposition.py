"""The figures as Prometheus text. Every label's values come from a short list: never one for a reader, an edition or an address.

`docs/WATCHING.md` describes each metric, and `docs/alerts/` has rules over them; tests hold both against what comes out here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from service.jobs import Kind
from service.ops.figures import Watched
from service.workers.present import Present, Standing
from service.writes import BUCKETS

Sample = tuple[Sequence[str], float]
Facts = dict[str, Any]
COUNTED_FOR = timedelta(
    minutes=10
)  # after its end, so that what a worker did last is not lost between two scrapes


class Exposition:
    """One scrape. A registry of its own, for the library's global one tells of this process only."""

    def __init__(self, watched: Watched, *, process: str, writes: Facts, jobs: Mapping[Kind, int]) -> None:
        """`process` and `writes`: the name and the figures of the process that is asked. `jobs`: what waits with the messenger."""
        self._watched = watched
        self._jobs = jobs
        self._facts = _facts_by_process(watched.workers) | {process: {"writes": writes}}
        own = next((one for one in watched.workers if one.name == process), None)
        if own is not None:
            self._facts[process] = {**own.figures, "writes": writes}

    def text(self) -> bytes:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        yield from self._queue()
        yield from self._editions()
        yield from self._relays()
        yield from self._workers()
        yield from self._database()

    def _queue(self) -> Iterator[Metric]:
        depth, now = self._watched.depth, self._watched.now
        lanes = [([lane.value], float(count)) for lane, count in depth.deliveries.items()]
        yield _gauge(
            "memo_queue_depth",
            "Messages not yet settled, by lane.",
            ["lane"],
            [*lanes, (["notice"], float(depth.notices))],
        )
        yield _gauge(
            "memo_queue_untried",
            "Messages of editions under way that nobody has tried to hand over yet, by lane.",
            ["lane"],
            [([lane.value], float(count)) for lane, count in depth.untried.items()],
        )
        since = {"delivery": depth.delivery_since, "notice": depth.notice_since}
        yield _gauge(
            "memo_oldest_waiting_seconds",
            "How long the longest waiting has waited; editions that a person stopped are left out.",
            ["kind"],
            [([kind], (now - at).total_seconds() if at else 0.0) for kind, at in since.items()],
        )
        yield _counter(
            "memo_outcomes",
            "Attempts that ended, by lane, by state and by whose matter the reply was.",
            ["process", "lane", "state", "scope"],
            (
                ([process, *words.split(" ")], float(count))
                for process, facts in self._facts.items()
                for words, count in facts.get("outcomes", {}).items()
            ),
        )

        yield _gauge(
            "memo_jobs_waiting", "Nudges that no worker has taken up, by what they are about.", ["job"],
            [([kind.value], float(count)) for kind, count in self._jobs.items()],
        )  # fmt: skip
        since_due = self._watched.feed_due_since
        waited = (self._watched.clock_now - since_due).total_seconds() if since_due else 0.0
        yield _gauge(
            "memo_feed_overdue_seconds", "How long a feed that is due has waited.", [], [([], waited)]
        )

    def _editions(self) -> Iterator[Metric]:
        watched = self._watched
        yield _gauge(
            "memo_editions", "Editions in a state that will change.", ["state"],
            [([state.value], float(count)) for state, count in watched.editions.items()],
        )  # fmt: skip
        overdue = {
            one.newsletter: (watched.clock_now - one.due_at).total_seconds() for one in watched.overdue
        }
        yield _gauge(
            "memo_edition_overdue_seconds", "How long an edition that is due has not begun; 0 if none is.", ["newsletter"],
            [([one.newsletter], max(0.0, overdue.get(one.newsletter, 0.0))) for one in watched.punctuality],
        )  # fmt: skip
        yield _gauge(
            "memo_edition_began_late_seconds", "How long after its time the last edition began.", ["newsletter"],
            [
                ([one.newsletter], one.last_began_late)
                for one in watched.punctuality
                if one.last_began_late is not None
            ],
        )  # fmt: skip
        yield _gauge(
            "memo_slots_missed", "Slots of the last day whose edition was not sent.", ["newsletter"],
            [([one.newsletter], float(one.missed)) for one in watched.punctuality],
        )  # fmt: skip
        yield _gauge(
            "memo_edition_in_time", "Whether 99 % of the last edition was handed over by its deadline.", ["newsletter"],
            [([one.newsletter], float(one.is_met)) for one in watched.deadlines],
        )  # fmt: skip
        yield _gauge(
            "memo_ping_failed", "Whether the call about the last edition in time was not made or not answered.", ["newsletter"],
            [([one.newsletter], float(one.is_ping_lost)) for one in watched.deadlines],
        )  # fmt: skip

    def _relays(self) -> Iterator[Metric]:
        relays = self._watched.relays
        yield _gauge(
            "memo_relay_wait_seconds", "How long nothing is handed to the relay from now on; 0 while it takes messages.",
            ["relay"], [([one.name], one.wait_seconds) for one in relays],
        )  # fmt: skip
        yield _gauge(
            "memo_relay_failures", "Failures in a row since the relay last took a message.", ["relay"],
            [([one.name], float(one.failures)) for one in relays],
        )  # fmt: skip

    def _workers(self) -> Iterator[Metric]:
        workers = self._watched.workers
        counts = {standing: sum(one.standing is standing for one in workers) for standing in Standing}
        yield _gauge(
            "memo_workers", "Workers' processes of the last day, by how they stand.", ["standing"],
            [([standing.value], float(count)) for standing, count in counts.items()],
        )  # fmt: skip
        ages = [one.age_seconds for one in workers]
        yield _gauge(
            "memo_worker_tick_age_seconds", "Since the tick of any worker last came round.", [],
            [([], min(ages))] if ages else [],
        )  # fmt: skip
        yield _gauge(
            "memo_handed_over_per_second", "Messages that a worker handed over per second, over its last 20 seconds.",
            ["process"], [([name], rate) for name, rate in _rates(workers).items()],
        )  # fmt: skip

    def _database(self) -> Iterator[Metric]:
        writes = {process: facts["writes"] for process, facts in self._facts.items() if "writes" in facts}
        histogram = HistogramMetricFamily(
            "memo_database_write_seconds",
            "From asking for a write until its commit had answered.",
            labels=["process"],
        )
        for process, facts in writes.items():
            histogram.add_metric([process], _cumulated(facts["counts"]), sum_value=facts["seconds"])
        yield histogram
        for name, told in (
            ("retries", "Writes that ran again after losing a lock or a connection."),
            ("failures", "Writes that could not be committed."),
        ):
            samples = [([process], float(facts[name])) for process, facts in writes.items()]
            yield _counter(f"memo_database_write_{name}", told, ["process"], samples)
        yield _gauge(
            "memo_database_writes_under_way", "Writes that wait or are being committed.", ["process"],
            [([process], float(facts["under_way"])) for process, facts in writes.items()],
        )  # fmt: skip
        waits = self._watched.lock_waits
        yield _gauge(
            "memo_database_lock_waits", "Sessions of PostgreSQL that wait for a lock; absent on SQLite.", [],
            [] if waits is None else [([], float(waits))],
        )  # fmt: skip


def _facts_by_process(workers: Iterable[Present]) -> dict[str, Facts]:
    """Of two lives of one name the later: a counter that begins anew is a restart, which Prometheus knows."""
    facts: dict[str, Facts] = {}
    for one in sorted(workers, key=lambda one: one.started_at):
        if one.age_seconds <= COUNTED_FOR.total_seconds():
            facts[one.name] = one.figures
    return facts


def _rates(workers: Iterable[Present]) -> dict[str, float]:
    """A container has its old name again at once: of two lives that both seem to go on the later one counts."""
    return {one.name: one.rate for one in sorted(workers, key=lambda one: one.started_at) if one.is_alive}


def _gauge(name: str, told: str, labels: list[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(name, told, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _counter(name: str, told: str, labels: list[str], samples: Iterable[Sample]) -> Metric:
    family = CounterMetricFamily(name, told, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _cumulated(counts: Sequence[int]) -> list[tuple[str, float]]:
    """Each bucket holds all that was as quick or quicker; the last one everything."""
    ends = [str(end) for end in BUCKETS] + ["+Inf"]
    return [(end, float(sum(counts[: place + 1]))) for place, end in enumerate(ends)]
