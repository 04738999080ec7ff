"""Today: for each newsletter the next edition with the one step to take, the last ones with their figures, and what did not run."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.delivery import relays
from service.desk import documents, sending_view
from service.editions import composition
from service.editions.models import Cadence, Edition, Fate, Occurrence, State
from service.ledger import progress
from service.ledger.progress import Progress
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.subscribers import audience
from service.subscribers.models import State as SubscriptionState
from service.subscribers.models import Subscriber, Subscription
from service.suppressions.models import Suppression

RECENT_EDITIONS = 5
SHOWN_FOR = timedelta(days=7)
SECOND_THOUGHTS = (State.PAUSED, State.SENDING, State.SCHEDULED, State.DRAFT)


@dataclass(frozen=True)
class Step:
    """The one thing to do next."""

    label: str
    path: str


@dataclass(frozen=True)
class NextEdition:
    edition: Edition | None
    at: datetime | None
    subject: str
    headlines: tuple[str, ...]
    state: str
    explained: str
    step: Step


@dataclass(frozen=True)
class PastEdition:
    edition: Edition
    subject: str
    figures: Progress


@dataclass(frozen=True)
class Gap:
    """An occurrence without an edition."""

    local_date: date
    due_at: datetime
    fate: Fate
    reason: str


@dataclass(frozen=True)
class Readers:
    count: int
    suppressed: int


@dataclass(frozen=True)
class Card:
    newsletter: Newsletter
    readers: Readers
    next: NextEdition
    recent: tuple[PastEdition, ...]
    gaps: tuple[Gap, ...]


@dataclass(frozen=True)
class Today:
    cards: tuple[Card, ...]
    relay: str | None


def today(session: Session, *, now: datetime) -> Today:
    newsletters = publication.all_of(session)
    zone = newsletters[0].time_zone if newsletters else "UTC"
    waiting = sum(
        progress.of(session, edition.id).open for edition in _in_state(session, State.SENDING, State.PAUSED)
    )
    return Today(
        cards=tuple(card(session, newsletter, now=now) for newsletter in newsletters),
        relay=sending_view.relay_line(relays.state_of(session), waiting, zone),
    )


def card(session: Session, newsletter: Newsletter, *, now: datetime) -> Card:
    return Card(
        newsletter=newsletter,
        readers=readers(session, newsletter.id),
        next=next_edition(session, newsletter),
        recent=recent(session, newsletter),
        gaps=gaps(session, newsletter.id, since=now - SHOWN_FOR),
    )


def readers(session: Session, newsletter_id: int) -> Readers:
    """To how many an edition would go now, and how many active readers are left out because nobody may mail them."""
    active = audience.count(session, newsletter_id)
    suppressed = session.scalar(
        select(sa.func.count())
        .select_from(Subscription)
        .join(Subscriber, col(Subscriber.id) == col(Subscription.subscriber_id))
        .join(Suppression, col(Suppression.address_hash) == col(Subscriber.address_hash))
        .where(
            col(Subscription.newsletter_id) == newsletter_id,
            col(Subscription.state) == SubscriptionState.ACTIVE,
            col(Suppression.lifted_at).is_(None),
        )
    )
    return Readers(active - (suppressed or 0), suppressed or 0)


def next_edition(session: Session, newsletter: Newsletter) -> NextEdition:
    edition = _most_pressing(session, newsletter)
    cadence = session.exec(
        select(Cadence).where(col(Cadence.newsletter_id) == newsletter.id).order_by(col(Cadence.next_run_at))
    ).first()
    if edition is None:
        return _not_begun(newsletter, cadence)
    document = composition.document_of(session, edition)
    at = edition.scheduled_at or edition.started_at
    path = f"/desk/editions/{edition.uid}"
    explained, label = {
        State.DRAFT: ("A draft: nothing leaves until it is scheduled or sent.", "Preview and send"),
        State.SCHEDULED: ("Leaves by itself at its time.", "Look at it once more"),
        State.SENDING: ("On its way to readers.", "Watch it leave"),
        State.PAUSED: (f"Paused: {edition.stop_reason or 'at the desk'}.", "Resume or cancel"),
    }[edition.state]
    return NextEdition(
        edition=edition,
        at=at,
        subject=document.subject,
        headlines=documents.headlines(document),
        state=edition.state.value,
        explained=explained,
        step=Step(label, path),
    )


def gaps(session: Session, newsletter_id: int, *, since: datetime) -> tuple[Gap, ...]:
    rows = session.exec(
        select(Occurrence)
        .where(
            col(Occurrence.newsletter_id) == newsletter_id,
            col(Occurrence.fate) != Fate.EDITION,
            col(Occurrence.due_at) >= since,
        )
        .order_by(col(Occurrence.due_at).desc())
        .limit(RECENT_EDITIONS)
    )
    return tuple(Gap(row.local_date, row.due_at, row.fate, row.reason) for row in rows)


def _not_begun(newsletter: Newsletter, cadence: Cadence | None) -> NextEdition:
    path = f"/desk/newsletters/{newsletter.slug}"
    if cadence is None:
        explained, label = "No regular time yet: set one, or send an edition by hand.", "Set the cadence"
    elif cadence.is_automatic:
        explained, label = (
            "Will be made by itself from the articles that are new by then. With none it is skipped.",
            "Compose it yourself",
        )
    else:
        explained, label = "Nobody has begun it yet.", "Begin this edition"
    return NextEdition(
        edition=None,
        at=cadence.next_run_at if cadence else None,
        subject="",
        headlines=(),
        state="not begun",
        explained=explained,
        step=Step(label, path + ("#cadence" if cadence is None else "#compose")),
    )


def _most_pressing(session: Session, newsletter: Newsletter) -> Edition | None:
    """What is under way comes first, then what is planned, then the newest draft."""
    open_ones = session.exec(
        select(Edition)
        .where(col(Edition.newsletter_id) == newsletter.id, col(Edition.state).in_(SECOND_THOUGHTS))
        .order_by(col(Edition.scheduled_at), col(Edition.id).desc())
    ).all()
    return min(open_ones, key=lambda edition: SECOND_THOUGHTS.index(edition.state), default=None)


def recent(
    session: Session, newsletter: Newsletter, *, limit: int = RECENT_EDITIONS
) -> tuple[PastEdition, ...]:
    ended = session.exec(
        select(Edition)
        .where(
            col(Edition.newsletter_id) == newsletter.id,
            col(Edition.state).in_((State.SENT, State.CANCELLED)),
        )
        .order_by(col(Edition.id).desc())
        .limit(limit)
    )
    return tuple(
        PastEdition(
            edition, composition.document_of(session, edition).subject, progress.of(session, edition.id)
        )
        for edition in ended
    )


def _in_state(session: Session, *states: State) -> list[Edition]:
    return list(session.exec(select(Edition).where(col(Edition.state).in_(states))))
