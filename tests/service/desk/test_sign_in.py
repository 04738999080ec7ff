from datetime import timedelta
from urllib.parse import quote

import httpx2
import pytest

from service.accounts import limiter
from service.dependencies import Resources
from tests.service.desk import steps
from tests.support.clock import HandClock


@pytest.mark.parametrize("path", ["/desk", "/desk/newsletters/morning-memo?x=1", "/desk/editions/no"])
async def test_signed_out_leads_to_the_sign_in_page_and_back(
    client: httpx2.AsyncClient, resources: Resources, path: str
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/desk/sign-in?next={quote(path, safe='/')}"
    await steps.account(resources)
    page = await client.get(answer.headers["location"])
    assert page.status_code == 200
    back = await steps.sign_in(client, next=path)
    assert (back.status_code, back.headers["location"]) == (303, path)


async def test_a_form_sent_while_signed_out_changes_nothing_and_leads_back_to_its_page(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.post(
        "/desk/newsletters/x/feeds",
        data={"url": "https://news.example.org/feed"},
        headers={"Referer": "https://news.example.org/desk/newsletters/x"},
    )
    assert answer.headers["location"] == "/desk/sign-in?next=/desk/newsletters/x"


async def test_the_cookie_is_for_http_only_and_for_this_site(
    client: httpx2.AsyncClient, resources: Resources
) -> None:
    await steps.account(resources)
    answer = await steps.sign_in(client)
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("memo_desk=")
    for part in ("HttpOnly", "SameSite=lax", "Secure", "Path=/"):
        assert part in cookie
    page = await client.get("/desk")
    assert page.status_code == 200
    assert "Ada Okafor" in page.text
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "next_path", ["https://evil.example.org/desk", "//evil.example.org", "/\\evil.example.org", "/n/x"]
)
async def test_nb_22_signing_in_never_leads_to_another_place(
    client: httpx2.AsyncClient, resources: Resources, next_path: str
) -> None:
    await steps.account(resources)
    answer = await steps.sign_in(client, next=next_path)
    assert answer.headers["location"] == "/desk"


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"address": "nobody@example.org"},
        {"address": ""},
        {"password": ""},
        {"address": "@"},
    ],
)
async def test_wrong_and_unknown_get_the_same_words(
    client: httpx2.AsyncClient, resources: Resources, changes: dict[str, str]
) -> None:
    await steps.account(resources)
    answer = await steps.sign_in(client, **changes)
    assert answer.status_code == 422
    assert "do not belong together" in answer.text
    assert "set-cookie" not in answer.headers
    assert steps.PASSWORD not in answer.text


@pytest.mark.parametrize(
    "spelling", ["ADA@news.example.org", " ada@NEWS.example.org ", "<ada@news.example.org>"]
)
async def test_nb_20_any_spelling_of_the_address_signs_in(
    client: httpx2.AsyncClient, resources: Resources, spelling: str
) -> None:
    await steps.account(resources)
    assert (await steps.sign_in(client, address=spelling)).status_code == 303


async def test_too_many_tries_are_asked_to_wait_and_the_right_password_works_after_that(
    client: httpx2.AsyncClient, resources: Resources, clock: HandClock
) -> None:
    await steps.account(resources)
    for _ in range(limiter.TRIES_FOR_ADDRESS):
        assert (await steps.sign_in(client, password="wrong")).status_code == 422
    refused = await steps.sign_in(client)
    assert refused.status_code == 429
    assert "wait" in refused.text
    clock.advance(limiter.WINDOW + timedelta(seconds=1))
    assert (await steps.sign_in(client)).status_code == 303


async def test_signing_out_ends_the_session_itself(ada: httpx2.AsyncClient) -> None:
    secret = ada.cookies["memo_desk"]
    answer = await ada.post("/desk/sign-out")
    assert answer.headers["location"] == "/desk/sign-in"
    again = await ada.get("/desk", headers={"Cookie": f"memo_desk={secret}"})
    assert again.status_code == 303


async def test_a_session_ends_after_its_time(ada: httpx2.AsyncClient, clock: HandClock) -> None:
    clock.advance(timedelta(days=15))
    assert (await ada.get("/desk")).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example.org"},
    ],
)
async def test_a_form_of_another_site_is_refused(ada: httpx2.AsyncClient, headers: dict[str, str]) -> None:
    for path in ("/desk/sign-in", "/desk/sign-out", "/desk/newsletters/morning-memo/feeds"):
        assert (await ada.post(path, data={"url": "x"}, headers=headers)).status_code == 403
    assert (await ada.get("/desk")).status_code == 200


async def test_what_a_page_says_after_a_redirect_cannot_be_forged(ada: httpx2.AsyncClient) -> None:
    ada.cookies.set("memo_said", "SGFja2Vk.AAAAAAAAAAAAAAAAAAAAAAAAAAAA", path="/desk")
    page = await ada.get("/desk")
    assert page.status_code == 200
    assert "Hacked" not in page.text
