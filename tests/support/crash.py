"""The crash proof: a run of an edition whose senders are killed at chosen points, and the books of relay and ledger compared.

Of each reader one of two things must be true at the end: the ledger says *accepted* and the relay's log has the message; or the
row is *held* after two uncertainties. A crash may repeat at most what its connections had in flight, as the same bytes.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from service.dependencies import Resources
from service.ledger.models import Delivery, DeliveryState
from tests.support import relay_log
from tests.support.nursery import Nursery
from tests.support.outbox import Outbox
from tests.support.processes import Process, RelayProcess
from tests.support.relay_log import Line
from tests.support.sabotage import Plan, Point

KILLED = -9

# What only the relay sees. "Before the dot" it hangs up: what the sender wrote is in the kernel's hands and would still come.
AT_THE_RELAY: dict[str, dict[str, object]] = {
    "at MAIL": {"phase": "mail"},
    "before 354": {"phase": "data"},
    "before the dot": {"phase": "body", "reset": True},
    "after the dot, taken": {"phase": "dot", "keep": True, "drop": True},
    "after the dot, not taken": {"phase": "dot", "reset": True},
    "after the 250": {"phase": "replied"},
}
INSIDE = {
    "at taking a span": Point.TAKE,
    "a span just taken": Point.TAKEN,
    "before COMMIT": Point.BEFORE_COMMIT,
    "inside COMMIT": Point.INSIDE_COMMIT,
    "after COMMIT": Point.AFTER_COMMIT,
}
POINTS = (*INSIDE, *AT_THE_RELAY)


def turn(point: str, number: int) -> int:
    """Which moment of its kind kills, the number-th time: with the first messages, soon after, or in the midst."""
    return (4, 5)[number % 2] if "span" in point else (3, 19, 40)[number % 3]


@dataclass(frozen=True)
class Kill:
    point: str
    life: str
    open_rows: int


@dataclass
class Verdict:
    """What the books say. `changed`: readers who got two different messages."""

    kills: list[Kill] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    repeats: Counter[str] = field(default_factory=Counter)  # by the life that had sent the copy before
    held: int = 0
    audience: int = 0

    @property
    def repeats_per_kill_max(self) -> int:
        return max((self.repeats[kill.life] for kill in self.kills), default=0)

    @property
    def repeats_in_all(self) -> int:
        return sum(self.repeats.values())

    def breaches(self, *, connections: int) -> Iterator[str]:
        yield from self.wrongs()
        for kill in self.kills:
            if self.repeats[kill.life] > connections:
                yield f"a kill {kill.point} cost {self.repeats[kill.life]} repeats"
        killed = {kill.life for kill in self.kills}
        for life, count in self.repeats.items():
            if life not in killed:
                yield f"{count} repeats although {life} was not killed"

    def wrongs(self) -> Iterator[str]:
        """What must not be, however many were killed."""
        if self.lost:
            yield f"{len(self.lost)} readers are lost, {self.lost[0]} among them"
        if self.changed:
            yield f"{len(self.changed)} readers got two different messages, {self.changed[0]} among them"

    def by_point(self) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for kill in self.kills:
            entry = found.setdefault(kill.point, {"kills": 0, "repeats": 0, "repeats_per_kill_max": 0})
            repeats = self.repeats[kill.life]
            entry["kills"] += 1
            entry["repeats"] += repeats
            entry["repeats_per_kill_max"] = max(entry["repeats_per_kill_max"], repeats)
        return found


class Rehearsal:
    """An edition under way, and lives of workers that send it one after the other."""

    def __init__(
        self,
        outbox: Outbox,
        relay: RelayProcess,
        nursery: Nursery,
        *,
        folder: Path,
        connections: int = 4,
        build: Plan | None = None,
    ) -> None:
        self.outbox = outbox
        self.relay = relay
        self.kills: list[Kill] = []
        self.connections = connections
        self.names: dict[int, str] = {}
        self._nursery = nursery
        self._folder = folder
        self._build = build or Plan()
        self._lives = 0

    async def life(self, *, point: Point | None = None, nth: int = 1, stops: bool = False) -> Process:
        self._lives += 1
        name = f"life{self._lives}"
        settings = settings_of(
            self.outbox.resources, self.relay, self._folder, name=name, connections=self.connections
        )
        plan = Plan(point, nth, stops, self._build.without_barrier, self._build.without_fence)
        process = await self._nursery.worker(name, settings, plan)
        self.names[process.pid] = name
        return process

    async def kill(self, point: str, nth: int) -> None:
        """A life that ends at the n-th moment of that kind."""
        process = await self.life(point=INSIDE.get(point), nth=nth)
        name = self.names[process.pid]
        if point in AT_THE_RELAY:
            self.relay.script(kill=process.pid, after=nth - 1, times=1, **AT_THE_RELAY[point])
        assert await process.wait() == KILLED, process.output
        self.kills.append(Kill(point, name, (await self.outbox.progress()).open))

    async def end(self, after: int) -> None:
        """A life that is asked to end, politely, once the relay has so many more messages."""
        process = await self.life()
        await self.relay.until_accepted(len(self.relay.lines()) + after)
        assert await process.stop() == 0, process.output

    async def verdict(self) -> Verdict:
        """Once the run has ended."""
        lines = self.relay.lines()
        taken = relay_log.accepted(lines)
        rows = await self.outbox.rows()
        return Verdict(
            kills=self.kills,
            lost=[row.address for row in rows.values() if not _is_accounted_for(row, taken)],
            changed=[
                address
                for address, copies in taken.items()
                if len({(copy.message_id, copy.sha256) for copy in copies}) > 1
            ],
            repeats=Counter(
                copy.ehlo_name.partition(".")[0] for copies in taken.values() for copy in copies[:-1]
            ),
            held=sum(row.state is DeliveryState.HELD for row in rows.values()),
            audience=len(rows),
        )


def settings_of(
    resources: Resources, relay: RelayProcess, folder: Path, *, name: str, connections: int
) -> dict[str, str]:
    """Those of the process that made the edition, with a name of its own towards the relay."""
    chosen = resources.settings
    return {
        "MEMO_DATABASE_URL": chosen.database_url,
        "MEMO_DATA_DIR": str(folder / "var"),
        "MEMO_RELAY_URL": relay.url,
        "MEMO_SECRET_KEY": chosen.secret_key,
        "MEMO_SUPPRESSION_PEPPER": chosen.suppression_pepper,
        "MEMO_PUBLIC_URL": chosen.public_url,
        "MEMO_RELAY_CONNECTIONS": str(connections + 1),  # one is for notices
        "MEMO_UNCERTAIN_WAIT": "0.5",
        "MEMO_EHLO_NAME": f"{name}.example.org",
        "MEMO_LOG_LEVEL": "WARNING",
    }


def _is_accounted_for(row: Delivery, taken: dict[str, list[Line]]) -> bool:
    if row.state is DeliveryState.ACCEPTED:
        return row.address in taken
    return row.state is DeliveryState.HELD and row.uncertain_count >= 2
