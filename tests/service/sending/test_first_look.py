"""What holds messages back is known before the first of them passes, for every span that is taken at the same moment."""

import asyncio
from collections.abc import Callable
from typing import Any

from service.delivery.gate import Gate
from service.dependencies import Resources
from tests.service.sending.test_pace import limit

NAME = "relay.example.org:587"


class SlowToRead:
    """The database, under load."""

    def __init__(self, resources: Resources) -> None:
        self._held = resources.database

    async def read(self, function: Callable[..., Any], *args: Any) -> Any:
        await asyncio.sleep(0.2)
        return await self._held.read(function, *args)


async def test_a_span_that_is_taken_while_the_first_look_is_under_way_waits_for_one_too(
    resources: Resources,
) -> None:
    await resources.database.write(limit, NAME, per_day=30)
    slow: Any = SlowToRead(resources)
    gate = Gate(
        slow, NAME, connections=4, is_wanted=lambda _: True, drop=lambda _: None, put_off=lambda *_: None
    )
    first = asyncio.create_task(gate.look())
    await asyncio.sleep(0.05)
    await gate.look()
    assert not gate.is_open, "else its first messages would pass uncounted"
    await first
