"""A relay that takes a connection, or nearly, and says nothing. It may greet as late as five minutes later (RFC 5321 §4.5.3.2.1), so it
is waited for; why nothing leaves is known long before that.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from service import logs
from service.delivery import reaching
from service.delivery.office import Office
from service.delivery.transport import Transport

log = logs.get(__name__)

SILENT_SECONDS = 15.0


@asynccontextmanager
async def told(office: Office, transport: Transport) -> AsyncIterator[None]:
    """While it is connected. As long as others of this process are accepted, it is busy and not silent: it greets those it has room for."""
    if transport.is_ready:
        yield
        return
    telling = asyncio.create_task(_tell_again_and_again(office))
    try:
        yield
    finally:
        telling.cancel()


async def _tell_again_and_again(office: Office) -> None:
    waited = 0.0
    while True:
        await asyncio.sleep(SILENT_SECONDS)
        waited += SILENT_SECONDS
        if office.standing_by.was_accepted(office.relay.name):
            continue
        problem = f"{office.relay.name} has not answered a new connection for {waited:.0f} seconds"
        log.warning("relay.silent", relay=office.relay.name, seconds=waited)
        try:
            await reaching.note_out_of_reach(office, problem)
        except (sa.exc.SQLAlchemyError, OSError) as error:
            log.warning("relay.problem_not_noted", problem=str(error).splitlines()[0])
