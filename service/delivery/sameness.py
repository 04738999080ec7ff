"""The same refusal for many readers is our problem, not theirs: pause, let a person look, and lose nobody.

Two kinds: the same words for many readers (whatever they say), and any refusal of the message itself or of what we said, of which
few are enough. Those who were refused meanwhile are named by the run's `wave`: when it is resumed they are tried again.
"""

import asyncio
import uuid
from collections import OrderedDict, deque

from service import logs
from service.clock import Clock
from service.database import Database
from service.delivery import outcome, settling, steering, waves
from service.delivery.committer import Committer
from service.delivery.fence import Take
from service.delivery.outcome import Outcome, Phase, Scope
from service.delivery.paging import Row
from service.errors import Conflict

log = logs.get(__name__)

SAME_REFUSALS_MOST = 20
STOPPING_REFUSALS_MOST = 3
LAST_OUTCOMES = 200
EDITIONS_MOST = 8


class SameRefusals:
    """Remembers the last outcomes of each edition that this process sends."""

    def __init__(self, database: Database, clock: Clock, committer: Committer) -> None:
        self._database = database
        self._clock = clock
        self._committer = committer
        self._one_refusal_at_a_time = asyncio.Lock()
        self._last: OrderedDict[uuid.UUID, deque[tuple[str | None, int]]] = OrderedDict()

    async def note(self, taken: Take, edition_uid: uuid.UUID, row: Row, judged: Outcome) -> bool:
        """Returns when a pause, if this calls for one or another has just called for it, is in the database: whether this one did.

        So no connection goes on to its next reader while it is being written. The outcome must have been reported before: it is written
        before the pause is, for whoever resumes opens those again whom the books call refused.
        """
        wave = None if settling.is_second_refusal(row, judged) else waves.wave_of(judged, row.address)
        last = self._of(edition_uid)
        last.append((wave, row.number))
        if wave is None:
            return False
        async with self._one_refusal_at_a_time:
            readers = {number for said, number in last if said == wave}
            if len(readers) < _most(wave, judged):
                return False
            last.clear()
            await self._committer.write(taken)
            await self._pause(edition_uid, wave, len(readers), judged)
            return True

    def _of(self, edition_uid: uuid.UUID) -> deque[tuple[str | None, int]]:
        if edition_uid not in self._last:
            self._last[edition_uid] = deque(maxlen=LAST_OUTCOMES)
            while len(self._last) > EDITIONS_MOST:
                self._last.popitem(last=False)
        return self._last[edition_uid]

    async def _pause(self, edition_uid: uuid.UUID, wave: str, readers: int, judged: Outcome) -> None:
        what = f"The relay gave {readers} readers the same refusal"
        if wave == waves.OF_THE_MESSAGE:
            what = "The relay refuses the message itself"
        reason = f"{what}: {outcome.as_recorded(judged)[:300]}. Once it is mended, resume: those refused are tried again"
        log.warning("edition.paused", edition=str(edition_uid), reason=reason)
        now = self._clock.now()
        try:
            await self._database.write(
                steering.pause, edition_uid, reason=reason, now=now, actor="the sender", wave=wave
            )
        except Conflict:
            return  # somebody was faster


def _most(wave: str, judged: Outcome) -> int:
    """A message too large for the relay itself is too large for everybody; a refusal later on may be one reader's server's."""
    if wave != waves.OF_THE_MESSAGE:
        return SAME_REFUSALS_MOST
    is_the_relays_limit = judged.scope is Scope.MESSAGE and judged.reply.phase is Phase.MAIL
    return 1 if is_the_relays_limit else STOPPING_REFUSALS_MOST
