"""A relay that takes a connection, or nearly, and says nothing. RFC 5321 §4.5.3.2.1 has us wait five minutes for a greeting, and
some need one (a name server that does not answer them); why nothing leaves has to be known long before.

     2 s, and it said something to another connection of ours lately    it is busy: that one carries the message, and wait on
    15 s, and nobody waits for it yet                                   tell, give the message back, and wait on as the patient one
    15 s, and somebody does                                             it is out of reach: a new try is worth more than an old one
"""

import asyncio
from collections.abc import Callable

import sqlalchemy as sa

from service import logs
from service.delivery import reaching
from service.delivery.gate import Gate
from service.delivery.holding import Errand
from service.delivery.office import Office
from service.delivery.transport import SILENT_SECONDS, RelayDown, Transport

log = logs.get(__name__)


BUSY_SECONDS = 2.0  # a message that waits for longer keeps all of its span waiting


class Claim:
    """The errand that a connection is opened for. `stop`: the relay is silent, and nothing else may begin either."""

    def __init__(self, gate: Gate, errand: Errand, stop: Callable[[], None]) -> None:
        self._gate, self._errand, self._stop = gate, errand, stop
        self.is_held = True

    def let_others(self) -> None:
        """Whoever is connected may carry it."""
        if self.is_held:
            self.is_held = False
            self._gate.without_token(self._errand).done()

    def give_back(self) -> None:
        self.let_others()
        self._stop()


async def connect(office: Office, transport: Transport, claim: Claim | None = None) -> None:
    """Be connected; the claim may be given up meanwhile. Raises RelayDown."""
    if transport.is_ready:
        return
    ready = asyncio.ensure_future(transport.ready())
    try:
        await _answered(office, ready, claim)
        await ready
    finally:
        ready.cancel()
        await asyncio.wait({ready})
    office.standing_by.heard(office.relay.name)


async def _answered(office: Office, ready: "asyncio.Future[None]", claim: Claim | None) -> None:
    own, name = office.standing_by, office.relay.name
    now = asyncio.get_running_loop().time
    silent_at = now() + SILENT_SECONDS
    while not (await asyncio.wait({ready}, timeout=min(BUSY_SECONDS, SILENT_SECONDS / 2)))[0]:
        if own.shows_life(name):
            silent_at = now() + SILENT_SECONDS
            if claim is not None:
                claim.let_others()
        if now() < silent_at:
            continue
        problem = f"{name} has not answered a new connection for {SILENT_SECONDS:.0f} seconds"
        with own.patient(name) as is_the_one:
            if not is_the_one:
                raise RelayDown(problem)
            if claim is not None:
                claim.give_back()
            await _tell(office, problem)
            await asyncio.wait({ready})


async def _tell(office: Office, problem: str) -> None:
    log.warning("relay.problem", relay=office.relay.name, problem=problem)
    try:
        await reaching.note_out_of_reach(office, problem)
    except (sa.exc.SQLAlchemyError, OSError) as error:
        log.warning("relay.problem_not_noted", problem=str(error).splitlines()[0])
