import uuid
from collections.abc import Collection
from datetime import date, datetime

import sqlalchemy as sa
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from service.articles.models import Article
from service.editions import recurrence
from service.editions.models import Cadence, Edition, Fate, Occurrence, State, Version, VersionItem
from service.errors import NotFound
from service.newsletters.models import Newsletter

PUBLIC = (State.SENDING, State.SENT)
# What such an edition holds has been read, or is being read just now.
USED_UP = (State.SENDING, State.SENT, State.PAUSED)


class EditionNotFound(NotFound):
    """There is no such edition."""


def get(session: Session, uid: uuid.UUID) -> Edition:
    return _one(session.exec(select(Edition).where(Edition.uid == uid)).first())


def get_by_id(session: Session, edition_id: int) -> Edition:
    return _one(session.get(Edition, edition_id))


def lock(session: Session, edition: Edition) -> Edition:
    """The row as it is now, held until the end of the transaction, so that nobody else decides about it meanwhile."""
    query = (
        select(Edition)
        .where(Edition.id == edition.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return _one(session.exec(query).first())


def lock_newsletter(newsletter_id: int) -> SelectOfScalar[int]:
    """One at a time hands out a newsletter's slots."""
    return select(Newsletter.id).where(Newsletter.id == newsletter_id).with_for_update()


def free_slot(session: Session, newsletter_id: int, local_date: date, *, is_regular: bool) -> int:
    """A regular edition takes the first slot of that date that the cadence still has open; any other one stays out of them."""
    taken = set(
        session.exec(
            select(Edition.slot).where(
                Edition.newsletter_id == newsletter_id, Edition.local_date == local_date
            )
        )
    )
    ended = select(Occurrence.slot).where(
        Occurrence.newsletter_id == newsletter_id, Occurrence.local_date == local_date
    )
    taken |= set(session.exec(ended))
    kept = [
        cadence.slot
        for cadence in cadences_of(session, newsletter_id)
        if cadence.slot not in taken and _is_to_come(cadence, local_date)
    ]
    if is_regular and kept:
        return kept[0]
    return next(number for number in range(1, 10_000) if number not in taken and number not in kept)


def newsletter_of(session: Session, edition: Edition) -> Newsletter:
    newsletter = session.get(Newsletter, edition.newsletter_id)
    assert newsletter is not None  # a foreign key holds it
    return newsletter


def for_newsletter(
    session: Session, newsletter_id: int, *, after: int | None = None, limit: int = 50
) -> list[Edition]:
    """Newest made first; `after` is the id of the last one on the page before."""
    query = select(Edition).where(Edition.newsletter_id == newsletter_id)
    if after:
        query = query.where(col(Edition.id) < after)
    return list(session.exec(query.order_by(col(Edition.id).desc()).limit(limit)))


def find_by_date(session: Session, newsletter_id: int, local_date: date, slot: int) -> Edition | None:
    query = select(Edition).where(
        Edition.newsletter_id == newsletter_id, Edition.local_date == local_date, Edition.slot == slot
    )
    return session.exec(query).first()


def public_by_date(session: Session, newsletter_id: int, local_date: date, slot: int = 1) -> Edition:
    """For readers' pages: what is not out, or has been called off, does not exist there."""
    edition = find_by_date(session, newsletter_id, local_date, slot)
    return _one(edition if edition is not None and _is_public(edition) else None)


def public_editions(
    session: Session, newsletter_id: int, *, limit: int = 50, offset: int = 0
) -> list[Edition]:
    query = select(Edition).where(
        Edition.newsletter_id == newsletter_id, col(Edition.started_at).is_not(None), _public()
    )
    newest_first = query.order_by(col(Edition.local_date).desc(), col(Edition.slot).desc())
    return list(session.exec(newest_first.limit(limit).offset(offset)))


def next_planned(session: Session, newsletter_id: int) -> Edition | None:
    """The scheduled edition that leaves first."""
    query = select(Edition).where(Edition.newsletter_id == newsletter_id, Edition.state == State.SCHEDULED)
    return session.exec(query.order_by(col(Edition.scheduled_at), col(Edition.id)).limit(1)).first()


def drafts(session: Session, newsletter_id: int, *, limit: int = 50) -> list[Edition]:
    query = select(Edition).where(Edition.newsletter_id == newsletter_id, Edition.state == State.DRAFT)
    return list(
        session.exec(query.order_by(col(Edition.local_date), col(Edition.slot), col(Edition.id)).limit(limit))
    )


def last_out(session: Session, newsletter_id: int, *, slots: Collection[int] = ()) -> Edition | None:
    """The edition that went out last; given slots, the last that went out in one of them or was automatic."""
    query = select(Edition).where(
        Edition.newsletter_id == newsletter_id,
        col(Edition.state).in_(USED_UP),
        col(Edition.started_at).is_not(None),
    )
    if slots:
        query = query.where(sa.or_(col(Edition.slot).in_(slots), col(Edition.is_automatic)))
    newest_first = query.order_by(col(Edition.started_at).desc(), col(Edition.id).desc())
    return session.exec(newest_first.limit(1)).first()


def follower(session: Session, edition: Edition) -> Edition | None:
    """A regular edition that began to leave after this one; without a cadence every edition counts as regular."""
    later = select(Edition).where(
        Edition.newsletter_id == edition.newsletter_id, col(Edition.started_at) > edition.started_at
    )
    cadences = cadences_of(session, edition.newsletter_id)
    for one in session.exec(later.order_by(col(Edition.started_at), col(Edition.id))):
        weekday = recurrence.NAMES[one.local_date.weekday()]
        is_in_time = (c.slot == one.slot and weekday in c.weekdays.split(",") for c in cadences)
        if not cadences or one.is_automatic or any(is_in_time):
            return one
    return None


def unused_articles(
    session: Session, newsletter_id: int, *, since: datetime | None, limit: int
) -> list[Article]:
    """Taken in later than `since`, and placed by no edition that is out. Newest first."""
    used = (
        select(VersionItem.article_id)
        .join(Version, col(Version.id) == VersionItem.version_id)
        .join(Edition, col(Edition.id) == Version.edition_id)
        .where(
            Edition.newsletter_id == newsletter_id,
            Version.number == Edition.version_number,
            col(Edition.state).in_(USED_UP),
        )
    )
    query = select(Article).where(Article.newsletter_id == newsletter_id, col(Article.id).not_in(used))
    if since is not None:
        query = query.where(col(Article.first_seen_at) > since)
    newest_first = query.order_by(col(Article.published_at).desc(), col(Article.id).desc())
    return list(session.exec(newest_first.limit(limit)))


def cadences_of(session: Session, newsletter_id: int) -> list[Cadence]:
    query = select(Cadence).where(Cadence.newsletter_id == newsletter_id).order_by(col(Cadence.slot))
    return list(session.exec(query))


def cadence_of(session: Session, newsletter_id: int, slot: int) -> Cadence | None:
    query = select(Cadence).where(Cadence.newsletter_id == newsletter_id, Cadence.slot == slot)
    return session.exec(query).first()


def cadences_due(session: Session, now: datetime) -> list[Cadence]:
    """Locked; those that another process is just working on are left to it."""
    query = select(Cadence).where(col(Cadence.next_run_at) <= now).order_by(col(Cadence.next_run_at))
    return list(session.exec(query.with_for_update(skip_locked=True)))


def editions_due(session: Session, now: datetime) -> list[Edition]:
    """Locked as above. An edition whose slot is claimed for it is on its way already."""
    query = (
        select(Edition)
        .where(Edition.state == State.SCHEDULED, col(Edition.scheduled_at) <= now, ~_is_claimed())
        .order_by(col(Edition.scheduled_at), col(Edition.id))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(session.exec(query))


def claims_left(session: Session, before: datetime) -> list[tuple[Occurrence, Edition]]:
    """Editions whose slot was claimed for them by then, and that have not begun to leave since. Locked as above."""
    query = (
        select(Occurrence, Edition)
        .where(*_never_begun(before))
        .order_by(col(Occurrence.id))
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(session.exec(query).all())


def has_claims_left(session: Session, before: datetime) -> bool:
    return session.exec(select(Occurrence.id).where(*_never_begun(before)).limit(1)).first() is not None


def _never_begun(before: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        col(Occurrence.edition_id) == col(Edition.id),
        col(Occurrence.fate) == Fate.EDITION,
        col(Occurrence.at) <= before,
        col(Edition.state).in_((State.DRAFT, State.SCHEDULED)),
    )


def next_due_at(session: Session) -> datetime | None:
    """The next moment at which `occurrences.plan` has something to do."""
    cadence = session.exec(select(Cadence.next_run_at).order_by(col(Cadence.next_run_at)).limit(1)).first()
    planned = session.exec(
        select(Edition.scheduled_at)
        .where(Edition.state == State.SCHEDULED, ~_is_claimed())
        .order_by(col(Edition.scheduled_at))
        .limit(1)
    ).first()
    return min((moment for moment in (cadence, planned) if moment is not None), default=None)


def _is_claimed() -> sa.ColumnElement[bool]:
    return (
        sa.select(col(Occurrence.id))
        .where(
            col(Occurrence.newsletter_id) == col(Edition.newsletter_id),
            col(Occurrence.local_date) == col(Edition.local_date),
            col(Occurrence.slot) == col(Edition.slot),
            col(Occurrence.fate) == Fate.EDITION,
        )
        .exists()
    )


def occurrence(session: Session, newsletter_id: int, local_date: date, slot: int) -> Occurrence | None:
    query = select(Occurrence).where(
        Occurrence.newsletter_id == newsletter_id,
        Occurrence.local_date == local_date,
        Occurrence.slot == slot,
    )
    return session.exec(query.execution_options(populate_existing=True)).first()


def is_claimed_for(session: Session, edition: Edition) -> bool:
    """Whether it is on its way already: its slot has been given to it."""
    slot = occurrence(session, edition.newsletter_id, edition.local_date, edition.slot)
    return slot is not None and slot.fate is Fate.EDITION and slot.edition_id == edition.id


def occurrences(session: Session, newsletter_id: int, *, limit: int = 30) -> list[Occurrence]:
    """What became of the latest slots, newest first."""
    query = select(Occurrence).where(Occurrence.newsletter_id == newsletter_id)
    return list(
        session.exec(
            query.order_by(col(Occurrence.local_date).desc(), col(Occurrence.slot).desc()).limit(limit)
        )
    )


def is_kept(session: Session, edition: Edition) -> bool:
    """Whether its slot is one that a cadence is still to fill."""
    return any(
        cadence.slot == edition.slot and _is_to_come(cadence, edition.local_date)
        for cadence in cadences_of(session, edition.newsletter_id)
    )


def _is_to_come(cadence: Cadence, local_date: date) -> bool:
    weekday = recurrence.NAMES[local_date.weekday()]
    return cadence.next_date <= local_date and weekday in cadence.weekdays.split(",")


def _is_public(edition: Edition) -> bool:
    return edition.state in PUBLIC or (edition.state is State.PAUSED and edition.started_at is not None)


def _public() -> sa.ColumnElement[bool]:
    return col(Edition.state).in_((*PUBLIC, State.PAUSED))


def _one(edition: Edition | None) -> Edition:
    if edition is None:
        raise EditionNotFound
    return edition
