"""A reader's standing: what became of the last editions for them, out of the ledger."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service.bounces.findings import Kind
from service.bounces.strikes import Fate, Try
from service.delivery import outcome
from service.ledger.models import Bounced, Delivery, DeliveryState, Run

LOOKED_BACK = timedelta(days=60)
EDITIONS_MOST = 200
_COUNTS = (Kind.STRIKE.value, Kind.PERMANENT.value)


def of(session: Session, subscriber_id: int, *, now: datetime) -> list[Try]:
    """By edition, without order. One row for each edition, found by the ledger's own key."""
    recent = (
        sa.select(col(Run.edition_id))
        .where(col(Run.started_at) >= now - LOOKED_BACK)
        .order_by(col(Run.edition_id).desc())
        .limit(EDITIONS_MOST)
    )
    editions = list(session.execute(recent).scalars())
    came_back = sa.and_(
        col(Bounced.edition_id) == col(Delivery.edition_id), col(Bounced.number) == col(Delivery.number)
    )
    query = (
        sa.select(
            col(Delivery.edition_id), col(Delivery.at), col(Delivery.state), col(Delivery.reply), col(Bounced.kind)
        )
        .outerjoin(Bounced, came_back)
        .where(col(Delivery.edition_id).in_(editions), col(Delivery.subscriber_id) == subscriber_id)
    )  # fmt: skip
    return [
        Try(edition_id, at or now, _fate(state, reply or "", kind))
        for edition_id, at, state, reply, kind in session.execute(query)
    ]


def _fate(state: DeliveryState, reply: str, kind: str | None) -> Fate:
    if kind is not None:
        return Fate.FAILED if kind in _COUNTS else Fate.NEITHER
    if state is DeliveryState.ACCEPTED:
        return Fate.ARRIVED
    if state in {DeliveryState.REFUSED, DeliveryState.EXPIRED}:
        return Fate.FAILED if outcome.strikes_the_reader(outcome.of_recorded(reply)) else Fate.NEITHER
    return Fate.NEITHER
