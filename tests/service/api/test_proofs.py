"""Proofs over HTTP, and sending to those who are missing by API."""

import asyncio
import csv
import io

import httpx2
import pytest
import sqlalchemy as sa
from sqlmodel import Session, col

from service import database
from service.api.shapes.editions import DOCUMENT_EXAMPLE
from service.api.shapes.proofs import Proof
from service.dependencies import Resources
from service.editions.models import Edition, State
from service.ledger.models import Delivery, DeliveryState, Run
from service.newsletters.models import Newsletter
from service.proofs import checking, seal
from tests.service.api.conftest import KeyMaker, detail

READERS = ("ada@example.org", "eve@example.org", "mara@example.org", "noor@example.org", "ole@example.org")
ENDED = {
    "ada@example.org": (DeliveryState.ACCEPTED, "250 2.0.0 Ok", 0),
    "eve@example.org": (DeliveryState.HELD, "connection lost after the dot", 2),
    "mara@example.org": (DeliveryState.REFUSED, "554 5.7.1 policy", 0),
    "noor@example.org": (DeliveryState.EXPIRED, "450 4.2.1 later", 0),
    "ole@example.org": (DeliveryState.SKIPPED, "Left before the message's turn came.", 0),
}


@pytest.fixture
async def sent(api: httpx2.AsyncClient, memo: Newsletter, resources: Resources) -> str:
    """The path of an edition that has ended; two of its five readers are missing, one is held."""
    for address in READERS:
        asked = {"newsletter": "morning-memo", "address": address, "state": "active", "consent": "By letter."}
        assert (await api.post("/subscribers", json=asked)).status_code == 201
    made = await api.post("/editions", json={"newsletter": "morning-memo", "document": DOCUMENT_EXAMPLE})
    path = f"/editions/{made.json()['uid']}"
    assert (await api.post(f"{path}/send")).status_code == 202

    def end(session: Session) -> None:
        for address, (state, reply, unclear) in ENDED.items():
            session.execute(
                sa.update(Delivery)
                .where(col(Delivery.address) == address)
                .values(state=state, reply=reply, uncertain_count=unclear, at=database.utc_now(), attempts=1)
            )
        session.execute(sa.update(Run).values(ended_at=database.utc_now(), is_fanned_out=True))
        session.execute(sa.update(Edition).values(state=State.SENT, missing_count=2))

    await resources.database.write(end)
    return path


def check(resources: Resources, answer: httpx2.Response) -> checking.Genuine:
    return checking.check(io.BytesIO(answer.content), seal.public_keys(resources.keys))


async def test_a_proof_is_json_as_documented(
    api: httpx2.AsyncClient, sent: str, resources: Resources
) -> None:
    answer = await api.get(f"{sent}/proof")

    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert (
        answer.headers["content-disposition"] == 'attachment; filename="proof-morning-memo-2026-03-02.json"'
    )
    assert answer.headers["cache-control"] == "no-store"
    proof = Proof.model_validate_json(answer.content)
    assert (proof.listed.audience, proof.listed.accepted, proof.listed.held) == (5, 1, 1)
    assert proof.proof.edition.state == "sent, 2 missing"
    assert {row.address for row in proof.deliveries} == {f"{one[0]}***@example.org" for one in READERS}
    assert check(resources, answer).audience == 5


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ({"format": "csv"}, "*/*", "text/csv; charset=utf-8"),
        ({}, "text/csv", "text/csv; charset=utf-8"),
        ({"format": "json"}, "text/csv", "application/json"),
        ({}, "application/json, text/csv;q=0.5", "application/json"),
    ],
)
async def test_the_form_is_asked_for_by_name_or_by_accept(
    api: httpx2.AsyncClient, sent: str, resources: Resources, query: dict[str, str], accept: str, kind: str
) -> None:
    whole = {"addresses": "whole"}
    answer = await api.get(f"{sent}/proof", params=query | whole, headers={"Accept": accept})

    assert answer.headers["content-type"] == kind
    assert answer.headers["vary"] == "Accept"
    assert "mara@example.org" in answer.text
    assert check(resources, answer).accepted == 1
    if "csv" in kind:
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
        assert ["addresses", "whole"] in rows


