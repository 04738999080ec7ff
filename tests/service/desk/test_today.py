from datetime import timedelta

import httpx2
from sqlmodel import Session

from service.dependencies import Resources
from service.editions.models import Edition, Fate, Occurrence
from service.newsletters.models import Newsletter
from service.suppressions import register as suppressions
from service.suppressions.models import Reason
from service.suppressions.register import Cause
from tests.service.desk import steps
from tests.support.clock import HandClock


async def test_without_a_newsletter_it_says_how_to_begin(ada: httpx2.AsyncClient) -> None:
    page = await ada.get("/desk")
    assert "No newsletter yet" in page.text
    assert "memo newsletter create" in page.text


async def test_its_address_may_be_typed_with_a_slash_at_its_end(ada: httpx2.AsyncClient) -> None:
    answer = await ada.get("/desk/")
    assert (answer.status_code, answer.headers["location"]) == (308, "/desk")


async def test_a_new_newsletter_asks_for_its_cadence(ada: httpx2.AsyncClient, memo: Newsletter) -> None:
    page = await ada.get("/desk")
    assert "Set the cadence" in page.text
    assert "0 readers" in page.text


async def test_a_draft_says_to_how_many_what_is_in_it_and_what_to_do(
    ada: httpx2.AsyncClient, draft: Edition
) -> None:
    page = await ada.get("/desk")
    for text in ("3 readers", "The ferry stays", "Rain at last", "Preview and send", "Europe/Berlin"):
        assert text in page.text
    assert f"/desk/editions/{draft.uid}" in page.text


async def test_suppressed_readers_are_not_counted_but_named(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    await resources.database.write(
        suppressions.suppress,
        "MARA@example.org",
        Cause(Reason.MANUAL, "test"),
        pepper=resources.pepper,
        now=resources.clock.now(),
    )
    page = await ada.get("/desk")
    assert "2 readers" in page.text
    assert "(1 suppressed)" in page.text
    asked = await ada.get(f"/desk/editions/{draft.uid}/send")
    assert "Send to 2 readers now" in asked.text


async def test_what_did_not_run_is_shown_with_its_reason(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    now = clock.now()

    def record(session: Session) -> None:
        for days, fate, reason in (
            (1, Fate.SKIPPED, "Nothing new since the last edition."),
            (2, Fate.MISSED, "The service was not running."),
            (30, Fate.MISSED, "Long ago."),
        ):
            due = now - timedelta(days=days)
            session.add(
                Occurrence(
                    newsletter_id=memo.id,
                    local_date=due.date(),
                    slot=1,
                    due_at=due,
                    fate=fate,
                    reason=reason,
                    at=now,
                )
            )

    await resources.database.write(record)
    page = await ada.get("/desk")
    assert "Nothing new since the last edition." in page.text
    assert "The service was not running." in page.text
    assert "Long ago." not in page.text


async def test_an_automatic_newsletter_shows_what_would_be_in_it_and_when(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    await steps.article(resources, memo, "Council votes to keep the ferry")
    answer = await ada.post(
        "/desk/newsletters/morning-memo/cadence",
        data={
            "weekday": ["mon", "tue", "wed", "thu", "fri"],
            "at": "07:00",
            "automatic": "yes",
            "action": "save",
        },
    )
    assert answer.status_code == 303
    page = await ada.get("/desk")
    assert "Mon 02 Mar, 07:00 CET" in page.text
    assert "Council votes to keep the ferry" in page.text
    assert "Made by itself" in page.text


async def test_the_last_editions_come_with_their_figures(ada: httpx2.AsyncClient, draft: Edition) -> None:
    await ada.post(f"/desk/editions/{draft.uid}/cancel")
    page = await ada.get("/desk")
    assert "Last editions" in page.text
    assert "0 of 0 accepted" in page.text
    assert "cancelled" in page.text
