"""What a proof says before its rows: which edition, its audience, its times, its renditions, its totals. Read in one go.

The totals come from one statement, so they are of one moment; they must be as many as the fan-out numbered, or there is no proof.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service.editions import composition, queries
from service.editions.models import Edition, Rendition, Version
from service.errors import Conflict
from service.ledger import lines
from service.ledger.lines import Totals
from service.ledger.models import Run
from service.newsletters import publication

BOUNCES_SETTLE = timedelta(seconds=10)  # one that is being written down right now is in the next proof


class NothingToProve(Conflict):
    """This edition has not begun to leave, so there is nothing to prove yet."""


class DoesNotAddUp(Conflict):
    """The ledger of this edition does not add up, so no proof of it is made."""


@dataclass(frozen=True)
class Rendered:
    """One rendition that was sent: the message as bytes with holes for personal values, and the version it shows."""

    sha256: str
    made_at: datetime
    version: int
    version_sha256: str


@dataclass(frozen=True)
class Facts:
    edition_id: int
    newsletter_slug: str
    newsletter_name: str
    time_zone: str
    uid: uuid.UUID
    local_date: date
    slot: int
    subject: str
    standing: str
    cutoff_at: datetime
    started_at: datetime
    ended_at: datetime | None
    is_final: bool
    totals: Totals
    renditions: tuple[Rendered, ...]
    rendition_numbers: Mapping[int, int]  # from a row's pin to a place in `renditions`, counted from 1
    made_at: datetime
    summarised_at: datetime | None = None  # its rows are not kept any more; its proof is

    @property
    def bounced_until(self) -> datetime:
        return self.made_at - BOUNCES_SETTLE


def of(session: Session, edition_uid: uuid.UUID, *, now: datetime) -> Facts:
    """Raises EditionNotFound, NothingToProve, DoesNotAddUp."""
    edition = queries.get(session, edition_uid)
    run = session.get(Run, edition.id)
    if run is None:
        raise NothingToProve
    numbered, totals = lines.count(session, edition.id, bounced_until=now - BOUNCES_SETTLE)
    if totals.audience != numbered:
        raise DoesNotAddUp(
            f"{numbered} readers were numbered and {totals.audience} are in the ledger. No proof is made of an edition "
            "that does not add up; compare the database with a backup."
        )
    newsletter = publication.get_by_id(session, edition.newsletter_id)
    found = _renditions(session, edition)
    return Facts(
        edition_id=edition.id,
        newsletter_slug=newsletter.slug,
        newsletter_name=newsletter.name,
        time_zone=newsletter.time_zone,
        uid=edition.uid,
        local_date=edition.local_date,
        slot=edition.slot,
        subject=composition.document_of(session, edition).subject,
        standing=edition.standing,
        cutoff_at=run.cutoff_at,
        started_at=run.started_at,
        ended_at=run.ended_at,
        is_final=run.ended_at is not None and run.is_fanned_out and not totals.open,
        totals=totals,
        renditions=tuple(found.values()),
        rendition_numbers={pin: number for number, pin in enumerate(found, 1)},
        made_at=now,
        summarised_at=run.summarised_at,
    )


def _renditions(session: Session, edition: Edition) -> dict[int, Rendered]:
    query = (
        sa.select(
            col(Rendition.id), col(Rendition.sha256), col(Rendition.created_at), col(Version.number), col(Version.sha256)
        )
        .join(Version, col(Version.id) == col(Rendition.version_id))
        .where(col(Rendition.edition_id) == edition.id)
        .order_by(col(Rendition.id))
    )  # fmt: skip
    return {pin: Rendered(*rest) for pin, *rest in session.execute(query)}
