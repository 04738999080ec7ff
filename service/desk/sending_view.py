"""What an edition's figures say to a person: parts that add up to the audience, the pace, the finish, and whose fault a wait is."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from service import pages
from service.deadlines import verdicts
from service.deadlines.models import Deadline
from service.delivery import provider_limits, relays
from service.delivery.relays import RelayState
from service.desk import slowed
from service.editions import queries
from service.editions.models import Edition, State
from service.ledger import progress
from service.ledger.models import Lane, Stopped
from service.ledger.progress import Progress
from service.newsletters import publication
from service.workers import present

RUNNING = (State.SENDING, State.PAUSED)
OVER = (State.SENT, State.CANCELLED)

NO_WORKER = (
    "No worker is at work, so nothing leaves. Look at its log, or start one: memo serve, or memo worker."
)


@dataclass(frozen=True)
class Part:
    """One colour of the bar: deliveries in one state, with their share of the audience in percent."""

    state: str
    label: str
    count: int
    start: float
    share: float


@dataclass(frozen=True)
class Verdict:
    is_met: bool
    readers: int
    in_time: int


@dataclass(frozen=True)
class SendingView:
    uid: UUID
    state: State
    standing: str
    audience: int
    parts: tuple[Part, ...]
    open: int
    is_fanned_out: bool
    rate: float
    finish_at: datetime | None
    zone: str
    started_at: datetime | None
    ended_at: datetime | None
    stop_reason: str | None
    relay: str | None
    deadline_at: datetime | None
    verdict: Verdict | None
    is_restored: bool = False  # stopped until somebody releases it
    bounced_later: int = 0  # of those accepted
    slowed_to: int | None = None
    is_breaking: bool = False
    limits: tuple[str, ...] = ()  # of providers behind the relay in use
    canary_readers: int | None = None
    canary_until: datetime | None = None

    @property
    def is_behind(self) -> bool:
        """Whether at the present pace the last message leaves after the deadline."""
        return bool(
            self.finish_at and self.deadline_at and not self.verdict and self.finish_at > self.deadline_at
        )

    @property
    def is_final(self) -> bool:
        return self.state in OVER and self.open == 0 and (self.is_fanned_out or self.started_at is None)


def of(session: Session, edition_uid: UUID, *, now: datetime) -> SendingView:
    edition = queries.get(session, edition_uid)
    newsletter = publication.get_by_id(session, edition.newsletter_id)
    figures = progress.of(session, edition.id)
    relay = relays.state_of(session)
    held_up = _held_up(session, relay, edition, figures.open, newsletter.time_zone)
    deadline = verdicts.of(session, edition)
    return SendingView(
        uid=edition.uid,
        state=edition.state,
        standing=edition.standing,
        audience=figures.audience,
        parts=parts_of(figures),
        open=figures.open,
        is_fanned_out=figures.is_fanned_out,
        rate=round(figures.rate_per_second, 1),
        finish_at=figures.finish_at(now) if edition.state == State.SENDING and not held_up else None,
        zone=newsletter.time_zone,
        started_at=edition.started_at,
        ended_at=edition.ended_at,
        stop_reason=edition.stop_reason or figures.stop_reason,
        canary_readers=figures.canary_readers,
        canary_until=figures.canary_until,
        is_restored=figures.stopped == Stopped.RESTORED and edition.state is State.PAUSED,
        relay=held_up,
        slowed_to=figures.slowed_to,
        is_breaking=figures.lane is Lane.BREAKING,
        limits=_limits(session, relay, newsletter.time_zone, now) if _is_running(edition) else (),
        deadline_at=deadline.due_at if deadline else None,
        verdict=_verdict(deadline.verdict if deadline else None),
        bounced_later=figures.bounced_later,
    )


def parts_of(figures: Progress) -> tuple[Part, ...]:
    counts = (
        ("accepted", "accepted by the relay", figures.accepted),
        ("refused", "refused", figures.refused),
        ("skipped", "skipped: left, or may not be mailed", figures.skipped),
        ("held", "held: no clear answer twice", figures.held),
        ("expired", "expired: too late to hand over", figures.expired),
        ("cancelled", "cancelled", figures.cancelled),
        ("open", "still to go", figures.open),
    )
    parts: list[Part] = []
    start = 0.0
    for state, label, count in counts:
        share = 100 * count / figures.audience if figures.audience else 0.0
        parts.append(Part(state, label, count, round(start, 3), round(share, 3)))
        start += share
    return tuple(parts)


def _relay_line(relay: RelayState | None, edition: Edition, waiting: int, zone: str) -> str | None:
    if edition.state is State.PAUSED and relay is not None and relay.problem and not relay.is_resting:
        since = f" since {pages.local(relay.since, zone, '%H:%M')}" if relay.since else ""
        problem = relay.problem.rstrip(".")
        return (
            f"The relay has taken no message{since}: {problem}. It is tried again when this edition goes on."
        )
    return relay_line(relay, waiting, zone) if _is_running(edition) else None


def relay_line(relay: RelayState | None, waiting: int, zone: str) -> str | None:
    """Whose fault it is, since when, and what to do; None while the relay takes what it is given."""
    if relay is None or not (relay.problem or relay.stands_in_for):
        return None
    away = _stand_in_line(relay, zone) if relay.stands_in_for else ""
    if not relay.problem:
        return away
    if relay.is_resting and relay.next_try_at is None:
        wait = (
            f" {waiting:,} messages wait until it is resumed"
            if waiting
            else " Editions wait until it is resumed"
        )
        return f"{away} {relay.problem}.{wait}, on the page Relays.".strip()
    if relay.is_resting and relay.next_try_at is not None:
        again = pages.local(relay.next_try_at, zone, "%d %b, %H:%M")
        return f"{away} {relay.problem}. {waiting:,} messages wait, and leave by themselves from {again}.".strip()
    if relay.problem == relays.NO_MAIN:
        return "No relay is in use, so nothing leaves: choose the main one on the page Relays."
    since = f" since {pages.local(relay.since, zone, '%H:%M')}" if relay.since else ""
    tries = f" ({relay.failures:,} tries)" if relay.failures > 1 else ""
    wait = f" {waiting:,} messages wait and will leave by themselves." if waiting else ""
    return (
        f"{away} The relay does not take messages{since}{tries}: {relay.problem.rstrip('.')}.{wait} "
        f"{_next_try(relay, waiting, zone)} "
        "Check the relay's address, password and quota, or pause the edition until it answers."
    ).strip()


def _stand_in_line(relay: RelayState, zone: str) -> str:
    main = relay.stands_in_for
    assert main is not None
    since = f" since {pages.local(main.since, zone, '%H:%M')}" if main.since else ""
    why = f": {main.problem.rstrip('.')}" if main.problem else ""
    return f"The main relay {main.name} is out of reach{since}{why}. Messages go through {relay.name} until it answers again."


def _next_try(relay: RelayState, waiting: int, zone: str) -> str:
    if relay.next_try_at is not None:
        return f"Next try at {pages.local(relay.next_try_at, zone, '%H:%M:%S')}."
    return "It is being tried now." if waiting else "It is tried again when there is something to send."


def _limits(session: Session, relay: RelayState | None, zone: str, now: datetime) -> tuple[str, ...]:
    if relay is None:
        return ()
    set_here = tuple(f"{provider_limits.said(row)}." for row in provider_limits.rows_of(session, relay.name))
    return set_here + slowed.lines(session, relay.name, zone, now)


def _held_up(
    session: Session, relay: RelayState | None, edition: Edition, waiting: int, zone: str
) -> str | None:
    """Why nothing leaves, if that is so."""
    said = _relay_line(relay, edition, waiting, zone)
    if edition.state is State.SENDING and waiting and not _is_anybody_at_work(session):
        return f"{NO_WORKER} {said}" if said else NO_WORKER
    return said


def _is_anybody_at_work(session: Session) -> bool:
    return any(one.is_alive for one in present.everybody(session, with_held=False))


def _verdict(row: Deadline | None) -> Verdict | None:
    return Verdict(row.is_met, row.readers, row.in_time) if row else None


def _is_running(edition: Edition) -> bool:
    return edition.state in RUNNING
