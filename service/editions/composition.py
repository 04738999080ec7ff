"""Makes an edition and changes what is in it: each change is a new version, and an edition that has left is not changed."""

from datetime import date, datetime
from typing import Literal, NamedTuple, TypeAlias

from sqlmodel import Session

from service.articles.models import Article
from service.editions import layout, placeholders, queries, recurrence, versions
from service.editions.models import Edition, State, Version
from service.errors import Conflict, Invalid
from service.events import log
from service.newsletters.models import Newsletter
from service.rendering.blocks import Document, Masthead, Person, Staff

Place: TypeAlias = Literal["lead", "item", "brief"]

_WHY_NOT = {
    State.SENDING: "It is being sent. Pause or cancel it first; what readers already have cannot be changed.",
    State.PAUSED: "It has been sent to some readers already; make a new edition for what has changed.",
    State.SENT: "It has been sent. Make a new edition for what has changed.",
    State.CANCELLED: "It has been cancelled. Make a new edition.",
}


class Slot(NamedTuple):
    """A place for one edition: the second of a local date has number 2."""

    local_date: date
    number: int


class EditionClosed(Conflict):
    """This edition cannot be changed any more."""


class SlotTaken(Conflict):
    """There is another edition for this date and slot; change that one, or choose another slot."""


class NotSendable(Invalid):
    """This edition cannot be sent as it is."""


def start(
    session: Session,
    newsletter: Newsletter,
    *,
    now: datetime,
    actor: str,
    local_date: date | Slot | None = None,
    document: Document | None = None,
) -> Edition:
    """A draft. With a date it is that day's regular edition, if a regular slot of it is still open; without one it is an
    edition of its own for today, beside the regular ones. A `Slot` names the place exactly.
    """
    if document is not None:
        placeholders.check(document)
    session.exec(queries.lock_newsletter(newsletter.id)).one()
    place = _place(session, newsletter, local_date, now)
    if queries.find_by_date(session, newsletter.id, place.local_date, place.number) is not None:
        raise SlotTaken
    edition = Edition(
        newsletter_id=newsletter.id,
        local_date=place.local_date,
        slot=place.number,
        state=State.DRAFT,
        created_at=now,
    )
    session.add(edition)
    session.flush()
    versions.add(session, edition, document or blank(newsletter), author=actor, now=now)
    _record(session, edition, "edition.created", actor, now)
    return edition


def _place(session: Session, newsletter: Newsletter, wanted: date | Slot | None, now: datetime) -> Slot:
    if isinstance(wanted, Slot):
        return wanted
    day = wanted or today(newsletter, now)
    return Slot(day, queries.free_slot(session, newsletter.id, day, is_regular=wanted is not None))


def include(
    session: Session, edition: Edition, article: Article, *, place: Place, now: datetime, actor: str
) -> Version:
    """Place an article, moving it if it is there already: no article stands twice in one edition."""
    if article.newsletter_id != edition.newsletter_id:
        raise Invalid(
            "This article belongs to another newsletter; add it to this one first.", field="article"
        )
    newsletter = queries.newsletter_of(session, edition)
    document = layout.placed(document_of(session, edition), article, place)
    if place == "lead" and document.subject == newsletter.name:
        document = layout.named_after(document, article)
    return replace(session, edition, document, now=now, actor=actor)


def replace(session: Session, edition: Edition, document: Document, *, now: datetime, actor: str) -> Version:
    held = queries.lock(session, edition)
    check_open(held)
    placeholders.check(document)
    if held.state is State.SCHEDULED:
        check_sendable(document)
    before = held.version_number
    version = versions.add(session, held, document, author=actor, now=now)
    if version.number != before:
        _record(session, held, "edition.changed", actor, now, version=version.number)
    return version


def document_of(session: Session, edition: Edition) -> Document:
    return versions.document_in(versions.newest(session, edition))


def check_open(edition: Edition) -> None:
    if edition.state not in (State.DRAFT, State.SCHEDULED):
        raise EditionClosed(f"This edition cannot be changed any more. {_WHY_NOT[edition.state]}")


def check_sendable(document: Document) -> None:
    if not document.subject.strip():
        raise NotSendable("This edition has no subject; write one.", field="subject")
    if not layout.has_items(document):
        raise NotSendable(
            "This edition has nothing in it yet; add at least one item, quote, note or brief.", field="blocks"
        )
    placeholders.check(document)


def blank(newsletter: Newsletter) -> Document:
    """The frame that every edition of a newsletter has. Its subject waits for the first lead."""
    return Document(subject=newsletter.name, blocks=[Masthead(), *staff_block(newsletter)])


def staff_block(newsletter: Newsletter) -> list[Staff]:
    people = [
        Person(name=str(one["name"]), role=one.get("role") or None)
        for one in newsletter.staff
        if str(one.get("name") or "").strip()
    ]
    return [Staff(people=people)] if people else []


def today(newsletter: Newsletter, now: datetime) -> date:
    return now.astimezone(recurrence.read_zone(newsletter.time_zone)).date()


def move(session: Session, edition: Edition, day: date, *, is_regular: bool) -> None:
    """An edition bears the date of the day on which it leaves, in its newsletter's zone; give it a slot of that day."""
    if edition.local_date != day:
        _settle(session, edition, day, is_regular=is_regular)


def make_extra(session: Session, edition: Edition) -> None:
    """Out of the slot that its newsletter's regular edition of that day is to have."""
    _settle(session, edition, edition.local_date, is_regular=False)


def _settle(session: Session, edition: Edition, day: date, *, is_regular: bool) -> None:
    session.exec(queries.lock_newsletter(edition.newsletter_id)).one()
    edition.slot = queries.free_slot(session, edition.newsletter_id, day, is_regular=is_regular)
    edition.local_date = day
    session.add(edition)
    session.flush()


def _record(
    session: Session, edition: Edition, name: str, actor: str, now: datetime, **facts: int | str
) -> None:
    told = {"date": edition.local_date.isoformat(), "slot": edition.slot, **facts}
    log.record(session, name, actor=actor, now=now, subject=("edition", edition.uid), facts=told)
