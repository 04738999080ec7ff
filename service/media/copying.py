"""Pictures that stand elsewhere are copied, so that a mail does not lean on another site for as long as it is kept.

    an address is asked for -> due -> fetched (fetching guards against private addresses) -> taken in -> its row says what shows it

A copy that fails is tried again when the other side may answer later; until it succeeds the address stays as it is.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from service import logs
from service.clock import Clock
from service.database import Database
from service.errors import MemoError, Unavailable
from service.fetching import Fetcher
from service.media import pictures, register
from service.media.pictures import Made, Store
from service.media.register import Failure, Wanted

log = logs.get(__name__)
AT_ONCE = 4
LAST_CHANCE_SECONDS = 10.0  # what an edition may wait for its pictures


class Holder(Protocol):
    """What of a process's resources is needed here."""

    @property
    def database(self) -> Database: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def fetcher(self) -> Fetcher: ...
    @property
    def media(self) -> Store: ...


async def copy_due(held: Holder) -> None:
    """Every picture that is due, some side by side; what another process is at is left to it."""
    while await held.database.read(register.is_any_due, held.clock.now()):
        taken = await held.database.write(register.take, now=held.clock.now(), limit=AT_ONCE)
        if not taken:
            return
        await asyncio.gather(*(_copy(held, one) for one in taken))


async def copy_now(held: Holder, wanted: Sequence[Wanted], *, seconds: float = LAST_CHANCE_SECONDS) -> None:
    """These, within so many seconds; what is not there by then is left to `copy_due`."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def copy(one: Wanted) -> None:
        async with gate:
            await _copy(held, one)

    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(copy(one) for one in wanted))


async def _copy(held: Holder, wanted: Wanted) -> None:
    found = await _fetched(held, wanted.url)
    await held.database.write(register.settle, wanted.id, found, now=held.clock.now())


async def _fetched(held: Holder, url: str) -> Made | Failure:
    try:
        answer = await held.fetcher.fetch(url, accept="picture")
        return await pictures.take(held.media, answer.body)
    except MemoError as error:
        log.info("picture.not_copied", url=url, problem=error.message)
        return Failure(error.message, is_passing=isinstance(error, Unavailable))
