"""Every error of the API has one form and words of ours: all its routes, asked in every wrong way."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import httpx2
import pytest
from starlette.datastructures import State

from service.api import openapi
from service.api.routes import OPERATIONS, ROUTES
from service.dependencies import Resources
from service.newsletters.models import Newsletter
from tests.service.api.conftest import KeyMaker, detail
from tests.support.application import app_of

METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
HOST = "https://news.example.org"
UNKNOWN = "0198c7a2-6a2e-7c40-9d5e-3f1f0f1c2a77"
THEIRS = re.compile(
    r"\bInput\b|should (?:be|have|match)|Field required|Extra inputs|Value error|Unable to|parsing the body"
)
# None of these is right anywhere; the database can keep the first two nowhere.
STRANGE: list[Any] = [
    "\0",
    "\ud800",
    "",
    " ",
    "x" * 100_000,
    10**30,
    -1,
    0,
    1.5,
    True,
    None,
    [],
    {},
    [None],
    {"\0": "\0"},
]
Asked = tuple[str, str, dict[str, Any]]


def problem(answer: httpx2.Response, status: int | None = None) -> dict[str, Any]:
    """Of an answer that is an error: its form is checked."""
    assert answer.status_code == status or (status is None and 400 <= answer.status_code < 500), answer.text
    assert detail(answer, answer.status_code)
    found: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(found)
    assert set(found) <= {"type", "title", "status", "detail", "instance", "field", "errors"}
    assert found["instance"] == answer.request.url.path
    assert not THEIRS.search(answer.text), answer.text
    return found


@lru_cache(maxsize=1)
def _document() -> dict[str, Any]:
    return openapi.document(OPERATIONS, HOST)


def _described() -> Iterator[Asked]:
    """Method, path and what the document says of each operation."""
    for path, item in _document()["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def _url(path: str, known: str = "morning-memo") -> str:
    filled = path.replace("{slug}", known)
    filled = re.sub(r"\{\w*uid\}", UNKNOWN, filled)
    return HOST + re.sub(r"\{\w+\}", "nothing", filled)


def _body(operation: dict[str, Any]) -> dict[str, Any] | None:
    """An example of what it takes, if that is JSON."""
    taken = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if taken is None:
        return None
    if "example" in taken:
        return dict(taken["example"])
    schemas = _document()["components"]["schemas"]
    shape = next(one for one in (taken["schema"], *taken["schema"].get("anyOf", [])) if "$ref" in one)
    return dict(schemas[shape["$ref"].rpartition("/")[2]]["examples"][0])


async def test_a_wrong_method_names_the_right_ones(client: httpx2.AsyncClient) -> None:
    right: dict[str, set[str]] = defaultdict(set)
    for route in ROUTES:
        right[str(getattr(route, "path", ""))] |= getattr(route, "methods", set())
    assert len(right) > 30
    for path, methods in right.items():
        for method in METHODS - methods:
            answer = await client.request(method, _url(path))
            if answer.status_code == 401:  # the path fits another operation, too
                continue
            problem(answer, 405)
            assert methods <= set(answer.headers["allow"].split(", ")), path


async def test_without_a_key_or_its_scope_every_operation_says_so(
    client: httpx2.AsyncClient, key: KeyMaker
) -> None:
    secrets = [await key(scope) for scope in ("read", "write", "send")]
    for method, path, _ in _described():
        problem(await client.request(method, _url(path)), 401)
        answers = [
            await client.request(method, _url(path), headers={"Authorization": f"Bearer {secret}"})
            for secret in secrets
        ]
        refused = [one for one in answers if one.status_code == 403]
        assert len(refused) == 2, f"{method} {path}"
        for one in refused:
            assert "scope" in problem(one, 403)["detail"]


async def test_what_is_not_there_is_a_problem(api: httpx2.AsyncClient) -> None:
    for url in ("/nothing", "/editions/", f"/editions/{UNKNOWN}/nothing"):
        problem(await api.get(url), 404)
    problem(await api.get("https://news.example.org/api"), 404)
    problem(await api.get("https://news.example.org/api/v2/editions"), 404)
    for method, path, operation in _described():
        if "{" not in path:
            continue
        body = _body(operation)
        answer = await api.request(method, _url(path, "no-such-memo"), json=body)
        if answer.status_code >= 400:
            problem(answer)
        if method == "GET":
            assert answer.status_code == 404, path
        if "uid}" in path:
            wrong = await api.request(method, _url(path).replace(UNKNOWN, "first"), json=body)
            assert problem(wrong, 422)["detail"].startswith(("uid is no id", "share_uid is no id"))


async def test_a_body_that_cannot_be_read_is_a_problem(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    kind = {"Content-Type": "application/json"}
    for method, path, operation in _described():
        if _body(operation) is None:
            continue
        url = _url(path)
        for body in (b"{", b"\xff\xfe", b'{"a": ' * 5_000, b'"text"', b"[]", b"7", b"NaN", b"1" * 5_000):
            problem(await api.request(method, url, content=body, headers=kind))
        problem(await api.request(method, url, content=b"a=b", headers={"Content-Type": "text/plain"}), 415)
        large = await api.request(method, url, content=b" " * 1_000_001, headers=kind)
        assert "too large" in problem(large, 413)["detail"]


def _broken(answer: httpx2.Response, asked: str) -> list[str]:
    """What an answer to something strange must not be; 503 is said of networks, and what is sent may be fine."""
    if answer.status_code >= 500 and answer.status_code != 503:
        return [f"{asked}: {answer.status_code}"]
    if answer.status_code >= 400:
        problem(answer, answer.status_code)
    return []


async def test_strange_values_in_a_body_are_refused_or_taken_and_never_break_us(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    broken: list[str] = []
    for method, path, operation in _described():
        example = _body(operation) or {}
        for name in example:
            for value in STRANGE:
                text = json.dumps({**example, name: value})
                answer = await api.request(
                    method, _url(path), content=text.encode(), headers={"Content-Type": "application/json"}
                )
                broken += _broken(answer, f"{method} {path} {name}={value!r:.40}")
    assert "\n".join(broken) == ""


async def test_strange_values_in_an_address_are_refused_or_taken_and_never_break_us(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    broken: list[str] = []
    for method, path, operation in _described():
        for told in operation.get("parameters", []):
            for value in ("%00", "%ED%A0%80", "%FF", "x", "-1", "9" * 30, "1e5", "", "%20", "x" * 5_000):
                url = _url(path)
                if told["in"] == "query":
                    url += f"?newsletter=morning-memo&{told['name']}={value}"
                elif told["in"] == "path":
                    url = HOST + re.sub(r"\{\w+\}", value or "-", path)
                answer = await api.request(method, url, json=_body(operation))
                broken += _broken(answer, f"{method} {path} {told['name']}={value:.40}")
    assert "\n".join(broken) == ""


@pytest.mark.parametrize("name", ["", "\x01", "x" * 5_000, "é"])
async def test_a_name_for_a_request_that_cannot_be_kept_is_a_problem(
    api: httpx2.AsyncClient, memo: Newsletter, name: str
) -> None:
    broken: list[str] = []
    for method, path, operation in _described():
        if method == "POST":
            answer = await api.post(
                _url(path), json=_body(operation), headers=[(b"Idempotency-Key", name.encode())]
            )
            broken += _broken(answer, path)
    assert "\n".join(broken) == ""


async def test_what_is_no_text_is_named_and_left_out_of_articles(
    api: httpx2.AsyncClient, memo: Newsletter
) -> None:
    for reason in ("A \0 in it", {"a": ["\ud800"]}):
        body = json.dumps({"reason": reason}).encode()
        answer = await api.post(
            f"/editions/{UNKNOWN}/pause", content=body, headers={"Content-Type": "application/json"}
        )
        assert problem(answer, 422)["field"] in {"reason", "reason.a.0"}
    assert problem(await api.get("/newsletters/%00"), 422)["field"] == "slug"
    assert problem(await api.get("/subscribers?newsletter=%00"), 422)["field"] == "newsletter"

    written = {"newsletter": memo.slug, "headline": "Ferry\0 bond", "body_markdown": "A 🚢 leaves."}
    kept = await api.post("/articles", json=written)
    assert kept.status_code == 201, kept.text
    assert "\0" not in kept.json()["headline"]
    assert "🚢" in kept.json()["body_markdown"]


async def test_our_own_fault_is_a_problem_too(api: httpx2.AsyncClient, resources: Resources) -> None:
    app = app_of(resources)
    app.state = State({"resources": None})
    try:
        answer = await api.get("/newsletters")
    finally:
        app.state = State({"resources": resources})
    assert "nothing was changed" in problem(answer, 500)["detail"]


async def test_what_the_state_does_not_allow_is_a_problem(api: httpx2.AsyncClient, memo: Newsletter) -> None:
    made = await api.post("/editions", json={"newsletter": memo.slug, "document": {"subject": "x"}})
    for step in ("pause", "resume", "unschedule", "slow"):
        asked = {"per_second": 5} if step == "slow" else None
        problem(await api.post(f"/editions/{made.json()['uid']}/{step}", json=asked), 409)
