"""DKIM keys through the API: what `memo dkim` can do, and no answer ever has the private half."""

import httpx2

from service.delivery import dkim_material
from tests.service.api.conftest import detail
from tests.unit.delivery.test_dkim_material import pem

PEM = pem(dkim_material.new_private_key()).decode()
MEMO1 = {"domain": "news.example.org", "selector": "memo1", "private_key": PEM}


async def test_from_the_first_key_to_the_second(api: httpx2.AsyncClient) -> None:
    made = await api.post("/dkim-keys", json=MEMO1, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201, made.text
    key = made.json()
    assert (key["state"], key["bits"], key["record_name"]) == (
        "ready",
        2048,
        "memo1._domainkey.news.example.org",
    )
    assert key["record"].startswith("v=DKIM1; k=rsa; p=MIIB")
    again = await api.post("/dkim-keys", json=MEMO1, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()) == (201, key)
    second = (await api.post("/dkim-keys", json={"domain": "news.example.org"})).json()
    third = (await api.post("/dkim-keys", json={"domain": "news.example.org"})).json()
    assert third["selector"] == second["selector"] + "-2"

    signs = await api.post("/dkim-keys/news.example.org/memo1/activate")
    assert signs.json()["state"] == "active"
    await api.post(f"/dkim-keys/news.example.org/{second['selector']}/activate")
    listed = await api.get("/dkim-keys")
    assert [(one["selector"], one["state"]) for one in listed.json()["items"]] == [
        (second["selector"], "active"),
        (third["selector"], "ready"),
        ("memo1", "retired"),
    ]
    assert "still be on their way" in detail(await api.delete("/dkim-keys/news.example.org/memo1"), 409)
    assert (await api.delete(f"/dkim-keys/news.example.org/{third['selector']}")).status_code == 204
    off = await api.post(f"/dkim-keys/news.example.org/{second['selector']}/retire")
    assert off.json()["state"] == "retired"
    for answer in (made, again, listed, off):
        assert "PRIVATE" not in answer.text
        assert PEM.splitlines()[1] not in answer.text


async def test_what_cannot_be_used_is_refused(api: httpx2.AsyncClient) -> None:
    assert "PEM" in detail(await api.post("/dkim-keys", json=MEMO1 | {"private_key": "x"}), 422)
    assert "small letters" in detail(await api.post("/dkim-keys", json=MEMO1 | {"selector": "a b"}), 422)
    assert "no domain" in detail(await api.post("/dkim-keys", json={"domain": "a b"}), 422)
    detail(await api.post("/dkim-keys/news.example.org/nine/activate"), 404)
