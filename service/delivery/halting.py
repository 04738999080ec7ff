"""An edition stops itself: paused with the reason, and the newsroom hears of it. At ten to six nobody may be looking at the desk."""

import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from service.delivery import steering
from service.delivery.steering import NotSending
from service.editions.models import Edition
from service.ledger import alarms
from service.ledger.models import Run
from service.newsletters import publication

SENDER = "the sender"
STOPPED = "sending has stopped"
REASON_CHARACTERS = 500


@dataclass(frozen=True)
class Halt:
    """`reason` without a full stop. `wave` names a refusal that was ours: its readers are tried again when it is resumed. `turn`: of the
    run that it was found in; what is known of one that somebody has resumed since says nothing of what was mended.
    """

    reason: str
    actor: str
    turn: int | None = None
    wave: str | None = None
    subject: str = STOPPED


def halt(session: Session, edition_uid: uuid.UUID, found: Halt, *, now: datetime) -> None:
    """Raises NotSending if somebody was faster."""
    if found.turn is not None:
        run = sa.select(col(Run.turn)).join(Edition, col(Edition.id) == col(Run.edition_id))
        if session.scalar(run.where(col(Edition.uid) == edition_uid).with_for_update(of=Run)) != found.turn:
            raise NotSending("Somebody has steered this edition meanwhile.")
    short = found.reason[:REASON_CHARACTERS]
    edition = steering.pause(session, edition_uid, reason=short, now=now, actor=found.actor, wave=found.wave)
    newsletter = publication.get_by_id(session, edition.newsletter_id)
    subject, path = f"{newsletter.name}: {found.subject}", f"/desk/editions/{edition.uid}"
    alarms.ring(session, newsletter, subject=subject, text=f"{found.reason.rstrip('.')}.", path=path, now=now)
