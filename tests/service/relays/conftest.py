"""Two relays, and a newsroom that has both in its register."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from service.clock import SystemClock
from service.dependencies import Resources
from tests.support.relay import Relay


@pytest.fixture
async def main() -> AsyncIterator[Relay]:
    async with Relay() as relay:
        relay.host_name = "main.example.net"
        yield relay


@pytest.fixture
async def fallback() -> AsyncIterator[Relay]:
    async with Relay() as relay:
        relay.host_name = "fallback.example.net"
        yield relay


@pytest.fixture
def newsroom(resources: Resources) -> Resources:
    """Impatient, and by the real clock."""
    settings = resources.settings.model_copy(
        update={
            "relay_fallback_after": 0.5,
            "relay_connections": 4,
        }
    )
    return replace(resources, clock=SystemClock(), settings=settings)
