"""How an edition begins at the desk: by a rhythm that an editor sets, from what is new, or from articles picked by hand."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from service.articles import queries as articles
from service.articles.models import Article
from service.editions import automatic, composition, queries, recurrence, rhythm, timing
from service.editions.models import Cadence, Edition
from service.editions.rhythm import Rhythm
from service.errors import Conflict, Invalid
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document, Lead

WEEKDAYS = recurrence.NAMES
DATES_SHOWN = 5
USUAL = Rhythm("mon,tue,wed,thu,fri", "06:00")


class NothingChosen(Invalid):
    """Please tick at least one article first."""


class NothingNew(Conflict):
    """No article is new since the last edition. Add one by its address, or choose articles from the list."""


def rhythm_of(cadence: Cadence | None) -> Rhythm:
    if cadence is None:
        return USUAL
    return Rhythm(cadence.weekdays, f"{cadence.local_time:%H:%M}", cadence.is_automatic, cadence.slot)


def next_dates(wanted: Rhythm, zone: str, now: datetime) -> list[datetime]:
    dates = rhythm.dates_before_saving(wanted, zone, now=now, count=DATES_SHOWN)
    return [moment for _, moment in dates]


def keep_rhythm(session: Session, slug: str, wanted: Rhythm, *, now: datetime, actor: str) -> str:
    newsletter = publication.get(session, slug)
    cadence = rhythm.set_cadence(session, newsletter, wanted, now=now, actor=actor)
    return f"The cadence is saved. Next: {timing.said(cadence.next_run_at, newsletter.time_zone)}."


def from_latest(session: Session, slug: str, *, now: datetime, actor: str) -> UUID:
    """A draft of what an automatic edition would be now."""
    newsletter = publication.get(session, slug)
    document = automatic.compose(session, newsletter)
    if document is None:
        raise NothingNew
    return _started(session, newsletter, document, now=now, actor=actor).uid


def from_chosen(
    session: Session, slug: str, chosen: Sequence[UUID], into: str, *, now: datetime, actor: str
) -> UUID:
    """These articles, in the order of the page; into a draft that is there, or a new one. The first leads, if nothing does."""
    newsletter = publication.get(session, slug)
    found = _in_order(session, newsletter, chosen)
    edition = _wanted(session, newsletter, into, now=now, actor=actor)
    blocks = composition.document_of(session, edition).blocks
    has_lead = any(isinstance(block, Lead) for block in blocks)
    for number, article in enumerate(found):
        is_lead = number == 0 and not has_lead
        composition.include(
            session, edition, article, place="lead" if is_lead else "item", now=now, actor=actor
        )
    return edition.uid


def _wanted(session: Session, newsletter: Newsletter, into: str, *, now: datetime, actor: str) -> Edition:
    if not into:
        return _started(session, newsletter, None, now=now, actor=actor)
    return queries.get(session, _uid(into))


def _started(
    session: Session, newsletter: Newsletter, document: Document | None, *, now: datetime, actor: str
) -> Edition:
    """For the next regular date, so that it takes the place of the automatic one; beside it, if that has begun already."""
    rhythms = queries.cadences_of(session, newsletter.id)
    following = min(rhythms, key=lambda one: one.next_run_at, default=None)
    place = None
    if following is not None:
        taken = queries.find_by_date(session, newsletter.id, following.next_date, following.slot)
        place = composition.Slot(following.next_date, following.slot) if taken is None else None
    return composition.start(session, newsletter, now=now, actor=actor, local_date=place, document=document)


def _in_order(session: Session, newsletter: Newsletter, chosen: Sequence[UUID]) -> list[Article]:
    by_uid = {article.uid: article for article in articles.by_uids(session, newsletter.id, chosen)}
    found = [by_uid[uid] for uid in chosen if uid in by_uid]
    if not found:
        raise NothingChosen
    return found


def _uid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NothingChosen("Please choose into which edition they go.") from error
