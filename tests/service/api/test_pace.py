"""Pace over the API: a relay's limits, an edition slowed down, and what the quota leaves before anything is sent."""

import httpx2

from service.delivery import relay_register, transport
from service.dependencies import Resources
from tests.support.outbox import open_outbox

RELAY = {"name": "near", "host": "relay.example.net"}


async def test_a_relays_pace_is_set_and_told(api: httpx2.AsyncClient) -> None:
    await api.post("/relays", json=RELAY)
    answer = await api.put("/relays/near/pace", json={"rate": 14, "per_day": 50_000})
    assert answer.status_code == 200, answer.text
    pace = {"rate": 14, "per_hour": None, "per_day": 50_000, "slowed_to": None}
    assert (await api.get("/relays/near")).json()["pace"] == answer.json()["pace"] == pace
    assert (await api.put("/relays/near/pace", json={"rate": 0})).status_code == 422
    assert (await api.put("/relays/none/pace", json={})).status_code == 404


async def test_also_of_the_relay_that_the_setting_tells(
    api: httpx2.AsyncClient, resources: Resources
) -> None:
    address = transport.read_address("smtp://relay.example.net:25?tls=none", ehlo_name="news.example.org")
    await resources.database.write(relay_register.follow_setting, address)
    answer = await api.put(f"/relays/{address.name}/pace", json={"rate": 14})
    assert answer.json()["pace"]["rate"] == 14
    await resources.database.write(relay_register.follow_setting, address)
    assert (await api.get(f"/relays/{address.name}")).json()["pace"]["rate"] == 14


async def test_a_providers_limit_is_set_told_and_taken_away(api: httpx2.AsyncClient) -> None:
    await api.post("/relays", json=RELAY)
    path = "/relays/near/providers"
    answer = await api.put(f"{path}/gmail.com", json={"rate": 5, "why": "warming up"})
    assert answer.status_code == 200, answer.text
    (found,) = (await api.get(path)).json()["items"]
    assert found == answer.json()
    assert (found["provider"], found["rate"], found["why"], found["slowed_to"]) == (
        "Google",
        5,
        "warming up",
        None,
    )
    assert "googlemail.com" in found["domains"]
    assert (await api.put(f"{path}/googlemail.com", json={"rate": 7})).json()["rate"] == 7
    for refused in (
        await api.put(f"{path}/gmail", json={"rate": 5}),
        await api.put(f"{path}/gmail.com", json={"rate": 0}),
    ):
        assert refused.status_code == 422
    assert (await api.put("/relays/none/providers/gmail.com", json={"rate": 5})).status_code == 404
    assert (await api.delete(f"{path}/Google")).status_code == 204
    assert (await api.delete(f"{path}/Google")).status_code == 404
    assert (await api.get(path)).json() == {"items": []}


async def test_an_edition_is_slowed_down_and_progress_says_so(
    api: httpx2.AsyncClient, resources: Resources
) -> None:
    outbox = await open_outbox(resources, ["ann@example.org"])
    path = f"/editions/{outbox.edition.uid}"
    assert (await api.post(f"{path}/slow", json={"per_second": 5})).status_code == 200
    found = (await api.get(f"{path}/progress")).json()
    assert (found["slowed_to"], found["finish_at"]) == (5, None)
    assert (await api.post(f"{path}/slow", json={"per_second": None})).status_code == 200
    assert (await api.get(f"{path}/progress")).json()["slowed_to"] is None
    assert (await api.post(f"{path}/slow", json={"per_second": 0})).status_code == 422
    await api.post(f"{path}/cancel")
    assert (await api.post(f"{path}/slow", json={"per_second": 5})).status_code == 409


async def test_what_the_quota_does_not_leave_is_said_before_it_starts(
    api: httpx2.AsyncClient, resources: Resources
) -> None:
    outbox = await open_outbox(resources, [f"reader{number}@example.org" for number in range(3)])
    await api.post("/relays", json=RELAY)
    await api.post("/relays/near/role", json={"role": "main"})
    path = f"/editions/{outbox.edition.uid}/outlook"
    assert (await api.get(path)).json() == {"readers": 3, "quota": None}
    await api.put("/relays/near/pace", json={"per_day": 2})
    said = (await api.get(path)).json()["quota"]
    assert said.startswith("near may take 2 more of its 2 messages in 24 hours: 1 of 3 readers have to wait")
