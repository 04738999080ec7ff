import asyncio
from typing import cast

import pytest

from bench import far


class Wire:
    def __init__(self) -> None:
        self.came: list[tuple[float, bytes]] = []
        self.closed_at = 0.0

    def write(self, data: bytes) -> None:
        self.came.append((asyncio.get_running_loop().time(), data))

    def is_closing(self) -> bool:
        return bool(self.closed_at)

    def close(self) -> None:
        self.closed_at = asyncio.get_running_loop().time()


async def test_data_is_handed_on_half_a_round_trip_later_and_in_order() -> None:
    wire, later, loop = Wire(), far.Later(), asyncio.get_running_loop()
    began = loop.time()
    later.give(b"one")
    later.reach(cast(asyncio.Transport, wire))  # the other end may be there only now
    await asyncio.sleep(far.ROUND_TRIP / 4)
    later.give(b"two")
    later.give(None)
    async with asyncio.timeout(2):
        while not wire.closed_at:
            await asyncio.sleep(0.001)
    assert [data for _, data in wire.came] == [b"one", b"two"]
    first, second = (at - began for at, _ in wire.came)
    assert first >= far.ROUND_TRIP / 2 - far.TIMER_SLACK
    assert second >= far.ROUND_TRIP * 3 / 4 - 2 * far.TIMER_SLACK


def test_each_connection_may_have_one_message_in_a_round_trip() -> None:
    assert [far.allowed(connections) for connections in (20, 60)] == [
        pytest.approx(500),
        pytest.approx(1_500),
    ]
