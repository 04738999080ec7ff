"""The same refusal for many readers is our problem, not theirs: pause, let a person look, and lose nobody.

Two kinds: the same words for many readers (whatever they say), and any refusal of the message itself or of what we said, of which
few are enough. Those who were refused meanwhile are named by the run's `wave`: when it is resumed they are tried again.

Each worker remembers what it heard itself. What looks like a wave is counted in the ledger, or each of many workers would wait for its
own twenty; asked again only when the others, going on as they did, would have made twenty of it.
"""

import asyncio
import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from sqlalchemy.exc import DBAPIError

from service import logs
from service.clock import Clock
from service.database import Database
from service.delivery import halting, outcome, settling, shared_refusals, waves
from service.delivery.committer import Committer
from service.delivery.fence import Take
from service.delivery.halting import SENDER, Halt
from service.delivery.outcome import Outcome, Phase, Scope
from service.delivery.paging import Row
from service.errors import Conflict

log = logs.get(__name__)

SAME_REFUSALS_MOST = 20
STOPPING_REFUSALS_MOST = 3
LAST_OUTCOMES = 200
LOOKS_LIKE_A_WAVE = 5  # readers of one worker among its last outcomes
IN_A_ROW = 3  # a lost map: all hear the same. A few connections have no more than that in flight
EDITIONS_MOST = 8


@dataclass
class _Heard:
    """The last outcomes of an edition: each a wave, or None, and the reader's number."""

    last: deque[tuple[str | None, int]] = field(default_factory=lambda: deque(maxlen=LAST_OUTCOMES))
    in_a_row: int = 0
    asked_for: str | None = None
    asked_at: int = 0  # when so many readers had got it
    asks_again_at: int = 0

    def add(self, wave: str | None, number: int) -> None:
        is_more = bool(self.last) and self.last[-1][0] == wave
        self.in_a_row = self.in_a_row + 1 if is_more else 1
        self.last.append((wave, number))

    def readers(self, wave: str) -> int:
        return len({number for said, number in self.last if said == wave})

    def is_to_be_counted(self, wave: str, readers: int) -> bool:
        """Whether it looks like a wave, and more may have come of it elsewhere since it was counted last."""
        if wave == waves.OF_THE_MESSAGE:
            return False
        if self.asked_for != wave or readers * 2 <= self.asked_at:  # what is long over tells nothing of today
            self.asked_for, self.asked_at, self.asks_again_at = wave, 0, 0
        if self.in_a_row == IN_A_ROW:
            return True
        return (readers >= LOOKS_LIKE_A_WAVE or self.in_a_row > IN_A_ROW) and readers >= self.asks_again_at

    def counted(self, readers: int, of_all: int) -> None:
        """The next time when at this ratio they would be enough."""
        self.asked_at = readers
        self.asks_again_at = readers + max(1, (SAME_REFUSALS_MOST - of_all) * readers // max(1, of_all))

    def forget(self) -> None:
        self.last.clear()
        self.in_a_row, self.asked_for = 0, None


class SameRefusals:
    """Remembers the last outcomes of each edition that this process sends."""

    def __init__(self, database: Database, clock: Clock, committer: Committer) -> None:
        self._database = database
        self._clock = clock
        self._committer = committer
        self._one_refusal_at_a_time = asyncio.Lock()
        self._heard: OrderedDict[uuid.UUID, _Heard] = OrderedDict()

    async def note(self, taken: Take, edition_uid: uuid.UUID, row: Row, judged: Outcome) -> bool:
        """Returns when a pause, if this calls for one or another has just called for it, is in the database: whether this one did.

        So no connection goes on to its next reader while it is being written. The outcome must have been reported before: it is written
        before the pause is, for whoever resumes opens those again whom the books call refused.
        """
        wave = None if settling.is_second_refusal(row, judged) else waves.wave_of(judged, row.address)
        heard = self._of(edition_uid)
        heard.add(wave, row.number)
        if wave is None:
            return False
        async with self._one_refusal_at_a_time:
            readers = heard.readers(wave)
            if readers < _most(wave, judged) and heard.is_to_be_counted(wave, readers):
                readers = await self._counted(taken, heard, wave, readers)
            if readers < _most(wave, judged):
                return False
            heard.forget()
            await self._committer.write(taken)
            await self._pause(taken, edition_uid, (wave, readers), judged)
            return True

    async def _counted(self, taken: Take, heard: _Heard, wave: str, readers: int) -> int:
        """Of all workers. What this one knows is written first: its connections wait here, and bring no outcome to the ledger."""
        await self._committer.write(taken)
        try:
            of_all = await self._database.read(
                shared_refusals.count, taken.edition_id, wave, last=LAST_OUTCOMES
            )
        except (DBAPIError, OSError) as error:
            log.warning("edition.refusals_not_counted", problem=str(error).splitlines()[0])
            return readers
        heard.counted(readers, of_all := max(readers, of_all))
        return of_all

    def _of(self, edition_uid: uuid.UUID) -> _Heard:
        if edition_uid not in self._heard:
            self._heard[edition_uid] = _Heard()
            while len(self._heard) > EDITIONS_MOST:
                self._heard.popitem(last=False)
        return self._heard[edition_uid]

    async def _pause(
        self, taken: Take, edition_uid: uuid.UUID, found: tuple[str, int], judged: Outcome
    ) -> None:
        wave, readers = found
        what = f"The relay gave {readers} readers the same refusal"
        if wave == waves.OF_THE_MESSAGE:
            what = "The relay refuses the message itself"
        reason = f"{what}: {outcome.as_recorded(judged)[:300]}. Once it is mended, resume: those refused are tried again"
        log.warning("edition.paused", edition=str(edition_uid), reason=reason)
        now = self._clock.now()
        try:
            halt = Halt(reason, SENDER, taken.turn, wave)
            await self._database.write(halting.halt, edition_uid, halt, now=now)
        except Conflict:
            return  # somebody was faster


def _most(wave: str, judged: Outcome) -> int:
    """A message too large for the relay itself is too large for everybody; a refusal later on may be one reader's server's."""
    if wave != waves.OF_THE_MESSAGE:
        return SAME_REFUSALS_MOST
    is_the_relays_limit = judged.scope is Scope.MESSAGE and judged.reply.phase is Phase.MAIL
    return 1 if is_the_relays_limit else STOPPING_REFUSALS_MOST
