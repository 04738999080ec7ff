"""The baseline: finished bytes through aiosmtplib's `sendmail`, as quickly as it goes, with no ledger and nothing personal."""

import asyncio
import time
from collections.abc import Iterator

from aiosmtplib import SMTP

LINE = b"The council met on Monday and decided nothing, which took until midnight.\r\n"
HEAD = b"From: memo@news.example.org\r\nTo: reader@example.org\r\nSubject: Bench\r\n\r\n"


async def rate(relay_port: int, *, messages: int, connections: int, octets: int) -> float:
    """Messages a second over the same number of connections, with messages of the same size."""
    message = HEAD + LINE * max(1, (octets - len(HEAD)) // len(LINE))
    numbers = iter(range(messages))
    began = time.perf_counter()
    await asyncio.gather(*(_send(relay_port, numbers, message) for _ in range(connections)))
    return messages / (time.perf_counter() - began)


async def _send(relay_port: int, numbers: Iterator[int], message: bytes) -> None:
    async with SMTP(hostname="127.0.0.1", port=relay_port, start_tls=False, use_tls=False) as connection:
        for number in numbers:
            await connection.sendmail("memo@news.example.org", [f"reader{number}@example.org"], message)
