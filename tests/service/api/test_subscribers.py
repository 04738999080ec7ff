import asyncio
from typing import Any
from urllib.parse import quote

import httpx2
from sqlmodel import Session, select

from service.dependencies import Resources
from service.ledger.models import Notice
from service.newsletters.models import Newsletter
from service.subscribers.models import ConsentEvent, ConsentKind
from tests.service.api.conftest import detail

CONSENT = "Signed the list at the library's open day."


def _new(address: str, **more: Any) -> dict[str, Any]:
    return {"newsletter": "morning-memo", "address": address, **more}


def _active(address: str) -> dict[str, Any]:
    return _new(address, state="active", consent=CONSENT)


def _notices(session: Session) -> list[Notice]:
    return list(session.exec(select(Notice)))


def _consents(session: Session) -> list[ConsentEvent]:
    return list(session.exec(select(ConsentEvent)))


async def test_a_pending_reader_is_asked_by_mail(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    answer = await api.post("/subscribers", json=_new("ada@example.org", first_name="Ada"))

    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["state"], made["first_name"], made["confirmed_at"]) == ("pending", "Ada", None)
    notices = await resources.database.read(_notices)
    assert [(notice.kind, notice.address) for notice in notices] == [("confirm", "ada@example.org")]


async def test_an_active_reader_needs_a_stated_consent(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    for consent in (None, "", "  "):
        refused = await api.post(
            "/subscribers", json=_new("ada@example.org", state="active", consent=consent)
        )
        assert "consent" in detail(refused, 422)
    assert await resources.database.read(_consents) == []

    answer = await api.post("/subscribers", json=_active("ada@example.org"))

    assert answer.status_code == 201
    assert answer.json()["state"] == "active"
    assert await resources.database.read(_notices) == []
    events = await resources.database.read(_consents)
    assert [(event.kind, event.wording) for event in events] == [(ConsentKind.ADDED, CONSENT)]


async def test_nb_20_one_reader_under_every_spelling(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for spelling in [
        "user@example.org",
        "USER@EXAMPLE.ORG",
        " user@example.org ",
        "user@example.org\n",
        "\u200buser@example.org",
        "<user@example.org>",
        "mailto:user@example.org",
        "user@example.org.",
    ]:
        first = (await api.post("/subscribers", json=_active("User@Example.ORG"))).json()

        again = await api.post("/subscribers", json=_active(spelling))
        found = await api.get("/subscribers", params={"address": spelling})

        assert again.json()["uid"] == first["uid"]
        assert [one["uid"] for one in found.json()["items"]] == [first["uid"]]
        assert first["address"] == "User@example.org"


async def test_an_address_that_cannot_be_used_is_refused(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for address in [
        "",
        " ",
        "user",
        "user@",
        "@example.org",
        "us\u00a0er@example.org",
        "a" * 65 + "@example.org",
        "x" * 1200,
        "a b@example.org",
    ]:
        detail(await api.post("/subscribers", json=_active(address)), 422)

        assert (await api.get("/subscribers", params={"newsletter": "morning-memo"})).json()["items"] == []


async def test_nb_19_a_line_break_in_a_first_name_is_refused(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    for name in ["Big\nnews", "a\rBcc: x@example.org", "a\u2028b", "a\x00b", "a\x85b"]:
        answer = await api.post("/subscribers", json=_new("ada@example.org", first_name=name))

        detail(answer, 422)
        assert answer.json()["field"] == "first_name"


async def test_nb_53_a_percent_encoded_address_is_found(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for address in ["user+tag@example.org", "o'brien@example.org", "a&b@example.org", "x%y@example.org"]:
        made = (await api.post("/subscribers", json=_active(address))).json()
        await api.post("/subscribers", json=_active("user@example.org"))

        found = await api.get(f"/subscribers?address={quote(address, safe='')}")

        assert [one["uid"] for one in found.json()["items"]] == [made["uid"]]
        assert found.json()["items"][0]["address"] == address


async def test_an_unknown_address_is_found_nowhere(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    assert (await api.get("/subscribers?address=nobody@example.org")).json() == {"items": [], "next": None}
    detail(await api.get("/subscribers?address=nonsense"), 422)
    detail(await api.get("/subscribers"), 422)
    detail(await api.get("/subscribers?newsletter=evening-memo"), 404)
    detail(await api.post("/subscribers", json=_new("ada@example.org") | {"newsletter": "evening-memo"}), 404)


async def test_a_reader_is_ended_once_and_comes_back_only_by_their_own_hand(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    made = (await api.post("/subscribers", json=_active("ada@example.org"))).json()

    first = await api.post(f"/subscribers/{made['uid']}/end")
    again = await api.post(f"/subscribers/{made['uid']}/end")

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert first.json()["state"] == "ended"
    assert (await api.get(f"/subscribers/{made['uid']}")).json() == first.json()
    detail(await api.post("/subscribers", json=_active("ada@example.org")), 409)
    asked = await api.post("/subscribers", json=_new("ada@example.org"))
    assert asked.json()["state"] == "pending"


async def test_an_unknown_uid_is_a_problem(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for uid in ["0198c7a2-6a2e-7c40-9d5e-3f1f0f1c2a77", "1", "x"]:
        expected = 404 if "-" in uid else 422
        detail(await api.get(f"/subscribers/{uid}"), expected)
        detail(await api.post(f"/subscribers/{uid}/end"), expected)


async def test_pages_follow_each_other_without_gap_or_repeat(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    for number in range(7):
        await api.post("/subscribers", json=_active(f"reader{number}@example.org"))

    seen: list[str] = []
    query: dict[str, Any] = {"newsletter": "morning-memo", "limit": 3}
    sizes = []
    while True:
        page = (await api.get("/subscribers", params=query)).json()
        seen += [one["address"] for one in page["items"]]
        sizes.append(len(page["items"]))
        if page["next"] is None:
            break
        query["after"] = page["next"]

    assert seen == [f"reader{number}@example.org" for number in range(7)]
    assert sizes == [3, 3, 1]


async def test_a_page_that_cannot_be_is_refused(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    for query in ["after=nonsense", "after=YXJ0aWNsZXM6MQ", "after=!!", "limit=0", "limit=501", "limit=x"]:
        detail(await api.get(f"/subscribers?newsletter=morning-memo&{query}"), 422)


async def test_ten_posts_at_once_add_one_reader(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    answers = await asyncio.gather(
        *(api.post("/subscribers", json=_active("ada@example.org")) for _ in range(10))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["uid"] for answer in answers}) == 1


async def test_a_suppressed_address_is_not_added(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    await api.post("/suppressions", json={"address": "ada@example.org", "reason": "manual"})

    detail(await api.post("/subscribers", json=_active("ADA@example.org")), 409)
    detail(await api.post("/subscribers", json=_new("ada@example.org")), 409)


async def test_a_suppression_is_found_and_lifted_with_a_reason(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    made = await api.post(
        "/suppressions",
        json={"address": "Grace+x@Example.org", "reason": "request", "evidence": "By telephone."},
    )
    assert made.status_code == 201, made.text
    assert (await api.get("/suppressions")).json()["items"] == [made.json()]
    assert (await api.get("/suppressions?address=grace%2Bx@example.org")).json()["items"] == [made.json()]
    assert (await api.get("/suppressions?address=grace@example.org")).json()["items"] == []
    detail(await api.post("/suppressions/lift", json={"address": "grace+x@example.org"}), 422)

    lifted = await api.post(
        "/suppressions/lift", json={"address": "grace+x@example.org", "because": "She asked for it."}
    )

    assert lifted.status_code == 200, lifted.text
    assert lifted.json()["lifted_because"] == "She asked for it."
    assert (await api.get("/suppressions")).json()["items"] == []
    detail(
        await api.post("/suppressions/lift", json={"address": "grace+x@example.org", "because": "Again."}),
        404,
    )
