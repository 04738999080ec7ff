"""The page of an edition that waits says why: nobody is at work, or a provider asked for a rest."""

import uuid
from datetime import timedelta

import httpx2
from sqlmodel import Session

from service import database
from service.delivery import relays
from service.delivery.models import SlowedDown
from service.dependencies import Resources
from service.desk.sending_view import NO_WORKER
from service.editions.models import Edition
from service.workers import register
from service.workers.register import Identity
from tests.service.desk import steps

WORKER = Identity(uid=uuid.UUID(int=1), name="one", host="here", pid=1, version="0")


async def _sending(ada: httpx2.AsyncClient, draft: Edition) -> str:
    path = f"/desk/editions/{draft.uid}"
    version = steps.version_on(await ada.get(f"{path}/send"))
    assert (await ada.post(f"{path}/send", data={"version": version})).status_code == 303
    return path


async def test_without_a_worker_the_page_says_so_and_promises_no_time(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = await _sending(ada, draft)
    alone = (await ada.get(path)).text
    assert NO_WORKER in alone
    assert "Done at about" not in alone
    await resources.database.write(register.beat, WORKER, {})
    assert NO_WORKER not in (await ada.get(path)).text


async def test_a_provider_that_rests_is_named_with_its_words(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = await _sending(ada, draft)

    def slow(session: Session) -> None:
        later = database.now(session) + timedelta(minutes=9)
        reason = "421 4.7.28 Our system has detected an unusual rate"
        session.add(SlowedDown(relay="main", provider="gmail.com", begins_at=later, rate=1.0, reason=reason))

    await resources.database.write(relays.note_success, "main")
    await resources.database.write(slow)
    said = (await ada.get(path)).text
    assert "gmail.com gets nothing until" in said
    assert "421 4.7.28 Our system has detected an unusual rate" in said
