"""An edition begins: its version is rendered once, and one write makes the rendition, the run and the first span.

read the content -> render, with no transaction open -> write: state (guarded), rendition, run, first chunk -> nudge
"""

import asyncio
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlmodel import Session, col

from service import logs
from service.clock import Clock
from service.database import Database
from service.delivery import canary, fence, retry
from service.editions import composition, content, occurrences, pictures, queries, versions
from service.editions.models import Cadence, Edition, Rendition, State
from service.errors import Conflict
from service.events import log as events
from service.fetching import Fetcher
from service.jobs import Jobs, Kind
from service.ledger import fanout
from service.ledger.models import Lane
from service.media import copying
from service.media.pictures import Store
from service.media.register import Wanted
from service.newsletters.models import Newsletter, UncertainPolicy
from service.rendering import body
from service.rendering.content import EditionContent
from service.rendering.rendition import Rendition as Made
from service.settings import Settings
from service.subscribers import audience

log = logs.get(__name__)

FAN_OUT = "fan-out"


class NotStartable(Conflict):
    """This edition has been started already, or cancelled."""


class ChangedMeanwhile(Conflict):
    """This edition was changed while its sending was being prepared. Look at it once more, then send it."""


class Holder(Protocol):
    """What of a process's resources is needed here."""

    @property
    def database(self) -> Database: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def fetcher(self) -> Fetcher: ...
    @property
    def media(self) -> Store: ...
    @property
    def templates(self) -> Path: ...


@dataclass(frozen=True)
class _Prepared:
    content: EditionContent
    version_id: int
    version_number: int
    newsletter_id: int
    lane: Lane = Lane.SCHEDULED
    readers: int = 0  # just before the cut-off: for the size of spans and whether there is a canary


async def launch(held: Holder, edition_uid: uuid.UUID, *, actor: str, lane: Lane = Lane.SCHEDULED) -> Edition:
    """Begin to send it. Raises NotStartable, Invalid for what cannot be sent, EditionNotFound. Twice at once: one wins.

    In the breaking lane it goes before every edition that is under way, and takes no slot of its newsletter's regular one.
    """
    prepared = await held.database.read(_prepare, edition_uid, held.settings.base_url)
    is_moved = await held.database.write(
        occurrences.date_for_now, edition_uid, held.clock.now(), is_extra=lane is Lane.BREAKING
    )
    if await _copy_pictures(held, edition_uid, prepared.content) or is_moved:
        prepared = await held.database.read(_prepare, edition_uid, held.settings.base_url)
    made = await asyncio.to_thread(body.render, prepared.content, held.templates)
    # A million is not counted in a moment, so not in the write, where nobody else could commit meanwhile.
    readers = await held.database.read(audience.count, prepared.newsletter_id)
    prepared = replace(prepared, lane=lane, readers=readers)
    edition, span_id = await held.database.write(
        _begin, edition_uid, prepared, made, now=held.clock.now(), actor=actor
    )
    if span_id is not None:
        await held.jobs.nudge(Kind.SPAN, f"span-{span_id}")
    await held.jobs.nudge(Kind.CHORE, FAN_OUT)
    log.info("edition.started", edition=str(edition_uid), version=prepared.version_number)
    return edition


async def _copy_pictures(held: Holder, edition_uid: uuid.UUID, shown: EditionContent) -> bool:
    """Those that nobody has tried to copy yet, as of an edition that was made a moment ago. Whether it has any pictures at all."""
    if not pictures.has_any(shown):
        return False
    wanted = await held.database.write(_outstanding, edition_uid, held.clock.now())
    await copying.copy_now(held, wanted)
    return True


def _outstanding(session: Session, edition_uid: uuid.UUID, now: datetime) -> list[Wanted]:
    edition = queries.get(session, edition_uid)
    return pictures.outstanding(session, edition, composition.document_of(session, edition), now=now)


def _prepare(session: Session, edition_uid: uuid.UUID, base_url: str) -> _Prepared:
    edition = queries.get(session, edition_uid)
    if edition.state not in {State.DRAFT, State.SCHEDULED}:
        raise NotStartable(
            f"This edition is {edition.state.value}; only a draft or a scheduled one can be started."
        )
    composition.check_sendable(composition.document_of(session, edition))
    return _prepared_as_it_is(session, edition_uid, base_url)


def _prepared_as_it_is(session: Session, edition_uid: uuid.UUID, base_url: str) -> _Prepared:
    edition = queries.get(session, edition_uid)
    version = versions.newest(session, edition)
    shown = content.of(session, edition, base_url=base_url)
    return _Prepared(shown, version.id, version.number, edition.newsletter_id)


def _begin(
    session: Session, edition_uid: uuid.UUID, prepared: _Prepared, made: Made, *, now: datetime, actor: str
) -> tuple[Edition, int | None]:
    edition = queries.get(session, edition_uid)
    _win(session, edition, prepared, now)
    occurrences.claim_for_now(session, edition, now)
    pictures.pin(session, edition, prepared.content.pictures)
    data = made.to_bytes()
    session.add(
        Rendition(
            edition_id=edition.id,
            version_id=prepared.version_id,
            data=data,
            sha256=made.sha256,
            html_octets=made.html_octets,
            created_at=now,
        )
    )
    newsletter = session.get_one(Newsletter, edition.newsletter_id)
    first = canary.wanted(newsletter, prepared.readers, prepared.lane)
    fanout.open_run(
        session,
        fanout.NewRun(
            edition_id=edition.id,
            newsletter_id=newsletter.id,
            expected_readers=prepared.readers,
            give_up_at=give_up_at(session, newsletter.id, now),
            holds_uncertain=newsletter.uncertain_policy is UncertainPolicy.HOLD,
            lane=prepared.lane,
            canary=first,
        ),
    )
    if first is not None:
        base_url = prepared.content.newsletter.public_url
        canary.queue_seeds(session, newsletter, edition, made, base_url=base_url, now=now)
    span_id = fanout.carry_on(session, edition.id, audience.statement)
    facts = {
        "version": prepared.version_number,
        "readers": prepared.readers,
        "rendition": made.sha256,
        "lane": prepared.lane.value,
    }
    events.record(
        session, "edition.started", actor=actor, now=now, subject=("edition", edition.uid), facts=facts
    )
    return edition, span_id


def _win(session: Session, edition: Edition, prepared: _Prepared, now: datetime) -> None:
    """Of two who start it at once, one finds the row as it was prepared; the other gets a Conflict."""
    won = (
        sa.update(Edition)
        .where(
            col(Edition.id) == edition.id,
            col(Edition.state).in_((State.DRAFT, State.SCHEDULED)),
            col(Edition.version_number) == prepared.version_number,
        )
        .values(state=State.SENDING, started_at=now, stop_reason=None)
    )
    if fence.affected(session, won) == 1:
        session.refresh(edition)
        return
    session.refresh(edition)
    raise ChangedMeanwhile if edition.state in {State.DRAFT, State.SCHEDULED} else NotStartable


def give_up_at(
    session: Session, newsletter_id: int, now: datetime, *, own_slot: timedelta = timedelta(minutes=1)
) -> datetime:
    """Never yesterday's memo after today's: the life of a message ends when the next regular edition starts.

    A run that is due within `own_slot` is this edition's own.
    """
    query = sa.select(sa.func.min(col(Cadence.next_run_at))).where(
        col(Cadence.newsletter_id) == newsletter_id, col(Cadence.next_run_at) > now + own_slot
    )
    following = session.execute(query).scalar_one_or_none()
    latest = now + retry.LIFE
    return latest if following is None else min(latest, following)
