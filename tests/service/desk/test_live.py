import asyncio
import re
from datetime import timedelta

import httpx2
from sqlmodel import Session, select

from service import database
from service.delivery import relays
from service.dependencies import Resources
from service.editions.models import Edition, State
from service.ledger import tallies
from service.ledger.models import Delivery, DeliveryState, Span
from tests.service.desk import steps
from tests.support.clock import HandClock


async def _sending(ada: httpx2.AsyncClient, draft: Edition) -> None:
    version = steps.version_on(await ada.get(f"/desk/editions/{draft.uid}/send"))
    answer = await ada.post(f"/desk/editions/{draft.uid}/send", data={"version": version})
    assert answer.status_code == 303, answer.text


async def _end(resources: Resources, edition: Edition, *, count: int) -> None:
    """As the worker records it: so many accepted; the edition is sent when none is left."""

    def record(session: Session) -> None:
        rows = session.exec(select(Delivery).where(Delivery.edition_id == edition.id)).all()
        for row in rows[:count]:
            row.state, row.at, row.attempts = DeliveryState.ACCEPTED, database.now(session), 1
            row.reply = "250 2.0.0 Ok: queued"
            session.add(row)
        session.flush()
        tallies.write(session, session.exec(select(Span).where(Span.edition_id == edition.id)).one())
        if count >= len(rows):
            held = session.get_one(Edition, edition.id)
            held.state = State.SENT
            session.add(held)

    await resources.database.write(record)


async def test_figures_add_up_on_the_page_and_in_the_fragment(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    await _sending(ada, draft)
    await _end(resources, draft, count=2)
    fragment = await ada.get(f"/desk/editions/{draft.uid}/progress")
    assert fragment.status_code == 200
    assert "<html" not in fragment.text
    assert "2 of 3" in fragment.text
    numbers = [int(one) for one in re.findall(r"<dd>(\d+)</dd>", fragment.text)]
    assert sum(numbers[:-1]) == numbers[-1] == 3
    page = await ada.get(f"/desk/editions/{draft.uid}")
    assert "2 of 3" in page.text
    assert "Reload the figures" in page.text
    assert f'hx-sse:connect="/desk/editions/{draft.uid}/events?shown=sending"' in page.text


async def test_the_stream_tells_the_figures_and_ends_with_the_edition(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, clock: HandClock
) -> None:
    await _sending(ada, draft)
    stream = asyncio.create_task(ada.get(f"/desk/editions/{draft.uid}/events"))
    for done in (1, 3):
        await clock.until_somebody_sleeps()
        await _end(resources, draft, count=done)
        clock.advance(timedelta(seconds=1))
    answer = await asyncio.wait_for(stream, 10)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    seen = re.findall(r"(\d) of 3", answer.text)
    assert seen == ["0", "1", "3"]
    assert "event: done" in answer.text
    assert clock.sleeper_count == 0


async def test_the_stream_ends_when_the_page_shows_another_state(
    ada: httpx2.AsyncClient, draft: Edition, clock: HandClock
) -> None:
    await _sending(ada, draft)
    stream = asyncio.create_task(ada.get(f"/desk/editions/{draft.uid}/events?shown=sending"))
    await clock.until_somebody_sleeps()
    await ada.post(f"/desk/editions/{draft.uid}/pause", data={"reason": "a wrong link"})
    clock.advance(timedelta(seconds=1))
    answer = await asyncio.wait_for(stream, 10)
    assert "a wrong link" in answer.text
    assert "event: done" in answer.text


async def test_two_viewers_are_served_by_one_reading_loop(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, clock: HandClock
) -> None:
    await _sending(ada, draft)
    path = f"/desk/editions/{draft.uid}/events"
    streams = [asyncio.create_task(ada.get(path)) for _ in range(2)]
    await clock.until_somebody_sleeps()
    await asyncio.sleep(0.1)
    assert clock.sleeper_count == 1
    await _end(resources, draft, count=3)
    clock.advance(timedelta(seconds=1))
    answers = await asyncio.wait_for(asyncio.gather(*streams), 10)
    assert all("3 of 3" in answer.text for answer in answers)


async def test_a_stream_that_may_not_be_seen_says_so_without_a_form(
    client: httpx2.AsyncClient, draft: Edition
) -> None:
    answer = await client.get(f"/desk/editions/{draft.uid}/events")
    assert (answer.status_code, answer.text) == (401, "")


async def test_nb_35_the_page_says_that_the_relay_does_not_answer_and_since_when(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    await _sending(ada, draft)
    await resources.database.write(relays.note_problem, "relay.example.net:25", "connection refused")
    for path in ("/desk", f"/desk/editions/{draft.uid}", f"/desk/editions/{draft.uid}/progress"):
        page = await ada.get(path)
        assert "The relay does not take messages since" in page.text, path
        assert "connection refused" in page.text
        assert "3 messages wait" in page.text
    await resources.database.write(relays.note_success, "relay.example.net:25")
    assert "does not take messages" not in (await ada.get("/desk")).text
