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


async def test_a_look_that_comes_back_late_does_not_undo_what_a_later_one_has_seen(
    resources: Resources,
) -> None:
    """A limit that somebody had set in between was open again until the next look."""

    class SlowToAnswer:
        seconds = 0.4

        async def read(self, function: Callable[..., Any], *args: Any) -> Any:
            seconds, self.seconds = self.seconds, 0.0
            found = await resources.database.read(function, *args)
            await asyncio.sleep(seconds)
            return found

    slow: Any = SlowToAnswer()
    gate = Gate(
        slow, NAME, connections=4, is_wanted=lambda _: True, drop=lambda _: None, put_off=lambda *_: None
    )
    late = asyncio.create_task(gate.look())
    await asyncio.sleep(0.2)
    await resources.database.write(limit, NAME, rate=30)
    await gate.look_anew()
    assert not gate.is_open
    await late
    assert not gate.is_open
