import asyncio
from typing import Any

import httpx2

from service.api.shapes.editions import DOCUMENT_EXAMPLE
from service.newsletters.models import Newsletter
from tests.service.api.conftest import KeyMaker, detail

UNKNOWN = "0198c7a2-6a2e-7c40-9d5e-3f1f0f1c2a77"


def _new(**more: Any) -> dict[str, Any]:
    return {"newsletter": "morning-memo", **(more or {"document": DOCUMENT_EXAMPLE})}


async def _article(api: httpx2.AsyncClient, headline: str) -> str:
    answer = await api.post(
        "/articles",
        json={"newsletter": "morning-memo", "headline": headline, "body_markdown": "Some **text**."},
    )
    uid: str = answer.json()["uid"]
    return uid


async def _made(api: httpx2.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await api.post("/editions", json=_new(**more))
    assert answer.status_code == 201, answer.text
    edition: dict[str, Any] = answer.json()
    return edition


async def test_an_edition_is_made_from_blocks(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    made = await _made(api, document=DOCUMENT_EXAMPLE, date="2026-03-03")

    assert (made["state"], made["date"], made["version"]) == ("draft", "2026-03-03", 1)
    assert made["subject"] == DOCUMENT_EXAMPLE["subject"]
    assert made["web_url"] == "https://news.example.org/n/morning-memo/2026-03-03"
    assert [block["kind"] for block in made["document"]["blocks"]] == ["masthead", "lead", "briefs"]
    assert (await api.get(f"/editions/{made['uid']}")).json() == made
    listed = (await api.get("/editions?newsletter=morning-memo")).json()["items"]
    assert listed == [{name: value for name, value in made.items() if name != "document"}]


async def test_an_edition_is_made_from_articles_of_which_the_first_leads(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    uids = [await _article(api, headline) for headline in ("Ferry bond", "King tide", "Later bells")]

    made = await _made(api, articles=[uids[1], uids[0], uids[2]])

    stories = [block for block in made["document"]["blocks"] if block["kind"] in {"lead", "item"}]
    assert [(block["kind"], block["headline"]) for block in stories] == [
        ("lead", "King tide"),
        ("item", "Ferry bond"),
        ("item", "Later bells"),
    ]
    assert made["subject"] == "King tide"
    assert made["version"] == 1


async def test_an_edition_is_made_from_what_is_new(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    assert "new" in detail(await api.post("/editions", json=_new(automatic=True)), 422)
    for headline in ("Ferry bond", "King tide"):
        await _article(api, headline)

    made = await _made(api, automatic=True)

    headlines = {block.get("headline") for block in made["document"]["blocks"]}
    assert {"Ferry bond", "King tide"} <= headlines


async def test_an_edition_that_cannot_be_is_refused(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    unusable: list[dict[str, Any]] = [
        {},
        {"document": DOCUMENT_EXAMPLE, "automatic": True},
        {"articles": []},
        {"document": {**DOCUMENT_EXAMPLE, "subject": ""}},
        {"document": {**DOCUMENT_EXAMPLE, "blocks": [{"kind": "advertorial"}]}},
        {
            "document": {
                **DOCUMENT_EXAMPLE,
                "blocks": [{"kind": "lead", "headline": "x", "url": "javascript:x"}],
            }
        },
        {"document": {**DOCUMENT_EXAMPLE, "blocks": [{"kind": "masthead"}, {"kind": "masthead"}]}},
        {"document": DOCUMENT_EXAMPLE, "date": "tomorrow"},
        {"document": DOCUMENT_EXAMPLE, "surprise": 1},
    ]
    for asked in unusable:
        detail(await api.post("/editions", json={"newsletter": "morning-memo", **asked}), 422)

        assert (await api.get("/editions?newsletter=morning-memo")).json()["items"] == []


async def test_nb_19_a_broken_subject_becomes_one_line(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    made = await _made(api, document={**DOCUMENT_EXAMPLE, "subject": "Big\r\nBcc: x@example.org\u2028news"})

    assert made["subject"] == "Big Bcc: x@example.org news"


async def test_articles_that_are_not_there_make_no_edition(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    uid = await _article(api, "Ferry bond")

    assert UNKNOWN in detail(await api.post("/editions", json=_new(articles=[uid, UNKNOWN])), 404)
    detail(await api.post("/editions", json=_new() | {"newsletter": "evening-memo"}), 404)
    assert (await api.get("/editions?newsletter=morning-memo")).json()["items"] == []


async def test_ten_posts_at_once_with_one_key_make_one_edition(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    headers = {"Idempotency-Key": "the memo of 3 March"}
    answers = await asyncio.gather(*(api.post("/editions", json=_new(), headers=headers) for _ in range(10)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert len((await api.get("/editions?newsletter=morning-memo")).json()["items"]) == 1


async def test_a_new_document_is_a_new_version(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    made = await _made(api)
    url = f"/editions/{made['uid']}/document"
    changed = {**DOCUMENT_EXAMPLE, "subject": "Second thoughts"}

    answer = await api.put(url, json=changed, params={"version": 1})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["version"], answer.json()["subject"]) == (2, "Second thoughts")
    assert (await api.put(url, json=changed)).json()["version"] == 2
    assert "changed" in detail(await api.put(url, json=DOCUMENT_EXAMPLE, params={"version": 1}), 409)
    detail(await api.put(url, json={"subject": ""}), 422)
    detail(await api.put(f"/editions/{UNKNOWN}/document", json=changed), 404)
    assert (await api.get(f"/editions/{made['uid']}")).json() == answer.json()


async def test_a_preview_is_the_message_itself(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    made = await _made(api)

    seen = (await api.get(f"/editions/{made['uid']}/preview")).json()

    assert seen["subject"] == DOCUMENT_EXAMPLE["subject"]
    assert "Harbor Ledger" in seen["sender"]
    assert "King tide floods Water Street" in seen["html"]
    assert "King tide floods Water Street" in seen["text"]
    assert "1 Quay Street" in seen["text"]
    assert seen["html_octets"] > 1000
    assert seen["warnings"] == []
    detail(await api.get(f"/editions/{UNKNOWN}/preview"), 404)


async def test_a_preview_as_a_subscriber(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    asked = {"newsletter": "morning-memo", "address": "mara@example.org", "state": "active", "consent": "x"}
    assert (await api.post("/subscribers", json=asked | {"first_name": "Mara"})).status_code == 201
    document = DOCUMENT_EXAMPLE | {"subject": "Bread, {{first_name|reader}}"}
    made = (await api.post("/editions", json={"newsletter": "morning-memo", "document": document})).json()
    path = f"/editions/{made['uid']}/preview"

    seen = (await api.get(path, params={"reader": "mara@example.org"})).json()

    assert (seen["to"], seen["subject"]) == ("mara@example.org", "Bread, Mara")
    assert (await api.get(path)).json()["subject"] == "Bread, reader"
    assert "Nobody with this address" in detail(await api.get(path, params={"reader": "x@example.org"}), 404)
    detail(await api.get(path, params={"reader": "nonsense"}), 422)


async def test_a_preview_warns_of_an_edition_without_items(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    made = await _made(api, document={"subject": "Nothing", "blocks": [{"kind": "masthead"}]})

    seen = (await api.get(f"/editions/{made['uid']}/preview")).json()

    assert len(seen["warnings"]) == 1
    assert "nothing in it" in seen["warnings"][0]


async def test_an_edition_of_many_articles_is_listed_page_by_page(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    for day in range(1, 6):
        await _made(api, document=DOCUMENT_EXAMPLE, date=f"2026-03-1{day}")
    first = (await api.get("/editions?newsletter=morning-memo&limit=3")).json()
    second = (await api.get(f"/editions?newsletter=morning-memo&limit=3&after={first['next']}")).json()

    days = [one["date"][-2:] for one in first["items"] + second["items"]]
    assert days == ["15", "14", "13", "12", "11"]
    assert second["next"] is None
    detail(await api.get(f"/subscribers?newsletter=morning-memo&after={first['next']}"), 422)


async def test_an_unknown_personal_field_is_refused_with_its_place(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    made = await _made(api)
    blocks = [
        {"kind": "masthead"},
        {"kind": "events", "items": [{"title": "Dear {{ name }}", "moment": "Noon"}]},
    ]
    wrong = {"subject": "Good morning, {{first_name|reader}}", "blocks": blocks}
    for answer in (
        await api.put(f"/editions/{made['uid']}/document", json=wrong),
        await api.post("/editions", json=_new(document=wrong)),
    ):
        said = detail(answer, 422)
        assert said.startswith("Block 2 (Events), items 1 title: “{{ name }}” is no personal field")
        assert "Known: {{first_name|…}}" in said
        assert answer.json()["field"] == "blocks.1.items.0.title"
    assert (await api.get(f"/editions/{made['uid']}")).json()["version"] == 1


async def test_a_link_for_colleagues_is_made_listed_and_withdrawn(
    api: httpx2.AsyncClient, client: httpx2.AsyncClient, key: KeyMaker, memo: Newsletter
) -> None:
    made = (
        await api.post("/editions", json={"newsletter": "morning-memo", "document": DOCUMENT_EXAMPLE})
    ).json()
    shares = f"/editions/{made['uid']}/shares"

    shared = await api.post(shares, json={"hours": 4})

    assert shared.status_code == 201, shared.text
    page = await client.get(shared.json()["url"])
    assert page.status_code == 200 and DOCUMENT_EXAMPLE["subject"] in page.text
    assert (await api.get(shares)).json() == {"items": [shared.json()]}
    headers = {"Authorization": f"Bearer {await key('read')}"}
    detail(await client.get(f"/api/v1{shares}", headers=headers), 403)
    for _ in range(2):
        assert (await api.delete(f"{shares}/{shared.json()['uid']}")).status_code == 204
    assert (await client.get(shared.json()["url"])).status_code == 410
    detail(await api.post(shares, json={"hours": 0}), 422)
