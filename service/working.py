"""One process that only sends: a worker without a web server, and without the memory of one."""

from collections.abc import Callable

from service import signals
from service.delivery import relay_choice
from service.dependencies import opened
from service.errors import Invalid
from service.settings import Settings
from service.worker import Worker


class RelayMissing(Invalid):
    """A worker of its own needs a relay: set MEMO_RELAY_URL, or make one the main relay (`memo relay add`, `memo relay use`).
    (Without one, `memo serve` keeps messages in its built-in mailbox.)"""


async def work(chosen: Settings, *, announce: Callable[[Worker], None]) -> None:
    """A worker without a web server: any number of them on PostgreSQL."""
    async with opened(chosen) as resources:
        if not chosen.relay_url and (await resources.database.read(relay_choice.in_order, ""))[0] is None:
            raise RelayMissing
        async with Worker(resources, chosen.relay_url or None).running() as worker:
            stop = signals.signalled()
            announce(worker)
            await stop.wait()
