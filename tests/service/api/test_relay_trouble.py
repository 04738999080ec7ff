"""NB-35: while the relay cannot be reached, whoever asks how an edition stands hears why nothing leaves."""

import asyncio
from typing import Any

import httpx2
from sqlmodel import Session, func, select

from service.delivery import steering
from service.dependencies import Resources
from service.suppressions.models import Suppression
from tests.support.outbox import Outbox, office, open_outbox, relay_at, sending
from tests.support.relay import Relay

READERS = [f"reader{number}@example.org" for number in range(30)]


async def test_nb_35_progress_says_why_nothing_leaves_and_it_goes_on_by_itself(
    resources: Resources, api: httpx2.AsyncClient, relay: Relay
) -> None:
    outbox = await open_outbox(resources, READERS)
    await relay.stop()
    async with sending(office(resources, relay_at(relay.url))):
        first = await _until_failures(api, outbox, 1)
        later = await _until_failures(api, outbox, 3)
        assert "MEMO_RELAY_URL" in later["relay"]["problem"]
        assert later["relay"]["since"] == first["relay"]["since"]
        assert (later["state"], later["queued"], later["audience"]) == ("sending", 30, 30)
        await relay.start()
        await outbox.until_ended(within=90)
    over = await _progress(api, outbox)
    assert (over["standing"], over["accepted"], over["relay"]) == ("sent", 30, None)
    assert {row.attempts for row in (await outbox.rows()).values()} == {1}
    assert await resources.database.read(_suppressions) == 0


async def test_nb_35_a_paused_edition_says_so_too_and_an_ended_one_does_not(
    resources: Resources, api: httpx2.AsyncClient, relay: Relay
) -> None:
    outbox = await open_outbox(resources, READERS)
    now, uid = resources.clock.now(), outbox.edition.uid
    await relay.stop()
    async with sending(office(resources, relay_at(relay.url))):
        await _until_failures(api, outbox, 1)
        await resources.database.write(steering.pause, uid, reason="no relay", now=now, actor="test")
        assert (await _progress(api, outbox))["relay"] is not None
        await resources.database.write(steering.cancel, uid, now=now, actor="test")
        await outbox.until_ended(within=90)
    found = await _progress(api, outbox)
    assert (found["cancelled"], found["relay"]) == (30, None)


async def _progress(api: httpx2.AsyncClient, outbox: Outbox) -> dict[str, Any]:
    answer = await api.get(f"/editions/{outbox.edition.uid}/progress")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _until_failures(api: httpx2.AsyncClient, outbox: Outbox, count: int) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while not (found := await _progress(api, outbox))["relay"] or found["relay"]["failures"] < count:
            await asyncio.sleep(0.05)
    return found


def _suppressions(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Suppression)).one()