async def test_what_cannot_be_proven_is_a_problem(
    api: httpx2.AsyncClient, sent: str, memo: Newsletter, resources: Resources
) -> None:
    draft = await api.post("/editions", json={"newsletter": "morning-memo", "document": DOCUMENT_EXAMPLE})
    assert "nothing to prove" in detail(await api.get(f"/editions/{draft.json()['uid']}/proof"), 409)
    detail(await api.get(f"{sent}/proof?format=xml"), 422)
    detail(await api.get(f"{sent}/proof?addresses=none"), 422)

    await resources.database.write(
        lambda session: session.execute(sa.delete(Delivery).where(col(Delivery.number) == 2))
    )
    assert "does not add up" in detail(await api.get(f"{sent}/proof"), 409)


async def test_anybody_may_have_the_public_keys(
    client: httpx2.AsyncClient, api: httpx2.AsyncClient, sent: str
) -> None:
    published = await client.get("/proof-keys")
    assert published.json()["algorithm"] == "Ed25519"
    known = seal.read_published(published.content)
    assert list(known) == [one["key"] for one in published.json()["keys"]]
    answer = await api.get(f"{sent}/proof")
    assert checking.check(io.BytesIO(answer.content), known).audience == 5
    assert (await client.get(f"/api/v1{sent}/proof")).status_code == 401


async def test_the_state_is_said_with_those_who_are_missing(api: httpx2.AsyncClient, sent: str) -> None:
    progress = (await api.get(f"{sent}/progress")).json()
    assert (progress["state"], progress["standing"], progress["missing"]) == ("sent", "sent, 2 missing", 2)
    assert (await api.get(sent)).json()["standing"] == "sent, 2 missing"
    listed = (await api.get("/editions?newsletter=morning-memo")).json()["items"]
    assert [one["standing"] for one in listed] == ["sent, 2 missing"]
    missing = (await api.get(f"{sent}/deliveries?missing=true")).json()["items"]
    assert [one["address"] for one in missing] == ["mara@example.org", "noor@example.org"]
    found = await api.get(f"{sent}/deliveries?missing=true&state=expired&address=NOOR")
    assert len(found.json()["items"]) == 1


async def states(resources: Resources) -> dict[str, str]:
    def read(session: Session) -> dict[str, str]:
        rows = session.execute(sa.select(col(Delivery.address), col(Delivery.state)))
        return {address.partition("@")[0]: state.value for address, state in rows}

    return await resources.database.read(read)


@pytest.mark.parametrize(("action", "readers"), [("send-missing", 2), ("release-held", 1)])
async def test_sending_again_is_done_once_for_one_key(
    api: httpx2.AsyncClient, sent: str, action: str, readers: int
) -> None:
    headers = {"Idempotency-Key": "again"}

    first = await api.post(f"{sent}/{action}", headers=headers)
    again = await api.post(f"{sent}/{action}", headers=headers)

    assert first.status_code == 202, first.text
    assert first.json()["readers"] == readers
    assert (first.json()["edition"]["state"], first.json()["edition"]["missing_count"]) == ("sending", 0)
    assert (again.status_code, again.content) == (202, first.content)
    assert "is being sent just now" in detail(await api.post(f"{sent}/{action}"), 409)


async def test_five_at_once_open_it_once(api: httpx2.AsyncClient, sent: str) -> None:
    answers = await asyncio.gather(*(api.post(f"{sent}/send-missing") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409]


async def test_nobody_missing_is_said(api: httpx2.AsyncClient, sent: str, resources: Resources) -> None:
    everybody = sa.update(Delivery).values(state=DeliveryState.ACCEPTED)
    await resources.database.write(lambda session: session.execute(everybody))
    assert "Nobody is missing" in detail(await api.post(f"{sent}/send-missing"), 409)
    assert "Nobody is held" in detail(await api.post(f"{sent}/release-held"), 409)
    assert set((await states(resources)).values()) == {"accepted"}


async def test_only_a_key_that_may_send_sends_again(
    client: httpx2.AsyncClient, sent: str, key: KeyMaker, resources: Resources
) -> None:
    headers = {"Authorization": f"Bearer {await key('read')}"}
    before = await states(resources)
    for action in ("send-missing", "release-held"):
        answer = await client.post(f"/api/v1{sent}/{action}", headers=headers)
        assert "the scope send;" in detail(answer, 403)
    assert await states(resources) == before
