"""Addresses of the desk that are no page: said inside the desk, with a way back."""

import httpx2
import pytest

from service.editions.models import Edition
from service.newsletters.models import Newsletter
from tests.service.desk.shown import parsed, texts

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PATH = "/desk/newsletters/morning-memo"


def ways(page: httpx2.Response) -> list[str]:
    return texts(parsed(page), "//main//a/@href")


@pytest.mark.parametrize("path", ["/desk/nowhere", "/desk/editions/no-number", f"{PATH}/nowhere"])
async def test_an_address_that_leads_nowhere(ada: httpx2.AsyncClient, memo: Newsletter, path: str) -> None:
    page = await ada.get(path)
    assert page.status_code == 404
    assert "Ada Okafor" in page.text
    assert "There is nothing at this address" in page.text
    assert ways(page) == ["/desk"]
    assert page.headers["cache-control"] == "no-store"


async def test_back_leads_to_the_page_one_came_from(ada: httpx2.AsyncClient, memo: Newsletter) -> None:
    page = await ada.get("/desk/nowhere", headers={"Referer": f"https://news.example.org{PATH}"})
    assert ways(page) == [PATH, "/desk"]


@pytest.mark.parametrize(
    ("path", "above"), [(f"{PATH}/cadence", PATH), ("/desk/relays/near/pace", "/desk/relays/near")]
)
async def test_an_address_of_a_form_that_is_opened_again_leads_to_its_page(
    ada: httpx2.AsyncClient, memo: Newsletter, path: str, above: str
) -> None:
    page = await ada.get(path)
    assert page.status_code == 405
    assert "only takes a form" in page.text
    assert ways(page) == [above, "/desk"]


async def test_what_is_too_large_is_said_there_too(ada: httpx2.AsyncClient, memo: Newsletter) -> None:
    page = await ada.post(f"{PATH}/articles", data={"url": "x" * 1_100_000})
    assert page.status_code == 413
    assert "1000 kB" in page.text
    assert "Ada Okafor" in page.text


async def test_signed_out_it_says_so_and_leads_to_the_sign_in(client: httpx2.AsyncClient) -> None:
    page = await client.get("/desk/nowhere")
    assert page.status_code == 404
    assert "Sign in" in page.text
    assert "Sign out" not in page.text


async def test_the_readers_pages_and_the_api_answer_as_before(ada: httpx2.AsyncClient) -> None:
    assert "Ada Okafor" not in (await ada.get("/nowhere")).text
    assert (await ada.get("/api/v1/nowhere")).headers["content-type"] == "application/problem+json"


async def test_what_is_not_possible_leads_to_the_page_above(ada: httpx2.AsyncClient, draft: Edition) -> None:
    path = f"/desk/editions/{draft.uid}"
    await ada.post(f"{path}/cancel")
    page = await ada.get(f"{path}/blocks/1")
    assert page.status_code == 409
    assert ways(page) == [path, "/desk"]
