"""Relays through the API: what the desk can do, and no answer ever has the password."""

from typing import Any

import httpx2

from service.newsletters.models import Newsletter
from tests.service.api.conftest import KeyMaker, detail
from tests.support.relay import Relay

PASSWORD = "a password nobody may see"
NEW: dict[str, Any] = {
    "name": "ses",
    "host": "email-smtp.eu-central-1.amazonaws.com",
    "user": "AKIA",
    "password": PASSWORD,
}


async def test_a_relay_from_its_entry_to_its_end(api: httpx2.AsyncClient) -> None:
    made = await api.post("/relays", json=NEW, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201, made.text
    row = made.json()
    assert (row["role"], row["port"], row["profile"], row["has_password"]) == ("off", 587, "ses", True)
    again = await api.post("/relays", json=NEW, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()) == (201, row)
    assert "Choose another name" in detail(await api.post("/relays", json=NEW), 409)

    changed = await api.patch("/relays/ses", json={"connections": 5})
    assert (changed.status_code, changed.json()["connections"]) == (200, 5)
    moved = await api.patch("/relays/ses", json={"host": "relay.example.net"})
    assert "Enter it again" in detail(moved, 422)
    assert moved.json()["field"] == "password"

    used = await api.post("/relays/ses/role", json={"role": "main"})
    assert used.json()["role"] == "main"
    assert "switched off" in detail(await api.delete("/relays/ses"), 409)
    listed = await api.get("/relays")
    assert [one["name"] for one in listed.json()["items"]] == ["ses"]
    await api.post("/relays/ses/role", json={"role": "off"})
    assert (await api.delete("/relays/ses")).status_code == 204
    detail(await api.get("/relays/ses"), 404)
    for answer in (made, again, changed, moved, used, listed):
        assert PASSWORD not in answer.text


async def test_it_is_tried_out(api: httpx2.AsyncClient, memo: Newsletter, relay: Relay) -> None:
    near = {"name": "near", "host": relay.host, "port": relay.port, "tls": "none"}
    assert (await api.post("/relays", json=near)).status_code == 201
    tried = (await api.post("/relays/near/test", json={"to": "ops@example.org"})).json()
    assert (tried["works"], tried["has_sent"]) == (True, True)
    assert [one.recipient for one in relay.received] == ["ops@example.org"]

    relay.when(phase="rcpt").reply("554 5.7.1 Relay access denied")
    failed = (await api.post("/relays/near/test", json={"to": "ops@example.org"})).json()
    assert failed["works"] is False
    (step,) = [one for one in failed["steps"] if one["state"] == "failed"]
    assert step["name"] == "recipient"
    assert "Enter a user and a password" in step["advice"]
    assert (await api.post("/relays/near/test", json={})).json()["has_sent"] is False


async def test_only_a_key_that_may_send_changes_relays(client: httpx2.AsyncClient, key: KeyMaker) -> None:
    headers = {"Authorization": f"Bearer {await key('read', 'write')}"}
    assert (await client.get("/api/v1/relays", headers=headers)).status_code == 200
    assert "scope send" in detail(await client.post("/api/v1/relays", headers=headers, json=NEW), 403)


async def test_what_cannot_be_used_is_named(api: httpx2.AsyncClient) -> None:
    for changes, field in (
        ({"host": "smtp://x"}, "host"),
        ({"tls": "ssl"}, "tls"),
        ({"port": 0}, "port"),
        ({"x": 1}, "x"),
    ):
        answer = await api.post("/relays", json=NEW | changes)
        detail(answer, 422)
        assert answer.json()["field"] == field
        assert PASSWORD not in answer.text
    detail(await api.patch("/relays/none", json={"port": 25}), 404)
    detail(await api.post("/relays/none/test", json={}), 404)
