"""The doctor through the API."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest

from service.dependencies import Resources
from tests.service.api.conftest import detail
from tests.support.name_server import NameServer


@pytest.fixture
async def resources(resources: Resources) -> AsyncIterator[Resources]:
    async with NameServer() as dns:
        changed = resources.settings.model_copy(update={"resolver": dns.address, "public_url": ""})
        yield replace(resources, settings=changed)


async def test_a_look_is_answered_and_kept(api: httpx2.AsyncClient) -> None:
    assert "POST here" in detail(await api.get("/checkup"), 404)
    made = await api.post("/checkup", headers={"Idempotency-Key": "one"})
    assert made.status_code == 200, made.text
    found = made.json()
    assert {"relay.none", "database.unsafe", "database.ok"} & {one["code"] for one in found["findings"]}
    assert sum(found["counts"].values()) == len(found["findings"])
    assert (await api.get("/checkup")).json() == found
    assert (await api.post("/checkup", headers={"Idempotency-Key": "one"})).json() == found
    assert "quarter of a minute" in detail(
        await api.post("/checkup", headers={"Idempotency-Key": "two"}), 409
    )
