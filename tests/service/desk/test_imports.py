"""A list at the desk: chosen, looked at, read otherwise, brought in on somebody's word, and what became of it."""

import asyncio
import re
from typing import Any

import httpx2
import pytest

from service.dependencies import Resources
from service.imports import carrying, entering, register
from service.newsletters.models import Newsletter
from tests.service.imports import steps
from tests.service.imports.steps import CONSENT, Reader
from tests.support.clock import HandClock

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/desk/newsletters/morning-memo/import"
LIST = "E-Mail;Vorname;Rufname\r\nada@example.org;Zoë;Z\r\nADA@example.org;Ada;A\r\n=nobody;x;y\r\n"


async def chosen(ada: httpx2.AsyncClient, data: bytes, name: str = "readers.csv") -> str:
    """The address of its page."""
    answer = await ada.post(PATH, files={"file": (name, data, "text/csv")})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def selected(page: httpx2.Response, name: str) -> str:
    select = page.text.partition(f'name="{name}"')[2].partition("</select>")[0]
    found = re.search(r'value="([^"]*)" selected', select)
    assert found is not None, select
    return found.group(1)


async def test_nb_46_a_list_is_shown_with_what_was_recognised_and_brought_in(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    assert f"{PATH}" in (await ada.get("/desk/newsletters/morning-memo")).text
    assert 'enctype="multipart/form-data"' in (await ada.get(PATH)).text
    path = await chosen(ada, LIST.encode("windows-1252"))
    page = await ada.get(path)
    assert (selected(page, "encoding"), selected(page, "delimiter"), selected(page, "header")) == (
        "windows-1252", ";", "yes",
    )  # fmt: skip
    assert (selected(page, "email"), selected(page, "first_name")) == ("0", "1")
    assert "<td>Zoë</td>" in page.text
    assert "Rows that cannot be used are left out, the good ones go in." in page.text
    assert "Bring 1 reader in" in page.text
    assert "Line 4: " in page.text
    assert await steps.readers(resources) == []

    unsaid = await ada.post(f"{path}/start", data={"consent": " "})
    assert unsaid.status_code == 422
    assert "proof of their consent" in unsaid.text
    assert (await ada.post(f"{path}/start", data={"consent": CONSENT})).status_code == 303
    running = await ada.get(path)
    assert 'hx-trigger="every 2s"' in running.text
    assert "hx-refresh" not in (await ada.get(f"{path}/progress")).headers

    await carrying.carry_on_due(resources, asyncio.Event())
    assert (await ada.get(f"{path}/progress")).headers["hx-refresh"] == "true"
    done = await ada.get(path)
    assert "3 of 3 rows" in done.text
    assert "<dt><span" in done.text
    assert CONSENT.replace("'", "&#39;") in done.text
    assert await steps.readers(resources) == [Reader("ada@example.org", "Zoë", "active")]
    (proof,) = await steps.consents(resources)
    assert (proof.method, proof.page) == ("Ada Okafor", "readers.csv, line 2")
    again = await ada.post(f"{path}/start", data={"consent": CONSENT})
    assert (again.status_code, "has been started already" in again.text) == (409, True)
    assert "1 new reader" in (await ada.get(PATH)).text


async def test_it_is_read_otherwise_when_a_person_says_so(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    path = await chosen(ada, LIST.encode())
    as_shown = {
        "encoding": "utf-8",
        "delimiter": ";",
        "header": "yes",
        "email": "0",
        "first_name": "1",
        "standing": "",
    }
    other = await ada.post(
        f"{path}/layout", data=as_shown | {"first_name": "2", "consent": "Kept while looking"}
    )
    assert other.status_code == 200
    assert selected(other, "first_name") == "2"
    assert "Kept while looking" in other.text
    commas = await ada.post(f"{path}/layout", data=as_shown | {"delimiter": ","})
    assert selected(commas, "delimiter") == ","
    assert "No column of mail addresses was found" in commas.text
    back = await ada.post(f"{path}/layout", data=as_shown | {"first_name": "", "email": ""})
    assert selected(back, "email") == "0", "divided otherwise, the columns are recognised anew"
    # Changed and not looked at: that is said, and nothing is begun.
    hasty = await ada.post(f"{path}/start", data=as_shown | {"first_name": "2", "consent": CONSENT})
    assert (hasty.status_code, "Look at it first" in hasty.text) == (422, True)
    sure = await ada.post(f"{path}/start", data=as_shown | {"first_name": "2", "consent": CONSENT})
    assert sure.status_code == 303
    await carrying.carry_on_due(resources, asyncio.Event())
    assert await steps.readers(resources) == [Reader("ada@example.org", "Z", "active")]


@SQLITE
async def test_what_is_wrong_with_a_file_is_said_beside_it(ada: httpx2.AsyncClient, memo: Newsletter) -> None:
    for files, said in (
        ({"file": ("empty.csv", b"\n", "text/csv")}, "This file is empty"),
        ({"other": ("x.csv", b"x", "text/csv")}, "Choose the file first"),
        ({"file": ("big.csv", b"x" * 20_000_001, "text/csv")}, "larger than 20 MB"),
    ):
        sent: Any = files
        refused = await ada.post(PATH, files=sent)
        assert (refused.status_code, said in refused.text) == (422, True)
    assert (
        await ada.post("/desk/newsletters/nowhere/import", files={"file": ("x", b"x")})
    ).status_code == 404
    path = await chosen(ada, b"email\nnobody\n")
    assert "No row of this file" in (await ada.post(f"{path}/start", data={"consent": CONSENT})).text
    for wrong in ({"delimiter": "x"}, {"encoding": "x"}):
        assert (await ada.post(f"{path}/layout", data=wrong)).status_code == 422


@SQLITE
async def test_problems_come_as_a_file_that_a_spreadsheet_does_not_run(
    ada: httpx2.AsyncClient, memo: Newsletter
) -> None:
    path = await chosen(ada, LIST.encode())
    answer = await ada.get(f"{path}/problems.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "line,problem,begins with"
    assert lines[1].startswith("4,")
    assert lines[1].endswith(",'=***")


async def test_a_file_is_thrown_away_and_a_running_import_is_stopped(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter, clock: HandClock
) -> None:
    path = await chosen(ada, LIST.encode())
    assert (await ada.post(f"{path}/stop")).status_code == 303
    assert "thrown away" in (await ada.get(PATH)).text
    assert (await ada.get(path)).status_code == 404

    row = await steps.begin(resources, memo, steps.rows(600))
    path = f"{PATH}/{row.uid}"
    clock.advance(entering.TAKEN_FOR * 2)
    assert "It waits for a worker" in (await ada.get(path)).text
    assert (await ada.post(f"{path}/stop")).status_code == 303
    await carrying.carry_on_due(resources, asyncio.Event())
    stopped = await ada.get(path)
    assert "Stopped" in stopped.text
    assert await steps.readers(resources) == []
    assert (await resources.database.read(register.latest, memo))[0].ended_at == clock.now()


@SQLITE
async def test_only_the_desks_own_forms_bring_readers_in(
    ada: httpx2.AsyncClient, client: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    files = {"file": ("readers.csv", LIST.encode(), "text/csv")}
    elsewhere = await ada.post(PATH, files=files, headers={"Sec-Fetch-Site": "cross-site"})
    assert elsewhere.status_code == 403
    path = await chosen(ada, LIST.encode())
    forged = await ada.post(
        f"{path}/start", data={"consent": CONSENT}, headers={"Origin": "https://evil.example"}
    )
    assert forged.status_code == 403
    ada.cookies.clear()
    assert (await client.post(PATH, files=files)).headers["location"].startswith("/desk/sign-in")
    assert (await client.get(path)).headers["location"].startswith("/desk/sign-in")


@SQLITE
async def test_what_becomes_of_each_status_is_seen_and_its_columns_are_chosen(
    ada: httpx2.AsyncClient, resources: Resources, memo: Newsletter
) -> None:
    path = await chosen(
        ada,
        b"email,status,state\nada@example.org,active,NY\nole@example.org,odd,NY\nkim@example.org,cleaned,NY\n",
    )
    page = (await ada.get(path)).text
    assert "What stands in the status" in page
    assert "<td>cleaned</td><td>1</td><td>no reader, left out</td>" in page
    assert "<td>odd</td><td>1</td><td>not known here, left out</td>" in page
    assert '<option value="1" selected>status</option>' in page
    assert '<option value="2" selected>state</option>' in page
    one = await ada.post(f"{path}/layout", data={"standing": ["", "1"], "header": "yes"})
    assert '<option value="2">state</option>' in one.text
    assert "Bring 1 reader in" in one.text
    none = await ada.post(f"{path}/layout", data={"standing": "", "header": "yes", "email": "0"})
    assert "Bring 3 readers in" in none.text
    both = await ada.post(f"{path}/layout", data={"standing": ["", "1", "2"], "header": "yes"})
    assert "Bring 0 readers in" in both.text
    assert (await ada.post(f"{path}/layout", data={"email": "9" * 5_000})).status_code == 200
