"""Today: for each newsletter the next edition with the one step to take, the last ones with their figures, and what did not run."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from service.delivery import relays
from service.desk import documents, sending_view
from service.editions import automatic, composition, occurrences, queries
from service.editions.models import Edition, Fate, State
from service.editions.occurrences import Upcoming
from service.ledger import progress
from service.ledger.progress import Progress
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.subscribers import audience
from service.subscribers.models import State as SubscriptionState
from service.subscribers.models import Subscriber, Subscription
from service.suppressions.models import Suppression

RECENT_EDITIONS = 5
LOOKED_AT = 100
SHOWN_FOR = timedelta(days=7)
UNDER_WAY = (State.PAUSED, State.SENDING)
BY_URGENCY = (*UNDER_WAY, State.SCHEDULED, State.DRAFT)


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
    zone = publication.newsroom_zone(session)
    waiting = 0
    cards = []
    for newsletter in newsletters:
        editions = queries.for_newsletter(session, newsletter.id, limit=LOOKED_AT)
        waiting += sum(progress.of(session, one.id).open for one in editions if one.state in UNDER_WAY)
        cards.append(card(session, newsletter, editions, now=now))
    return Today(tuple(cards), sending_view.relay_line(relays.state_of(session), waiting, zone))


def card(session: Session, newsletter: Newsletter, editions: list[Edition], *, now: datetime) -> Card:
    return Card(
        newsletter=newsletter,
        readers=readers(session, newsletter.id),
        next=next_edition(session, newsletter, editions, now=now),
        recent=recent(session, editions, limit=RECENT_EDITIONS),
        gaps=gaps(session, newsletter.id, since=now - SHOWN_FOR),
    )


def readers(session: Session, newsletter_id: int) -> Readers:
    """To how many an edition would go now, and how many active readers are left out because nobody may mail them.

    Asked of each suppression, of which there are few, for a join may begin with every reader.
    """
    active = audience.count(session, newsletter_id)
    is_reader = (
        sa.select(sa.literal(1))
        .select_from(Subscriber)
        .join(Subscription, col(Subscription.subscriber_id) == col(Subscriber.id))
        .where(
            col(Subscriber.address_hash) == col(Suppression.address_hash),
            col(Subscription.newsletter_id) == newsletter_id,
            col(Subscription.state) == SubscriptionState.ACTIVE,
        )
        .exists()
    )
    suppressed = session.scalar(
        select(sa.func.count())
        .select_from(Suppression)
        .where(col(Suppression.lifted_at).is_(None), is_reader.correlate(Suppression))
    )
    return Readers(active - (suppressed or 0), suppressed or 0)


def next_edition(
    session: Session, newsletter: Newsletter, editions: list[Edition], *, now: datetime
) -> NextEdition:
    """What is under way comes first, then what the clock has planned, then the newest draft, then nothing."""
    under_way = [edition for edition in editions if edition.state in UNDER_WAY]
    if under_way:
        return _begun(session, under_way[0], at=under_way[0].started_at)
    planned = occurrences.upcoming(session, newsletter, now)
    if planned is not None:
        if planned.edition is not None:
            return _begun(session, planned.edition, at=planned.due_at)
        return _not_begun(session, newsletter, planned)
    drafts = [edition for edition in editions if edition.state is State.DRAFT]
    return _begun(session, drafts[0], at=None) if drafts else _not_begun(session, newsletter, None)


def gaps(session: Session, newsletter_id: int, *, since: datetime) -> tuple[Gap, ...]:
    found = queries.occurrences(session, newsletter_id)
    return tuple(
        Gap(one.local_date, one.due_at, one.fate, one.reason)
        for one in found
        if one.fate != Fate.EDITION and one.due_at >= since
    )


def recent(session: Session, editions: list[Edition], *, limit: int) -> tuple[PastEdition, ...]:
    ended = [edition for edition in editions if edition.state in sending_view.OVER][:limit]
    return tuple(
        PastEdition(
            edition, composition.document_of(session, edition).subject, progress.of(session, edition.id)
        )
        for edition in ended
    )


def _begun(session: Session, edition: Edition, *, at: datetime | None) -> NextEdition:
    document = composition.document_of(session, edition)
    draft = "A draft: nothing leaves until it is scheduled or sent."
    if at is not None:
        draft = "Still a draft: it is missed unless it is scheduled or sent by then."
    explained, label = {
        State.DRAFT: (draft, "Preview and send"),
        State.SCHEDULED: ("Leaves by itself at its time.", "Look at it once more"),
        State.SENDING: ("On its way to readers.", "Watch it leave"),
        State.PAUSED: (_paused(edition), "Resume or cancel"),
        State.SENT: ("Sent already.", "Look at it"),
        State.CANCELLED: ("Cancelled: nothing leaves.", "Look at it"),
    }[edition.state]
    return NextEdition(
        edition=edition,
        at=at,
        subject=document.subject,
        headlines=documents.headlines(document),
        state=edition.standing,
        explained=explained,
        step=Step(label, f"/desk/editions/{edition.uid}"),
    )


def _not_begun(session: Session, newsletter: Newsletter, planned: Upcoming | None) -> NextEdition:
    """Without an edition yet: what would be in it if it were made now."""
    path = f"/desk/newsletters/{newsletter.slug}"
    document = automatic.compose(session, newsletter)
    if planned is None:
        explained, step = "No regular time yet: set one, or make an edition by hand.", "Set the cadence"
    elif not planned.is_automatic:
        explained, step = "Nobody has begun it yet. This is what is new so far.", "Begin this edition"
    elif document is None:
        explained, step = (
            "Made by itself if there is anything new by then; so far there is not.",
            "Compose it",
        )
    else:
        explained, step = (
            "Made by itself from what is new by then. So far that is this.",
            "Compose it yourself",
        )
    return NextEdition(
        edition=None,
        at=planned.due_at if planned else None,
        subject=document.subject if document else "",
        headlines=documents.headlines(document) if document else (),
        state="not begun",
        explained=explained,
        step=Step(step, path + ("#cadence" if planned is None else "#compose")),
    )


def _paused(edition: Edition) -> str:
    reason = edition.stop_reason or "at the desk"
    return f"Paused: {reason}" if reason.endswith((".", "!", "?")) else f"Paused: {reason}."
