"""What a worker's tick carries on of editions under way: canaries decided, audiences written out, ended runs opened again."""

from typing import Protocol

from service import logs
from service.clock import Clock
from service.database import Database
from service.delivery import canary, launch, reopening, spans
from service.jobs import Jobs, Kind
from service.ledger import fanout
from service.subscribers import audience

log = logs.get(__name__)


class Holder(Protocol):
    """What of a process's resources is needed here."""

    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def jobs(self) -> Jobs: ...


async def nudge(held: Holder) -> None:
    """Decide what can be decided, and have somebody carry on what is not done."""
    for edition_id in await held.database.read(canary.decidable):
        verdict = await held.database.write(canary.decide, edition_id, now=held.clock.now())
        log.info("edition.canary", edition_id=edition_id, verdict=verdict)
    if await held.database.read(fanout.unfinished) or await held.database.read(reopening.unfinished):
        await held.jobs.nudge(Kind.CHORE, launch.FAN_OUT)


async def carry_on(held: Holder) -> None:
    """Every fan-out and every reopening that is not done, chunk by chunk; each is at once a span for somebody."""
    for edition_id in await held.database.read(fanout.unfinished):
        nudged = 0
        while (
            span_id := await held.database.write(fanout.carry_on, edition_id, audience.statement)
        ) is not None:
            if (nudged := nudged + 1) <= spans.NUDGES_AT_ONCE:
                await held.jobs.nudge(Kind.SPAN, f"span-{span_id}")
    for edition_id in await held.database.read(reopening.unfinished):
        while (step := await held.database.write(reopening.carry_on, edition_id)) is not None:
            if step.span_id is not None:
                await held.jobs.nudge(Kind.SPAN, f"span-{step.span_id}")
