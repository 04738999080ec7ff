from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx2
import pytest

from service.dependencies import Resources
from tests.support.application import app_of

Visit = Callable[..., httpx2.AsyncClient]


@pytest.fixture
async def visitor(resources: Resources) -> AsyncIterator[Visit]:
    """Makes visitors from any address, by any name of this computer."""
    app = app_of(resources)
    async with AsyncExitStack() as stack:

        def made(client: str = "127.0.0.1", base_url: str = "http://127.0.0.1:8300") -> httpx2.AsyncClient:
            transport = httpx2.ASGITransport(app=app, client=(client, 40_000), raise_app_exceptions=False)
            visitor = httpx2.AsyncClient(transport=transport, base_url=base_url)
            stack.push_async_callback(visitor.aclose)
            return visitor

        yield made


@pytest.fixture
def here(visitor: Visit) -> httpx2.AsyncClient:
    """A browser on the computer itself."""
    return visitor()
