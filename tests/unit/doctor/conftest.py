from collections.abc import AsyncIterator

import pytest

from service.doctor.resolver import Resolver
from tests.support.name_server import NameServer


@pytest.fixture
async def dns() -> AsyncIterator[NameServer]:
    async with NameServer() as server:
        yield server


@pytest.fixture
async def resolver(dns: NameServer) -> AsyncIterator[Resolver]:
    made = Resolver(dns.address, seconds=60)
    yield made
    await made.close()
