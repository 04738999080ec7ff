from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest

from service.accounts import keys
from service.dependencies import Resources
from service.newsletters import publication
from service.newsletters.models import Newsletter
from service.newsletters.publication import NewsletterDetails
from tests.support.application import app_of

DETAILS: dict[str, Any] = {
    "slug": "morning-memo",
    "name": "Morning Memo",
    "time_zone": "Europe/Berlin",
    "from_name": "Harbor Ledger",
    "from_address": "memo@example.org",
    "postal_address": "Harbor Ledger, 1 Quay Street, Port Example",
}
KeyMaker = Callable[..., Awaitable[str]]


@pytest.fixture
def key(resources: Resources) -> KeyMaker:
    """The secret of a new key with these scopes."""

    async def make(*scopes: str) -> str:
        _, secret = await resources.database.write(
            keys.create, f"Key for {' '.join(scopes)}", scopes, now=resources.clock.now()
        )
        return secret

    return make


@pytest.fixture
async def api(resources: Resources, key: KeyMaker) -> AsyncIterator[httpx2.AsyncClient]:
    """A program that may do everything."""
    secret = await key("read", "write", "send")
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app_of(resources), raise_app_exceptions=False),
        base_url="https://news.example.org/api/v1",
        headers={"Authorization": f"Bearer {secret}"},
    ) as program:
        yield program


@pytest.fixture
async def memo(resources: Resources) -> Newsletter:
    return await resources.database.write(
        publication.create,
        NewsletterDetails.model_validate(DETAILS),
        now=resources.clock.now(),
        actor="test",
    )


def detail(answer: httpx2.Response, status: int) -> str:
    """What a problem says to people, checked for its form."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"] == "about:blank"
    assert problem["title"]
    said: str = problem["detail"]
    return said
