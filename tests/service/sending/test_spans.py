"""Which span is taken next, and what becomes of one whose senders die."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col

from service.delivery import choosing, recording, spans
from service.delivery.fence import Take
from service.delivery.recording import Recorded, SpanBatch
from service.delivery.spans import Pinning
from service.dependencies import Resources
from service.ledger.models import DeliveryState, Span
from tests.support.outbox import open_outbox

READERS = [f"reader{number}@example.org" for number in range(150)]
PINNING = Pinning(datetime(2026, 3, 2, 6, tzinfo=UTC), "the key")


async def take(resources: Resources) -> Take | None:
    return await resources.database.write(
        spans.take, holder="one", relay="relay:25", pinning=PINNING, uncertain_wait=timedelta(seconds=1)
    )


def holders_die(session: Session, deaths: int) -> None:
    """As after so many crashes of whoever held a span."""
    held = col(Span.renewed_at).is_not(None)
    session.execute(sa.update(Span).where(held).values(renewed_at=None, deaths=deaths))


async def test_a_span_that_lost_its_sender_is_taken_after_the_others(resources: Resources) -> None:
    await open_outbox(resources, READERS)
    first = await take(resources)
    await resources.database.write(holders_die, 1)
    taken = [await take(resources) for _ in range(3)]
    assert first is not None
    assert [one.first for one in taken if one] == [51, 101, first.first]


async def test_five_deaths_count_only_without_progress(resources: Resources) -> None:
    outbox = await open_outbox(resources, READERS[:50])
    taken = await take(resources)
    assert taken is not None
    await resources.database.write(holders_die, spans.DEATHS_MOST - 1)
    taken = await take(resources)
    assert taken is not None
    outcome = Recorded(1, DeliveryState.ACCEPTED, 1, 0, "250 2.0.0 Taken")
    await resources.database.write(recording.commit, [SpanBatch(taken, [outcome])])
    span = await resources.database.read(Session.get_one, Span, taken.span_id)
    assert span.deaths == 0
    await resources.database.write(_stale_after_deaths, taken.span_id, spans.DEATHS_MOST - 1)
    assert await take(resources) is None
    found = await outbox.progress()
    assert (found.accepted, found.held) == (1, 49)


def _stale_after_deaths(session: Session, span_id: int, deaths: int) -> None:
    span = session.get_one(Span, span_id)
    assert span.renewed_at is not None
    span.deaths, span.renewed_at = deaths, span.renewed_at - 2 * choosing.STALE
    session.add(span)
