"""A list of readers over the API: as the body itself or in a form, once for each Idempotency-Key."""

import asyncio

import httpx2
import pytest

from service.dependencies import Resources
from service.imports import carrying, packing
from service.newsletters.models import Newsletter
from tests.service.api.conftest import detail
from tests.service.imports import steps
from tests.service.imports.steps import CONSENT, Reader

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/newsletters/morning-memo/imports"
LIST = "E-Mail;Vorname\r\nada@example.org;Zoë\r\nole@example.org;\r\nnobody;x\r\n"
CSV = {"Content-Type": "text/csv"}


async def test_a_list_is_sent_as_it_is_and_entered_by_a_worker(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    sent = LIST.encode("windows-1252")
    told = {"consent": CONSENT, "file_name": "old site.csv"}
    answer = await api.post(PATH, params=told, content=sent, headers=CSV | {"Idempotency-Key": "one"})
    assert answer.status_code == 201, answer.text
    begun = answer.json()
    assert (begun["state"], begun["rows"], begun["done"], begun["encoding"], begun["email_column"]) == (
        "running", 3, 0, "windows-1252", 1,
    )  # fmt: skip
    again = await api.post(PATH, params=told, content=sent, headers=CSV | {"Idempotency-Key": "one"})
    assert again.json() == begun
    assert again.headers["idempotent-replayed"] == "true"
    other = await api.post(
        PATH,
        params=told | {"consent": "Another word."},
        content=sent,
        headers=CSV | {"Idempotency-Key": "one"},
    )
    assert other.status_code == 422, "what is asked for stands in the address, too"

    await carrying.carry_on_due(resources, asyncio.Event())
    done = (await api.get(f"{PATH}/{begun['uid']}")).json()
    assert (done["state"], done["done"], done["problem_count"]) == ("done", 3, 1)
    assert (done["counts"]["added"], done["counts"]["invalid"], done["counts"]["left"]) == (2, 1, 0)
    assert done["problems"][0]["line"] == 4
    assert await steps.readers(resources) == [
        Reader("ada@example.org", "Zoë", "active"),
        Reader("ole@example.org", None, "active"),
    ]
    (first, _) = await steps.consents(resources)
    assert (first.wording, first.page) == (CONSENT, "old site.csv, line 2")


async def test_a_form_says_it_beside_its_file(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    form = {"consent": CONSENT, "email_column": "b", "delimiter": "semicolon"}
    file = {"file": ("list.csv", b"a;b\nx@example.org;ada@example.org\n", "text/csv")}
    answer = await api.post(PATH, data=form, files=file, headers={"Idempotency-Key": "two"})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["file_name"], answer.json()["email_column"]) == ("list.csv", 2)
    await carrying.carry_on_due(resources, asyncio.Event())
    assert [one.address for one in await steps.readers(resources)] == ["ada@example.org"]


@SQLITE
async def test_what_is_wrong_is_said_and_nothing_is_kept(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    good, told = LIST.encode(), {"consent": CONSENT}
    assert "proof" in detail(await api.post(PATH, content=good, headers=CSV), 422)
    assert "is empty" in detail(await api.post(PATH, params=told, content=b"\n", headers=CSV), 422)
    assert "No row" in detail(await api.post(PATH, params=told, content=b"email\nnobody\n", headers=CSV), 422)
    assert "No column" in detail(await api.post(PATH, params=told, content=b"a;b\n1;2\n", headers=CSV), 422)
    assert "no such column" in detail(
        await api.post(PATH, params=told | {"email_column": "z"}, content=good, headers=CSV), 422
    )
    assert "text/csv" in detail(await api.post(PATH, params=told, json={}), 415)
    assert "`file`" in detail(
        await api.post(PATH, data=told, files={"other": ("x.csv", good, "text/csv")}), 422
    )
    large = b"x" * (packing.MOST_OCTETS + 1)
    assert "20 MB" in detail(await api.post(PATH, params=told, content=large, headers=CSV), 422)
    assert "21000 kB" in detail(
        await api.post(PATH, params=told, content=large + b"x" * 1_000_000, headers=CSV), 413
    )
    nowhere = "/newsletters/nowhere/imports"
    assert "no newsletter" in detail(await api.post(nowhere, params=told, content=good, headers=CSV), 404)
    assert "no such import" in detail(await api.get(f"{PATH}/{memo.uid}"), 404)
    assert await steps.files(resources) == 0


async def test_a_list_with_nul_in_it_is_read_on_either_database(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    """PostgreSQL's jsonb refuses U+0000, and the preview keeps the header and the first rows."""
    sent = b"E-Mail;Vor\0name;st\0atus\r\nada@example.org;\0Ada;\0\r\n\0body;x;odd\0\r\nole@example.org;O;o\0dd\r\n"
    answer = await api.post(PATH, params={"consent": CONSENT}, content=sent, headers=CSV)
    assert answer.status_code == 201, answer.text
    await carrying.carry_on_due(resources, asyncio.Event())
    done = (await api.get(f"{PATH}/{answer.json()['uid']}")).json()
    assert (done["state"], done["done"], done["problem_count"]) == ("done", 3, 2)
    workbook = b"PK\x03\x04\x14\0" + b"\0sheet" * 50
    refused = await api.post(PATH, params={"consent": CONSENT}, content=workbook, headers=CSV)
    assert "save it as CSV" in detail(refused, 422)


@SQLITE
async def test_a_list_is_looked_at_and_its_columns_of_the_status_are_named(
    api: httpx2.AsyncClient, memo: Newsletter, resources: Resources
) -> None:
    sent = b"email,state,left\nada@example.org,NY,\nole@example.org,NY,yes\nkim@example.org,subscribed,\n"
    looked = await api.post(PATH, params={"only_look": "true"}, content=sent, headers=CSV)
    assert looked.status_code == 201, looked.text
    seen = looked.json()
    assert (seen["state"], seen["status_columns"]) == ("proposed", [2, 3])
    assert {(one["column"], one["value"], one["count"], one["verdict"]) for one in seen["statuses"]} == {
        (2, "NY", 2, "unknown"),
        (2, "subscribed", 1, "reader"),
        (3, "(empty)", 2, "reader"),
        (3, "yes", 1, "gone"),
    }
    assert (await api.get(f"{PATH}/{seen['uid']}")).json() == seen
    await carrying.carry_on_due(resources, asyncio.Event())
    assert await steps.readers(resources) == []

    form = {"consent": CONSENT, "status_column": "left"}
    answer = await api.post(PATH, data=form, files={"file": ("list.csv", sent, "text/csv")})
    assert answer.json()["status_columns"] == [3], answer.text
    await carrying.carry_on_due(resources, asyncio.Event())
    assert [one.address for one in await steps.readers(resources)] == ["ada@example.org", "kim@example.org"]
    done = (await api.get(f"{PATH}/{answer.json()['uid']}")).json()
    assert (done["counts"]["gone"], done["counts"]["unknown"], done["statuses"]) == (1, 0, [])
    none = await api.post(
        PATH, params={"consent": CONSENT, "status_column": "none"}, content=sent, headers=CSV
    )
    assert none.json()["status_columns"] == []
    huge = {"consent": CONSENT, "email_column": "9" * 5_000}
    assert "no such column" in detail(await api.post(PATH, params=huge, content=sent, headers=CSV), 422)
