"""What the API is made of, read from its routes: the models that come in, those that go out, and the types of all their fields."""

from collections.abc import Iterator
from typing import Any, get_args

from fastapi.routing import APIRoute
from pydantic import BaseModel

from service.api import openapi
from service.api.routes import OPERATIONS

NO_SCHEMAS = ("serialization", "metadata", "function", "expected")
ROUTES = [route for route in OPERATIONS if isinstance(route, APIRoute)]


def named(route: APIRoute) -> str:
    return f"{'/'.join(sorted(route.methods or ()))} {route.path}"


def answered() -> set[type[BaseModel]]:
    """Every model of an answer, with those inside it."""
    found: set[type[BaseModel]] = set()
    for route in ROUTES:
        told = [route.response_model, *(one.get("model") for one in route.responses.values())]
        for one in told:
            found |= set(models(one))
    return found


def taken() -> list[Any]:
    """Every type that a request may bring: bodies, and the parameters of paths, queries and headers."""
    found: list[Any] = []
    for route in ROUTES:
        for part in _dependants(route.dependant):
            for field in (*part.body_params, *part.query_params, *part.path_params, *part.header_params):
                found.append(field.field_info.rebuild_annotation())
    return found


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
        return
    for one in get_args(annotation):
        yield from models(one)


def nodes(schema: Any, *, without: str = "") -> Iterator[dict[str, Any]]:
    """Every part of a type as pydantic reads it; `without`: nothing that is inside such a part."""
    if isinstance(schema, list | tuple):
        for one in schema:
            yield from nodes(one, without=without)
    if not isinstance(schema, dict) or schema.get("type") == without:
        return
    if isinstance(schema.get("type"), str):
        yield schema
    for name, one in schema.items():
        if name not in NO_SCHEMAS:
            yield from nodes(one, without=without)


def described() -> dict[str, Any]:
    return openapi.document(OPERATIONS, "https://news.example.org")


def _dependants(dependant: Any) -> Iterator[Any]:
    yield dependant
    for one in dependant.dependencies:
        yield from _dependants(one)
