"""The OpenAPI document is what other people program against: every operation says what it does, shows it, and lists its errors."""

from typing import Any

import httpx2
import pytest

METHODS = {"get", "post", "put", "patch", "delete"}
Operation = dict[str, Any]


@pytest.fixture
async def described(client: httpx2.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def _operations(described: dict[str, Any]) -> dict[str, Operation]:
    return {
        f"{method.upper()} {path}": operation
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def _good(operation: Operation) -> dict[str, Any]:
    """The answer when all is well; 204 has no body."""
    return next(answer for status, answer in operation["responses"].items() if status.startswith("2"))


async def test_the_operations_of_the_house_are_there(described: dict[str, Any]) -> None:
    paths = set(described["paths"])

    assert {
        f"/api/v1/{name}" for name in ("newsletters", "articles", "editions", "subscribers", "suppressions")
    } <= paths
    actions = (
        "schedule",
        "unschedule",
        "send",
        "test",
        "pause",
        "resume",
        "cancel",
        "preview",
        "progress",
        "deliveries",
        "proof",
        "send-missing",
        "release-held",
    )
    assert {f"/api/v1/editions/{{uid}}/{action}" for action in actions} <= paths
    assert all(path.startswith("/api/v1/") for path in paths)
    assert described["servers"] == [{"url": "https://news.example.org"}]


async def test_every_operation_says_what_it_does(described: dict[str, Any]) -> None:
    operations = _operations(described)

    assert len(operations) >= 36
    for name, operation in operations.items():
        assert operation.get("summary"), name
        assert len(operation.get("description", "")) >= 15, name
        assert operation.get("tags"), name
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names))
    assert {"list_newsletters", "make_an_edition", "send_an_edition_now"} <= set(names)


async def test_every_operation_shows_an_example_of_its_answer(described: dict[str, Any]) -> None:
    for name, operation in _operations(described).items():
        content = _good(operation).get("content")
        if content is None:
            assert "204" in operation["responses"], name
            continue
        assert content["application/json"].get("example") is not None, name
        assert content["application/json"].get("schema"), name


async def test_every_body_shows_an_example(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    for name, operation in _operations(described).items():
        if "requestBody" not in operation:
            continue
        described_as = operation["requestBody"]["content"]
        if name == "POST /api/v1/media":  # pictures are no JSON
            assert all(one["schema"]["format"] == "binary" for one in described_as.values())
            continue
        if name.endswith("/imports"):  # CSV, by itself or in a form
            assert set(described_as) == {"text/csv", "multipart/form-data"}
            assert all(one["schema"] and one["example"] for one in described_as.values())
            continue
        content = described_as["application/json"]
        assert "example" in content or _schema_examples(content["schema"], schemas), name


def _schema_examples(schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    if "$ref" in schema:
        return _schema_examples(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return bool(schema.get("examples")) or any(
        _schema_examples(one, schemas) for one in schema.get("anyOf", []) if one.get("type") != "null"
    )


async def test_every_operation_lists_its_errors_as_problems(described: dict[str, Any]) -> None:
    for name, operation in _operations(described).items():
        expected = {"401", "403", "422"}
        if "{" in name:
            expected |= {"404"}
        if name.startswith("POST"):
            expected |= {"409"}
        if "requestBody" in operation:
            expected |= {"413", "415"}
        errors = {status: one for status, one in operation["responses"].items() if status >= "400"}
        assert expected <= set(errors), name
        for status, one in errors.items():
            content = one["content"]["application/problem+json"]
            assert content["example"]["status"] == int(status), name
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, name


async def test_every_operation_needs_a_key_and_every_post_may_be_named(described: dict[str, Any]) -> None:
    for name, operation in _operations(described).items():
        assert operation.get("security"), name
        headers = {one["name"].lower() for one in operation.get("parameters", []) if one["in"] == "header"}
        assert ("idempotency-key" in headers) is name.startswith("POST"), name


async def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]

    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for one in value.values() for found in references(one)]
        return [found for one in value for found in references(one)] if isinstance(value, list) else []

    for reference in references(described):
        assert reference.rpartition("/")[2] in schemas, reference
    assert "HTTPValidationError" not in schemas
