from collections.abc import AsyncIterator

import httpx2
import pytest

from service.accounts import keys
from service.dependencies import Resources
from service.newsletters.models import Newsletter
from tests.service.api.conftest import DETAILS, KeyMaker, detail

URL = "/api/v1/newsletters"


def _bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_without_a_key_nothing_is_told(client: httpx2.AsyncClient) -> None:
    answer = await client.get(URL)

    assert "API key" in detail(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_wrong_key_is_refused(client: httpx2.AsyncClient) -> None:
    for header in ["Bearer memo_wrong", "Bearer x", "Basic bWVtbzpt", "memo_wrong", "Bearer"]:
        answer = await client.get(URL, headers={"Authorization": header})

        detail(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_revoked_key_is_refused_at_once(
    client: httpx2.AsyncClient, resources: Resources, key: KeyMaker
) -> None:
    secret = await key("read")
    assert (await client.get(URL, headers=_bearer(secret))).status_code == 200
    found = await resources.database.read(keys.find, secret)
    assert found is not None

    await resources.database.write(keys.revoke, found.uid, actor="test", now=resources.clock.now())

    assert "revoked" in detail(await client.get(URL, headers=_bearer(secret)), 401)


@pytest.mark.parametrize(("scopes", "needed"), [(("write", "send"), "read"), (("read", "send"), "write")])
async def test_no_scope_implies_another(
    client: httpx2.AsyncClient, key: KeyMaker, scopes: tuple[str, ...], needed: str
) -> None:
    headers = _bearer(await key(*scopes))

    answer = await (
        client.get(URL, headers=headers)
        if needed == "read"
        else client.post(URL, headers=headers, json=DETAILS)
    )

    said = detail(answer, 403)
    assert f"the scope {needed};" in said
    assert all(scope in said for scope in scopes)


async def test_a_wrong_key_is_said_before_anything_about_the_request(client: httpx2.AsyncClient) -> None:
    detail(await client.post(URL, headers=_bearer("memo_wrong"), json={"what": "ever"}), 401)
    detail(await client.post(URL, content=b"<xml/>", headers={"Content-Type": "text/xml"}), 401)


async def test_a_body_that_is_not_json_is_refused(api: httpx2.AsyncClient) -> None:
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]:
        answer = await api.post("/newsletters", content=b"name=x", headers={"Content-Type": kind})

        assert "application/json" in detail(answer, 415)


async def test_a_body_without_a_kind_is_refused(api: httpx2.AsyncClient) -> None:
    detail(await api.post("/newsletters", content=b"{}"), 415)


async def test_broken_json_is_refused(api: httpx2.AsyncClient) -> None:
    for body in [b"{", b"", b"[]", b"\xff\xfe", b"null", b'{"a": NaN']:
        detail(
            await api.post("/newsletters", content=body, headers={"Content-Type": "application/json"}), 422
        )


async def test_ten_megabytes_are_too_large(api: httpx2.AsyncClient) -> None:
    body = b'{"name": "' + b"x" * 10_000_000 + b'"}'

    answer = await api.post("/newsletters", content=body, headers={"Content-Type": "application/json"})

    assert "too large" in detail(answer, 413)


async def test_a_body_without_announced_length_is_cut_off_too(api: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b" " * 10_000

    answer = await api.post("/newsletters", content=endless(), headers={"Content-Type": "application/json"})

    assert "too large" in detail(answer, 413)


async def test_an_unknown_path_and_a_wrong_method_are_problems_too(api: httpx2.AsyncClient) -> None:
    detail(await api.get("/nothing"), 404)
    answer = await api.delete("/newsletters")
    detail(answer, 405)
    assert "GET" in answer.headers["allow"]


async def test_every_part_that_does_not_fit_is_named(api: httpx2.AsyncClient) -> None:
    answer = await api.post("/newsletters", json={"slug": "Not A Slug", "name": "x"})

    detail(answer, 422)
    named = {error["field"] for error in answer.json()["errors"]}
    assert {"slug", "time_zone", "from_name", "postal_address"} <= named
    assert "Value error" not in answer.text


async def test_a_key_needs_no_cookie_and_no_origin(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    answer = await api.patch(
        f"/newsletters/{memo.slug}",
        json={"description": "Before breakfast."},
        headers={"Origin": "https://elsewhere.example.net", "Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 200
