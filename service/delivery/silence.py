"""A relay that takes a connection, or nearly, and says nothing. RFC 5321 §4.5.3.2.1 has us wait five minutes for a greeting, and
some need one (a name server that does not answer them); why nothing leaves has to be known long before.

    15 s, and it said something to another connection of ours lately    it is busy: wait on
    15 s, and nobody waits for it yet                                   tell, give the message back, and wait on as the patient one
    15 s, and somebody does                                             it is out of reach: a new try is worth more than an old one
"""

import asyncio
from collections.abc import Callable

import sqlalchemy as sa

from service import logs
from service.delivery import reaching
from service.delivery.office import Office
from service.delivery.transport import SILENT_SECONDS, RelayDown, Transport

log = logs.get(__name__)


async def connect(office: Office, transport: Transport, give_back: Callable[[], None]) -> None:
    """Be connected. `give_back`: whoever has something to send need not wait for this connection. Raises RelayDown."""
    if transport.is_ready:
        return
    ready = asyncio.ensure_future(transport.ready())
    try:
        await _answered(office, ready, give_back)
        await ready
    finally:
        ready.cancel()
        await asyncio.wait({ready})
    office.standing_by.heard(office.relay.name)


async def _answered(office: Office, ready: "asyncio.Future[None]", give_back: Callable[[], None]) -> None:
    own, name = office.standing_by, office.relay.name
    while not (await asyncio.wait({ready}, timeout=SILENT_SECONDS))[0]:
        if own.shows_life(name):
            continue
        problem = f"{name} has not answered a new connection for {SILENT_SECONDS:.0f} seconds"
        with own.patient(name) as is_the_one:
            if not is_the_one:
                raise RelayDown(problem)
            give_back()
            await _tell(office, problem)
            await asyncio.wait({ready})


async def _tell(office: Office, problem: str) -> None:
    log.warning("relay.problem", relay=office.relay.name, problem=problem)
    try:
        await reaching.note_out_of_reach(office, problem)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        log.warning("relay.problem_not_noted", problem=str(error).splitlines()[0])
