"""The transport alone: messages really made, and a committer that answers at once. What the ledger costs is the difference."""

import asyncio
from collections.abc import Iterator

from bench import bases, newsroom, processes
from bench.processes import Measured, Stopwatch, Work
from service import database, tokens
from service.clock import SystemClock
from service.delivery import outcome, transport
from service.delivery.exchange import Exchange
from service.delivery.limits import Limits, Timeouts
from service.delivery.messages import Mould
from service.delivery.outcome import Verdict
from service.delivery.paging import Row
from service.delivery.transport import RelayAddress, Transport
from service.tokens import Keys

SECRET = "a secret of the bench"


async def send(work: Work) -> Measured:
    opened = database.connect(bases.original_url(work.folder, work.messages))
    try:
        mould = await newsroom.moulded(opened)
        rows = await newsroom.rows(opened, work.messages)
    finally:
        await opened.close()
    relay = transport.read_address(
        f"smtp://127.0.0.1:{work.relay_port}?tls=none", ehlo_name="news.example.org"
    )
    waiting = iter(rows)
    watch = Stopwatch()
    await asyncio.gather(*(_connection(relay, mould, waiting) for _ in range(work.connections)))
    return processes.measured_by(watch, work)


async def _connection(relay: RelayAddress, mould: Mould, waiting: Iterator[Row]) -> None:
    """As `delivery.carrying` does it, each next envelope behind the message before it; only nothing is written anywhere."""
    keys: Keys = tokens.keys_from(SECRET)
    now = SystemClock().now()
    connection = Transport(relay, Timeouts(), Limits())
    exchange: Exchange | None = None
    row = next(waiting, None)
    while row is not None:
        if exchange is None:
            await connection.ready()
            exchange = connection.announce(newsroom.message(mould, row, keys, now))
        exchange = await connection.reopened(exchange)
        row = next(waiting, None)
        following = newsroom.message(mould, row, keys, now) if row and connection.has_room_behind else None
        then = connection.hand_over(exchange, following)
        judged = outcome.of(await exchange.settled)
        assert judged.verdict is Verdict.ACCEPTED, judged
        exchange = then
    await connection.close()


if __name__ == "__main__":
    processes.report(send)
