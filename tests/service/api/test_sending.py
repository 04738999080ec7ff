import asyncio
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any

import httpx2
from sqlmodel import Session, func, select

from service.accounts import keys, replies
from service.api.shapes.editions import DOCUMENT_EXAMPLE
from service.dependencies import Resources
from service.ledger.models import Notice, Run
from service.newsletters.models import Newsletter
from tests.service.api.conftest import KeyMaker, detail
from tests.support.clock import HandClock

UNKNOWN = "0198c7a2-6a2e-7c40-9d5e-3f1f0f1c2a77"
NOTHING: dict[str, Any] = {"subject": "Nothing", "blocks": [{"kind": "masthead"}]}
COUNTS = ("accepted", "refused", "expired", "skipped", "cancelled", "held", "open")


async def _edition(api: httpx2.AsyncClient, document: dict[str, Any] = DOCUMENT_EXAMPLE) -> str:
    """The path of a new draft."""
    answer = await api.post("/editions", json={"newsletter": "morning-memo", "document": document})
    assert answer.status_code == 201, answer.text
    return f"/editions/{answer.json()['uid']}"


async def _readers(api: httpx2.AsyncClient, *addresses: str) -> None:
    for address in addresses:
        asked = {"newsletter": "morning-memo", "address": address, "state": "active", "consent": "By letter."}
        assert (await api.post("/subscribers", json=asked)).status_code == 201


async def _state(api: httpx2.AsyncClient, edition: str) -> str:
    state: str = (await api.get(edition)).json()["state"]
    return state


def _runs(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Run)).one()


