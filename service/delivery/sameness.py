"""The same refusal for many different readers is our problem, not theirs: pause, and let a person look (design: the relay is the peer)."""

import re
import uuid

from service import logs
from service.clock import Clock
from service.database import Database
from service.delivery import steering
from service.delivery.outcome import Outcome, Verdict
from service.errors import Conflict

log = logs.get(__name__)

SAME_REFUSALS_MOST = 20
ADDRESS = re.compile(r"\S+@\S+")


class SameRefusals:
    """Counts refusals in a row, by their words; an accept ends the row."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._words = ""
        self._readers: set[int] = set()

    async def note(self, edition_uid: uuid.UUID, number: int, judged: Outcome) -> None:
        if judged.verdict is not Verdict.REFUSED:
            self._readers.clear()
            return
        words = f"{edition_uid} {ADDRESS.sub('…', str(judged.reply))}"
        if words != self._words:
            self._words = words
            self._readers.clear()
        self._readers.add(number)
        if len(self._readers) >= SAME_REFUSALS_MOST:
            self._readers.clear()
            await self._pause(edition_uid, judged)

    async def _pause(self, edition_uid: uuid.UUID, judged: Outcome) -> None:
        reason = f"The relay gave {SAME_REFUSALS_MOST} readers in a row the same refusal: {judged.reply}"
        log.warning("edition.paused", edition=str(edition_uid), reason=reason)
        try:
            await self._database.write(
                steering.pause, edition_uid, reason=reason[:500], now=self._clock.now(), actor="the sender"
            )
        except Conflict:
            return  # somebody was faster
