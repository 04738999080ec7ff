"""Slow an edition down by hand: so many messages a second from all workers together, until somebody lets it go at full speed again."""

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from service.delivery import fence
from service.delivery.relay_pace import RATE_MOST
from service.editions import queries
from service.editions.models import Edition, State
from service.errors import Conflict, Invalid
from service.events import log
from service.ledger.models import Run


class NotUnderWay(Conflict):
    """Only an edition that is being sent, or is paused, can be slowed down."""


class RateInvalid(Invalid):
    """Messages a second is a whole number from 1 to 100,000."""


def read(text: str) -> int | None:
    """From a form: empty is full speed."""
    if not text.strip():
        return None
    try:
        return int(text)
    except ValueError as error:
        raise RateInvalid(field="per_second") from error


def slow(
    session: Session, edition_uid: uuid.UUID, per_second: int | None, *, now: datetime, actor: str
) -> Edition:
    """None: full speed. Felt by every worker within a second."""
    if per_second is not None and not 1 <= per_second <= RATE_MOST:
        raise RateInvalid(field="per_second")
    edition = queries.get(session, edition_uid)
    if edition.state not in (State.SENDING, State.PAUSED):
        raise NotUnderWay
    changed = sa.update(Run).where(col(Run.edition_id) == edition.id, col(Run.ended_at).is_(None))
    if not fence.affected(session, changed.values(slowed_to=per_second)):
        raise NotUnderWay
    log.record(session, "edition.slowed" if per_second else "edition.full_speed", actor=actor, now=now,
               subject=("edition", edition.uid), facts={"per_second": per_second})  # fmt: skip
    return edition
