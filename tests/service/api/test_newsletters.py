import asyncio
from typing import Any

import httpx2

from service.desk import own_template
from service.newsletters.models import Newsletter
from tests.service.api.conftest import DETAILS, detail


async def test_a_newsletter_is_made_found_and_changed(api: httpx2.AsyncClient) -> None:
    made = await api.post("/newsletters", json=DETAILS)
    assert made.status_code == 201, made.text
    assert made.json()["list_id"] == "morning-memo.example.org"

    changed = await api.patch(
        "/newsletters/morning-memo", json={"description": "Before breakfast.", "reply_to": "desk@example.org"}
    )
    assert changed.status_code == 200, changed.text

    one = (await api.get("/newsletters/morning-memo")).json()
    assert one == changed.json()
    assert (one["description"], one["reply_to"], one["name"]) == (
        "Before breakfast.",
        "desk@example.org",
        "Morning Memo",
    )
    assert (await api.get("/newsletters")).json()["items"] == [one]


async def test_a_taken_name_is_a_conflict_and_an_unknown_one_not_found(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    detail(await api.post("/newsletters", json=DETAILS), 409)
    detail(await api.get("/newsletters/evening-memo"), 404)
    detail(await api.patch("/newsletters/evening-memo", json={}), 404)
    detail(await api.get("/newsletters/evening-memo/feeds"), 404)


async def test_nb_19_a_detail_that_cannot_be_used_is_named(api: httpx2.AsyncClient) -> None:
    for field, value in [
        ("name", "Big\nnews"),
        ("name", "a\rBcc: x@example.org"),
        ("name", "a\x00b"),
        ("name", "a\u2028b"),
        ("from_name", "Harbor\nLedger"),
        ("from_address", "not an address"),
        ("from_address", "x@example.org\r\nBcc: y@example.org"),
        ("postal_address", " "),
        ("time_zone", "Europe/Atlantis"),
        ("language", "english please"),
        ("accent", "#ffff00"),
        ("slug", "../desk"),
        ("surprise", "yes"),
    ]:
        answer = await api.post("/newsletters", json=DETAILS | {field: value})

        detail(answer, 422)
        assert answer.json()["field"] == field
        assert (await api.get("/newsletters")).json()["items"] == []


async def test_a_change_that_cannot_be_used_changes_nothing(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    unusable: list[dict[str, Any]] = [
        {"time_zone": "Mars"},
        {"name": None},
        {"slug": "other"},
        {"name": "a\nb"},
        {"look": {"day": {"ink": "#eeeeee"}}},
    ]
    for changes in unusable:
        before = (await api.get("/newsletters/morning-memo")).json()

        detail(await api.patch("/newsletters/morning-memo", json={"description": "new", **changes}), 422)

        assert (await api.get("/newsletters/morning-memo")).json() == before


async def test_a_post_repeated_with_its_key_is_done_once(api: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "0198c7a2"}
    first = await api.post("/newsletters", json=DETAILS, headers=headers)
    again = await api.post("/newsletters", json=DETAILS, headers=headers)

    assert (again.status_code, again.content) == (first.status_code, first.content) == (201, first.content)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    other = await api.post("/newsletters", json=DETAILS | {"name": "Other"}, headers=headers)
    assert "Idempotency-Key" in detail(other, 422)


async def test_ten_posts_at_once_with_one_key_make_one_newsletter(api: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "at once"}
    answers = await asyncio.gather(
        *(api.post("/newsletters", json=DETAILS, headers=headers) for _ in range(10))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["uid"] for answer in answers}) == 1
    assert len((await api.get("/newsletters")).json()["items"]) == 1


async def test_a_post_that_failed_may_be_repeated_with_its_key(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    headers = {"Idempotency-Key": "again"}
    detail(await api.post("/newsletters", json=DETAILS, headers=headers), 409)

    answer = await api.post("/newsletters", json=DETAILS | {"slug": "evening-memo"}, headers=headers)

    assert answer.status_code == 201


async def test_an_unusable_idempotency_key_is_refused(api: httpx2.AsyncClient) -> None:
    for name in ["", "x" * 201, "caf\u00e9"]:
        answer = await api.post("/newsletters", json=DETAILS, headers={b"Idempotency-Key": name.encode()})

        assert answer.json()["field"] == "Idempotency-Key"
        detail(answer, 422)


async def test_a_feed_is_followed_once(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    url = {"url": "https://news.example.org/feed.xml"}
    made = await api.post("/newsletters/morning-memo/feeds", json=url)
    assert made.status_code == 201, made.text

    detail(await api.post("/newsletters/morning-memo/feeds", json=url), 409)
    for bad in ("", "feed.xml", "ftp://example.org/feed", "javascript:alert(1)"):
        detail(await api.post("/newsletters/morning-memo/feeds", json={"url": bad}), 422)

    assert (await api.get("/newsletters/morning-memo/feeds")).json()["items"] == [made.json()]


async def test_a_deadline_and_a_watchers_address_are_set_and_taken_back(api: httpx2.AsyncClient) -> None:
    url = "https://watch.example.org/ping/0b8a6c1e"
    made = await api.post("/newsletters", json=DETAILS | {"deadline_minutes": 45, "ping_url": url})
    assert (made.json()["deadline_minutes"], made.json()["ping_url"]) == (45, url)
    changed = await api.patch("/newsletters/morning-memo", json={"ping_url": None})
    assert (changed.json()["deadline_minutes"], changed.json()["ping_url"]) == (45, None)
    for field, value, says in (
        ("deadline_minutes", 0, "at least 1"),
        ("deadline_minutes", 1441, "at most 1440"),
        ("deadline_minutes", None, "whole number"),
        ("ping_url", "ftp://watch.example.org", "no web address"),
        ("ping_url", "https://me:secret@watch.example.org/", "before the @"),
    ):
        answer = await api.patch("/newsletters/morning-memo", json={field: value})
        assert says in detail(answer, 422), (field, value)
        assert answer.json()["field"] == field


async def test_who_may_read_on_the_web_is_set(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    assert (await api.get("/newsletters/morning-memo")).json()["web"] == "public"
    for chosen in ("mail_only", "private"):
        changed = await api.patch("/newsletters/morning-memo", json={"web": chosen})
        assert changed.json()["web"] == chosen
        assert "web_key" not in changed.text
    detail(await api.patch("/newsletters/morning-memo", json={"web": "secret"}), 422)
    answer = await api.patch("/newsletters/morning-memo", json={"web": None})
    assert "'private'" in detail(answer, 422)


async def test_a_template_of_its_own_is_tried_on_before_it_is_kept(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    said = detail(await api.patch("/newsletters/morning-memo", json={"template": "<p>{{ 7*7 }}</p>"}), 422)
    assert said == "Line 1: mul is not possible here; there are names, if, and for over blocks."
    kept = await api.patch("/newsletters/morning-memo", json={"template": own_template.ours()})
    assert kept.status_code == 200 and kept.json()["template"] == own_template.ours()
    assert (await api.patch("/newsletters/morning-memo", json={"template": ""})).json()["template"] == ""
