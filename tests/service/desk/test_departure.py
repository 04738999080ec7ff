import asyncio
from datetime import timedelta

import httpx2
import pytest
from sqlmodel import Session, select

from service.delivery import rehearsal
from service.dependencies import Resources
from service.editions.models import Edition, State
from service.ledger import progress
from service.ledger.models import Lane, Notice
from service.newsletters.models import Newsletter
from service.suppressions import register as suppressions
from service.suppressions.models import Reason
from service.suppressions.register import Cause
from tests.service.desk import steps
from tests.support.clock import HandClock


async def _notices(resources: Resources) -> list[str]:
    def read(session: Session) -> list[str]:
        return list(session.exec(select(Notice.address).where(Notice.kind == "test")))

    return await resources.database.read(read)


async def _send(ada: httpx2.AsyncClient, draft: Edition) -> httpx2.Response:
    version = steps.version_on(await ada.get(f"/desk/editions/{draft.uid}/send"))
    return await ada.post(f"/desk/editions/{draft.uid}/send", data={"version": version})


async def test_a_test_message_goes_to_one_address_and_to_no_reader(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    answer = await ada.post(f"{path}/test", data={"address": "ada@news.example.org"})
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    assert await _notices(resources) == ["ada@news.example.org"]
    assert (await steps.now_is(resources, draft.uid)).state is State.DRAFT
    assert ("edition.tested", "Ada Okafor") in await steps.events(resources, draft.uid)
    figures = await resources.database.read(progress.of, draft.id)
    assert figures.audience == 0


async def test_tests_are_limited_in_number_and_none_goes_to_who_is_not_mailed(
    ada: httpx2.AsyncClient,
    resources: Resources,
    draft: Edition,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rehearsal, "MAILBOX_COUNT_PER_HOUR", 1)
    path = f"/desk/editions/{draft.uid}/test"
    assert (await ada.post(path, data={"address": "ada+1@example.org"})).status_code == 303
    many = await ada.post(path, data={"address": "ada+2@example.org"})
    assert many.status_code == 503
    assert "No more than 1 tests an hour" in many.text
    assert (await ada.post(path, data={"address": "noor@example.org"})).status_code == 303
    clock.advance(timedelta(hours=1))
    assert (await ada.post(path, data={"address": "ada+2@example.org"})).status_code == 303
    before = len(await _notices(resources))
    await resources.database.write(
        suppressions.suppress,
        "gone@example.org",
        Cause(Reason.BOUNCE, "test"),
        pepper=resources.pepper,
        now=clock.now(),
    )
    refused = await ada.post(path, data={"address": "Gone@Example.org"})
    assert refused.status_code == 409
    assert "we do not mail" in refused.text
    assert len(await _notices(resources)) == before


@pytest.mark.parametrize("address", ["", "nobody", "a@b@c", "x" * 300 + "@example.org"])
async def test_a_test_to_no_address_is_refused_beside_the_field(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, address: str
) -> None:
    answer = await ada.post(f"/desk/editions/{draft.uid}/test", data={"address": address})
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert await _notices(resources) == []


async def test_nb_26_a_time_in_the_form_is_the_newsletters_time_and_is_shown_with_its_zone(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    answer = await ada.post(f"{path}/schedule", data={"day": "2026-07-01", "clock_time": "08:00"})
    assert answer.status_code == 303
    planned = await steps.now_is(resources, draft.uid)
    assert planned.state is State.SCHEDULED
    assert planned.scheduled_at is not None
    assert planned.scheduled_at.isoformat() == "2026-07-01T06:00:00+00:00"
    page = await ada.get(path)
    assert "08:00 (Europe/Berlin)" in page.text
    assert "08:00 CEST" in page.text
    assert 'value="2026-07-01"' in page.text
    assert 'value="08:00"' in page.text
    assert "08:00 CEST" in (await ada.get("/desk")).text


@pytest.mark.parametrize(
    ("day", "clock_time", "says"),
    [
        ("2026-03-02", "06:00", "has passed"),
        ("2025-01-01", "06:00", "has passed"),
        ("2036-01-01", "06:00", "more than a year away"),
        ("", "06:00", "This is no time"),
        ("2026-07-01", "25:00", "This is no time"),
        ("2026-02-30", "06:00", "This is no time"),
    ],
)
async def test_a_time_that_cannot_be_is_refused_and_nothing_is_planned(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, day: str, clock_time: str, says: str
) -> None:
    answer = await ada.post(
        f"/desk/editions/{draft.uid}/schedule", data={"day": day, "clock_time": clock_time}
    )
    assert answer.status_code == 422
    assert says in answer.text
    assert f'value="{clock_time}"' in answer.text
    assert (await steps.now_is(resources, draft.uid)).state is State.DRAFT


async def test_a_planned_edition_can_be_taken_back(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    await ada.post(f"{path}/schedule", data={"day": "2026-07-01", "clock_time": "08:00"})
    assert (await ada.post(f"{path}/unschedule")).status_code == 303
    assert (await steps.now_is(resources, draft.uid)).state is State.DRAFT
    again = await ada.post(f"{path}/unschedule")
    assert again.status_code == 409
    assert "nothing to take back" in again.text


async def test_sending_asks_first_and_names_the_number_of_readers(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    page = await ada.get(f"/desk/editions/{draft.uid}/send")
    assert "Send to 3 readers now" in page.text
    assert (await steps.now_is(resources, draft.uid)).state is State.DRAFT
    answer = await _send(ada, draft)
    assert answer.status_code == 303
    sent = await steps.now_is(resources, draft.uid)
    assert sent.state is State.SENDING
    figures = await resources.database.read(progress.of, sent.id)
    assert (figures.audience, figures.open) == (3, 3)
    assert ("edition.started", "Ada Okafor") in await steps.events(resources, draft.uid)


async def test_it_may_be_sent_as_breaking_news_and_says_so(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    asked = await ada.get(f"{path}/send")
    assert "This is breaking news" in asked.text
    answer = await ada.post(f"{path}/send", data={"version": steps.version_on(asked), "breaking": "yes"})
    assert answer.status_code == 303
    figures = await resources.database.read(progress.of, draft.id)
    assert figures.lane is Lane.BREAKING
    assert "Sent as breaking news, before every other edition" in (await ada.get(path)).text


async def test_a_double_click_sends_once(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    version = steps.version_on(await ada.get(f"/desk/editions/{draft.uid}/send"))
    path = f"/desk/editions/{draft.uid}/send"
    answers = await asyncio.gather(*[ada.post(path, data={"version": version}) for _ in range(4)])
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409]
    sent = await steps.now_is(resources, draft.uid)
    figures = await resources.database.read(progress.of, sent.id)
    assert figures.audience == 3


async def test_what_was_changed_behind_the_question_is_not_sent(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    version = steps.version_on(await ada.get(f"{path}/send"))
    await ada.post(f"{path}/words", data={"version": version, "subject": "Another", "preheader": ""})
    answer = await ada.post(f"{path}/send", data={"version": version})
    assert answer.status_code == 409
    assert "Somebody has changed this edition" in answer.text
    assert (await steps.now_is(resources, draft.uid)).state is State.DRAFT


async def test_an_edition_without_items_cannot_be_sent_or_planned(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    empty = await steps.edition(resources, memo)
    path = f"/desk/editions/{empty.uid}"
    refused = await _send(ada, empty)
    assert refused.status_code == 422
    assert "nothing in it yet" in refused.text
    planned = await ada.post(f"{path}/schedule", data={"day": "2026-07-01", "clock_time": "08:00"})
    assert planned.status_code == 422
    assert (await steps.now_is(resources, empty.uid)).state is State.DRAFT


async def test_pause_with_a_reason_then_go_on_then_cancel(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    await _send(ada, draft)
    assert (await ada.post(f"{path}/pause", data={"reason": "a wrong  link"})).status_code == 303
    paused = await ada.get(path)
    assert "a wrong link" in paused.text
    assert "Resume" in paused.text
    assert (await steps.now_is(resources, draft.uid)).state is State.PAUSED
    assert (await ada.post(f"{path}/resume")).status_code == 303
    assert (await steps.now_is(resources, draft.uid)).state is State.SENDING
    asked = await ada.get(f"{path}/cancel")
    assert "3 readers" in asked.text
    assert (await steps.now_is(resources, draft.uid)).state is State.SENDING
    assert (await ada.post(f"{path}/cancel")).status_code == 303
    assert (await steps.now_is(resources, draft.uid)).state is State.CANCELLED
    done = {name for name, actor in await steps.events(resources, draft.uid) if actor == "Ada Okafor"}
    assert {"edition.paused", "edition.resumed", "edition.cancelled_by"} <= done


async def test_a_pause_without_a_reason_names_who_paused(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    await _send(ada, draft)
    await ada.post(f"/desk/editions/{draft.uid}/pause")
    assert (await steps.now_is(resources, draft.uid)).stop_reason == "paused by Ada Okafor"


@pytest.mark.parametrize(
    ("action", "says"), [("pause", "only one that is being sent"), ("resume", "only a paused one")]
)
async def test_nb_29_what_its_state_does_not_allow_is_refused_in_words(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, action: str, says: str
) -> None:
    answer = await ada.post(f"/desk/editions/{draft.uid}/{action}")
    assert answer.status_code == 409
    assert says in answer.text
    assert (await steps.now_is(resources, draft.uid)).state is State.DRAFT


async def test_a_cancelled_edition_cannot_be_sent_or_planned(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    path = f"/desk/editions/{draft.uid}"
    version = steps.version_on(await ada.get(f"{path}/send"))
    assert (await ada.post(f"{path}/cancel")).status_code == 303
    for answer in (
        await ada.get(f"{path}/send"),
        await ada.post(f"{path}/send", data={"version": version}),
        await ada.post(f"{path}/schedule", data={"day": "2026-07-01", "clock_time": "08:00"}),
        await ada.get(f"{path}/cancel"),
    ):
        assert answer.status_code == 409
        assert "cancelled" in answer.text
    assert (await steps.now_is(resources, draft.uid)).state is State.CANCELLED


@pytest.mark.parametrize(
    "action", ["test", "schedule", "unschedule", "send", "pause", "resume", "cancel", "words"]
)
async def test_a_form_of_another_site_changes_nothing(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition, action: str
) -> None:
    answer = await ada.post(
        f"/desk/editions/{draft.uid}/{action}", data={"version": 1}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert (await steps.now_is(resources, draft.uid)).state is State.DRAFT


@pytest.mark.parametrize("action", ["test", "schedule", "unschedule", "pause", "resume"])
async def test_looking_changes_nothing(ada: httpx2.AsyncClient, draft: Edition, action: str) -> None:
    assert (await ada.get(f"/desk/editions/{draft.uid}/{action}")).status_code == 405


async def test_it_is_slowed_down_and_let_go_again(
    ada: httpx2.AsyncClient, resources: Resources, draft: Edition
) -> None:
    await _send(ada, draft)
    path = f"/desk/editions/{draft.uid}"
    assert (await ada.post(f"{path}/slow", data={"per_second": "50"})).status_code == 303
    page = await ada.get(path)
    assert "Slowed down by hand: at most 50 a second." in page.text
    assert 'value="50"' in page.text
    wrong = await ada.post(f"{path}/slow", data={"per_second": "slow"})
    assert wrong.status_code == 422
    assert "a whole number from 1 to 100,000" in wrong.text
    assert (await ada.post(f"{path}/slow", data={"per_second": ""})).status_code == 303
    assert "Slowed down by hand" not in (await ada.get(path)).text


async def test_what_the_relays_quota_does_not_leave_is_said_before_it_is_sent(
    ada: httpx2.AsyncClient, draft: Edition
) -> None:
    page = f"/desk/editions/{draft.uid}/send"
    assert "have to wait" not in (await ada.get(page)).text
    await ada.post("/desk/relays", data={"name": "near", "host": "relay.example.net"})
    await ada.post("/desk/relays/near/role", data={"role": "main"})
    await ada.post("/desk/relays/near/pace", data={"per_day": "1"})
    assert "near may take 1 more of its 1 messages in 24 hours" in (await ada.get(page)).text
