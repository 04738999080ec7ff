from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from service.api.shapes.editions import MISSING, STANDING
from service.api.shapes.moments import Instant
from service.deadlines.verdicts import Standing
from service.delivery.relays import RelayState
from service.editions.models import Edition as EditionRow
from service.editions.models import State
from service.ledger.models import Lane
from service.ledger.progress import Progress as ProgressFacts

_OF_THE_DEADLINE = ("deadline_at", "is_in_time")
RUNNING = (State.SENDING, State.PAUSED)
PROGRESS_EXAMPLE: dict[str, Any] = {
    "state": "sending",
    "standing": "sending",
    "missing": 0,
    "audience": 12000,
    "accepted": 8000,
    "refused": 3,
    "expired": 0,
    "skipped": 2,
    "cancelled": 0,
    "held": 0,
    "bounced_later": 4,
    "open": 3995,
    "queued": 3990,
    "deferred": 5,
    "uncertain": 0,
    "is_fanned_out": True,
    "rate_per_second": 410.5,
    "lane": "scheduled",
    "slowed_to": None,
    "finish_at": "2026-03-03T05:00:30Z",
    "started_at": "2026-03-03T05:00:00Z",
    "ended_at": None,
    "first_accepted_at": "2026-03-03T05:00:01Z",
    "last_accepted_at": "2026-03-03T05:00:20Z",
    "stopped": None,
    "stop_reason": None,
    "summarised_at": None,
    "canary_readers": None,
    "canary_until": None,
    "deadline_at": "2026-03-03T05:30:00Z",
    "is_in_time": None,
    "relay": {
        "problem": "The relay smtp.example.net:587 does not answer in time (no connection).",
        "since": "2026-03-03T05:00:21Z",
        "failures": 3,
        "next_try_at": "2026-03-03T05:00:32Z",
    },
    "on_hold": None,
}


class RelayProblem(BaseModel):
    """Nothing leaves until the relay takes messages again; then it goes on by itself. No reader is counted as tried meanwhile."""

    problem: str = Field(
        description="What the relay said, or what happened instead, and which setting to look at."
    )
    since: Instant | None
    failures: int = Field(description="Tries in a row that came to nothing.")
    next_try_at: Instant | None = Field(description="Null while it is being tried.")


class Progress(BaseModel):
    """audience = accepted + refused + expired + skipped + cancelled + held + open; open = queued + deferred + uncertain."""

    state: State
    standing: str = Field(description=STANDING)
    missing: int = Field(description=MISSING)
    audience: int
    accepted: int
    refused: int
    expired: int
    skipped: int
    cancelled: int
    held: int
    bounced_later: int = Field(description="Of those accepted: they came back afterwards.")
    open: int
    queued: int
    deferred: int
    uncertain: int
    is_fanned_out: bool = Field(description="Whether the audience is complete; until then it still grows.")
    rate_per_second: float
    lane: Lane = Field(description="`breaking` goes before every other edition.")
    slowed_to: int | None = Field(description="By hand: messages a second; null: full speed.")
    finish_at: Instant | None = Field(
        description="When the last message will be handed over at the present rate; null without one."
    )
    started_at: Instant | None
    ended_at: Instant | None
    first_accepted_at: Instant | None
    last_accepted_at: Instant | None
    stopped: str | None
    stop_reason: str | None
    summarised_at: Instant | None = Field(
        description="Since when the edition is so old that only its counts and its proof are kept, and no deliveries."
    )
    canary_readers: int | None = Field(
        description="While the rest waits: how many go first. Null without a canary, and once the rest may follow."
    )
    canary_until: Instant | None = Field(description="When the rest follows, unless too many are refused.")
    deadline_at: Instant | None = Field(
        description="By when it is to be handed over; null until it has begun."
    )
    is_in_time: bool | None = Field(
        description="Whether 99 % was handed over by the deadline; null until that is known."
    )
    relay: RelayProblem | None = Field(
        description="Why nothing leaves although the edition is being sent, or is paused and could not be."
    )
    on_hold: str | None = Field(
        None, description="Why all sending is on hold until a person decides; null as a rule."
    )


def progress(
    row: EditionRow,
    facts: ProgressFacts,
    relay: RelayState | None,
    deadline: Standing | None,
    *,
    now: datetime,
) -> Progress:
    moments = (
        "started_at",
        "ended_at",
        "first_accepted_at",
        "last_accepted_at",
        "canary_until",
        "summarised_at",
    )
    others = set(Progress.model_fields) - {
        "state",
        "standing",
        "missing",
        "relay",
        "on_hold",
        "finish_at",
        *_OF_THE_DEADLINE,
        *moments,
    }
    return Progress(
        state=row.state,
        standing=row.standing,
        missing=row.missing_count,
        deadline_at=deadline.due_at if deadline else None,
        is_in_time=deadline.verdict.is_met if deadline and deadline.verdict else None,
        finish_at=facts.finish_at(now) if row.state == State.SENDING else None,
        relay=_problem(relay) if row.state in RUNNING else None,
        **{name: getattr(facts, name) for name in moments},
        **{name: getattr(facts, name) for name in others},
    )


def _problem(relay: RelayState | None) -> RelayProblem | None:
    if relay is None or not relay.problem:
        return None
    return RelayProblem(
        problem=relay.problem, since=relay.since, failures=relay.failures, next_try_at=relay.next_try_at
    )