async def test_nb_26_a_time_is_on_the_newsletters_clock(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for at in ["2026-07-01T08:00", "2026-07-01T08:00+02:00", "2026-07-01T06:00Z", "2026-07-01 08:00:00"]:
        edition = await _edition(api)

        answer = await api.post(f"{edition}/schedule", json={"at": at})

        assert answer.status_code == 200, answer.text
        assert (answer.json()["state"], answer.json()["scheduled_at"], answer.json()["time_zone"]) == (
            "scheduled",
            "2026-07-01T06:00:00Z",
            "Europe/Berlin",
        )
        assert answer.json()["date"] == "2026-07-01"


async def test_a_time_that_has_passed_or_is_none_is_refused(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    for at in [
        "2026-03-02T06:00",
        "2026-03-02T05:28:00Z",
        "1999-12-31T06:00",
        "2999-01-01T06:00",
        "tomorrow",
        "06:00",
        "",
        "2026-02-30T06:00",
    ]:
        edition = await _edition(api)

        answer = await api.post(f"{edition}/schedule", json={"at": at})

        detail(answer, 422)
        assert answer.json()["field"] == "at"
        assert await _state(api, edition) == "draft"


async def test_a_schedule_is_changed_and_taken_back(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    edition = await _edition(api)
    await api.post(f"{edition}/schedule", json={"at": "2026-03-03T06:00"})
    again = await api.post(f"{edition}/schedule", json={"at": "2026-03-03T07:30"})
    assert again.json()["scheduled_at"] == "2026-03-03T06:30:00Z"

    back = await api.post(f"{edition}/unschedule")

    assert (back.json()["state"], back.json()["scheduled_at"]) == ("draft", None)
    detail(await api.post(f"{edition}/unschedule"), 409)


async def test_an_edition_without_items_is_neither_scheduled_nor_sent(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    edition = await _edition(api, NOTHING)

    assert "nothing in it" in detail(
        await api.post(f"{edition}/schedule", json={"at": "2026-03-03T06:00"}), 422
    )
    assert "nothing in it" in detail(await api.post(f"{edition}/send"), 422)
    assert await _state(api, edition) == "draft"
    assert await resources.database.read(_runs) == 0


async def test_an_edition_is_sent_once(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    await _readers(api, "ada@example.org", "grace@example.org")
    edition = await _edition(api)

    first = await api.post(f"{edition}/send")
    again = await api.post(f"{edition}/send")

    assert (first.status_code, first.json()["state"]) == (202, "sending"), first.text
    assert "sending" in detail(again, 409)
    assert await resources.database.read(_runs) == 1
    detail(await api.put(f"{edition}/document", json=DOCUMENT_EXAMPLE | {"subject": "Too late"}), 409)


async def test_breaking_news_goes_first_and_a_lane_that_is_none_is_refused(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    await _readers(api, "ada@example.org")
    plain, urgent = await _edition(api), await _edition(api)

    assert "lane" in detail(await api.post(f"{urgent}/send", json={"lane": "notice"}), 422)
    assert await _state(api, urgent) == "draft"
    assert (await api.post(f"{plain}/send", json={})).status_code == 202
    assert (await api.post(f"{urgent}/send", json={"lane": "breaking"})).status_code == 202

    assert (await api.get(f"{plain}/progress")).json()["lane"] == "scheduled"
    assert (await api.get(f"{urgent}/progress")).json()["lane"] == "breaking"


async def test_five_sends_at_once_begin_it_once(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    await _readers(api, "ada@example.org")
    edition = await _edition(api)

    answers = await asyncio.gather(*(api.post(f"{edition}/send") for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]
    assert await resources.database.read(_runs) == 1
    assert (await api.get(f"{edition}/progress")).json()["audience"] == 1


async def test_a_send_repeated_with_its_key_is_answered_the_same(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    await _readers(api, "ada@example.org")
    edition = await _edition(api)
    headers = {"Idempotency-Key": "send it"}

    first = await api.post(f"{edition}/send", headers=headers)
    again = await api.post(f"{edition}/send", headers=headers)

    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    detail(await api.post(f"{await _edition(api)}/send", headers=headers), 422)


async def test_a_send_that_is_still_at_work_is_a_conflict_until_it_is_stale(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources, clock: HandClock
) -> None:
    await _readers(api, "ada@example.org")
    edition = await _edition(api)
    secret = api.headers["authorization"].removeprefix("Bearer ")
    key = await resources.database.read(keys.find, secret)
    assert key is not None
    held = replies.ask(key.id, "send it", method="POST", path=f"/api/v1{edition}/send", body=b"")
    await resources.database.write(replies.reserve, held, now=clock.now())
    headers = {"Idempotency-Key": "send it"}

    assert "still at work" in detail(await api.post(f"{edition}/send", headers=headers), 409)
    clock.advance(timedelta(seconds=60))

    assert (await api.post(f"{edition}/send", headers=headers)).status_code == 202


async def test_a_send_that_was_refused_may_be_repeated_with_its_key(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    edition = await _edition(api, NOTHING)
    headers = {"Idempotency-Key": "send it"}
    detail(await api.post(f"{edition}/send", headers=headers), 422)

    await api.put(f"{edition}/document", json=DOCUMENT_EXAMPLE)

    assert (await api.post(f"{edition}/send", headers=headers)).status_code == 202


async def test_a_cancelled_edition_is_not_sent(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    edition = await _edition(api)
    assert (await api.post(f"{edition}/cancel")).json()["state"] == "cancelled"

    assert "cancelled" in detail(await api.post(f"{edition}/send"), 409)
    detail(await api.post(f"{edition}/schedule", json={"at": "2026-03-03T06:00"}), 409)
    assert (await api.post(f"{edition}/cancel")).status_code == 200
    assert await resources.database.read(_runs) == 0


async def test_nb_29_a_running_edition_is_paused_resumed_and_cancelled(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    await _readers(api, "ada@example.org", "grace@example.org")
    edition = await _edition(api)
    for action in ("pause", "resume"):
        detail(await api.post(f"{edition}/{action}"), 409)
    await api.post(f"{edition}/send")

    paused = await api.post(f"{edition}/pause", json={"reason": "A wrong\nname."})
    assert (paused.json()["state"], paused.json()["stop_reason"]) == ("paused", "A wrong name.")
    assert (await api.get(f"{edition}/progress")).json()["stopped"] == "paused"
    assert (await api.post(f"{edition}/resume")).json()["state"] == "sending"
    assert (await api.post(f"{edition}/cancel")).json()["state"] == "cancelled"

    progress = (await api.get(f"{edition}/progress")).json()
    assert progress["audience"] == sum(progress[name] for name in COUNTS) == 2


async def test_progress_and_deliveries_add_up(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    edition = await _edition(api)
    assert (await api.get(f"{edition}/progress")).json()["audience"] == 0
    addresses = [f"reader{number}@example.org" for number in range(4)] + ["ada+memo@example.org"]
    await _readers(api, *addresses)
    await api.post(f"{edition}/send")

    progress = (await api.get(f"{edition}/progress")).json()
    assert progress["audience"] == sum(progress[name] for name in COUNTS) == 5
    assert progress["queued"] == 5
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2, "state": "queued"}
    while True:
        page = (await api.get(f"{edition}/deliveries", params=query)).json()
        seen += page["items"]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert [one["number"] for one in seen] == [1, 2, 3, 4, 5]
    assert {one["address"] for one in seen} == set(addresses)
    assert (await api.get(f"{edition}/deliveries?state=refused")).json()["items"] == []


async def test_nb_53_a_delivery_is_found_by_its_percent_encoded_address(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    await _readers(api, "ada+memo@example.org", "ada@example.org", "o'brien@example.org")
    edition = await _edition(api)
    await api.post(f"{edition}/send")

    for encoded, address in (
        ("ada%2Bmemo%40example.org", "ada+memo@example.org"),
        ("O%27Brien", "o'brien@example.org"),
    ):
        found = (await api.get(f"{edition}/deliveries?address={encoded}")).json()["items"]
        assert [one["address"] for one in found] == [address]
    detail(await api.get(f"{edition}/deliveries?state=lost"), 422)


async def test_a_test_goes_to_those_addresses_only(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    await _readers(api, "ada@example.org")
    edition = await _edition(api)

    answer = await api.post(f"{edition}/test", json={"addresses": ["Nora@Example.org", "jonas@example.org"]})

    assert answer.status_code == 202, answer.text
    assert answer.json()["addresses"] == ["Nora@example.org", "jonas@example.org"]
    notices = await resources.database.read(lambda session: list(session.exec(select(Notice))))
    assert sorted(notice.address for notice in notices) == ["Nora@example.org", "jonas@example.org"]
    for notice in notices:
        message = message_from_bytes(notice.message or b"", policy=policy.default)
        assert message["Subject"].startswith("[Test] ")
        assert message["List-Unsubscribe"] == "<https://news.example.org/unsubscribe/test>"
    assert await _state(api, edition) == "draft"


async def test_a_test_to_an_unusable_address_sends_nothing(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    for addresses in [[], ["nonsense"], ["nora@example.org", "a b@example.org"], ["x@example.org"] * 11]:
        edition = await _edition(api)

        detail(await api.post(f"{edition}/test", json={"addresses": addresses}), 422)

        assert await resources.database.read(lambda session: list(session.exec(select(Notice)))) == []


async def test_a_key_without_the_scope_send_can_make_no_mail_leave(
    client: httpx2.AsyncClient, api: httpx2.AsyncClient, key: KeyMaker, memo: Newsletter
) -> None:
    edition = await _edition(api)
    headers = {"Authorization": f"Bearer {await key('read', 'write')}"}
    bodies: dict[str, Any] = {
        "schedule": {"at": "2026-03-03T06:00"},
        "test": {"addresses": ["nora@example.org"]},
    }

    for action in (
        "schedule",
        "unschedule",
        "send",
        "send-missing",
        "release-held",
        "test",
        "pause",
        "resume",
        "cancel",
    ):
        answer = await client.post(f"/api/v1{edition}/{action}", headers=headers, json=bodies.get(action))
        assert "the scope send;" in detail(answer, 403)
    assert await _state(api, edition) == "draft"


async def test_an_unknown_edition_is_not_found(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for action in ("send", "send-missing", "release-held", "unschedule", "pause", "resume", "cancel"):
        detail(await api.post(f"/editions/{UNKNOWN}/{action}"), 404)
    for part in ("", "/progress", "/deliveries", "/proof"):
        detail(await api.get(f"/editions/{UNKNOWN}{part}"), 404)
    detail(await api.get("/editions/1"), 422)
