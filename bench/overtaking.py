"""Breaking news in the midst of a large edition, and somebody who signs up in the midst of both: how long does each wait?

Both editions are for all readers. Seconds are from asking, by the ledger's own times, which are the relay's answers.
"""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlmodel import Session, col

from bench import ledger, product
from bench.bases import Base
from bench.product import LOOK_EVERY, Order
from service.clock import SystemClock
from service.demo import sample, visitor
from service.editions.models import Edition
from service.ledger.models import Delivery, DeliveryState

CONNECTIONS = 40
WITHIN = 60.0
DOCUMENT = {
    "subject": "The harbour bridge is closed",
    "blocks": [{"kind": "masthead"}, {"kind": "note", "text_markdown": "Both lanes, until further notice."}],
}


@dataclass(frozen=True)
class Overtaken:
    first_s: float
    notice_s: float


async def measure(base: Base, order: Order) -> Overtaken:
    """Raises NotStarted, TimeoutError."""
    async with (
        base.copy(order.readers) as copy,
        product.opened(copy.url) as held,
        product.serving(copy, order) as (process, base_url),
    ):
        urgent = await _made(base_url, copy.prepared.api_key)
        await product.start(base_url, copy)
        await product.until(held, process, order, ledger.is_past, order.readers // 5)
        asked_at = SystemClock().now()
        await product.start(base_url, copy, urgent, lane="breaking")
        async with asyncio.timeout(WITHIN):
            while (first_at := await held.read(_first_accept, urgent)) is None:
                await asyncio.sleep(LOOK_EVERY)
        notice_s = await product.signed_up(held, base_url)
        if not await held.read(_is_open, copy.prepared.edition_uid):
            raise TimeoutError("the large edition was over before anything could overtake it")
    return Overtaken((first_at - asked_at).total_seconds(), notice_s)


async def _made(base_url: str, key: str) -> uuid.UUID:
    asked = {"newsletter": sample.SLUG, "document": DOCUMENT}
    answer = await visitor.post_json(
        f"{base_url}/api/v1/editions", asked, key=key, idempotency_key=uuid.uuid4().hex
    )
    if answer.status != 201:
        raise product.NotStarted(f"The breaking edition was not made: {answer.status} {answer.text[:300]}")
    return uuid.UUID(answer.json()["uid"])


def _first_accept(session: Session, uid: uuid.UUID) -> datetime | None:
    query = sa.select(sa.func.min(col(Delivery.at))).where(
        col(Delivery.edition_id) == _edition(uid), col(Delivery.state) == DeliveryState.ACCEPTED
    )
    found: datetime | None = session.execute(query).scalar_one()
    return found


def _is_open(session: Session, uid: uuid.UUID) -> bool:
    query = sa.select(col(Delivery.number)).where(
        col(Delivery.edition_id) == _edition(uid), col(Delivery.state) == DeliveryState.QUEUED
    )
    return session.execute(query.limit(1)).first() is not None


def _edition(uid: uuid.UUID) -> sa.ScalarSelect[int]:
    return sa.select(col(Edition.id)).where(col(Edition.uid) == uid).scalar_subquery()
