"""The committer: takes all that has piled up, commits, wakes those who wait, again. No timer.

A connection hands over *(outcome of the last message, intent for the next)* and waits; no byte of the next message leaves
before that commit has returned. A failed commit keeps its outcomes and tries again; meanwhile no message begins.
"""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from service import logs
from service.database import Database
from service.delivery import recording, recording_at_once
from service.delivery.fence import Take
from service.delivery.recording import Recorded, SpanBatch

log = logs.get(__name__)

TRY_AGAIN_SECONDS = 0.2


class _Wish(NamedTuple):
    taken: Take
    intent: int | None
    answer: "asyncio.Future[bool]"


@dataclass
class _Account:
    """What this process knows of one take: numbers in flight, and outcomes that are not yet written."""

    taken: Take
    in_flight: set[int] = field(default_factory=set)
    outcomes: list[Recorded] = field(default_factory=list)


Place = tuple[int, int]


class Committer:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._accounts: dict[Place, _Account] = {}
        self._wishes: list[_Wish] = []
        self._woken = asyncio.Event()
        self._is_over = False

    def begin(self, taken: Take, number: int) -> "asyncio.Future[bool]":
        """Write the intent to hand over that row, with all outcomes reported so far. False: the fence has fallen, it must not be sent."""
        return self._wish(taken, number)

    def flush(self, taken: Take) -> None:
        """Write what was reported soon, although no intent follows it."""
        self._wish(taken, None)

    async def write(self, taken: Take) -> None:
        """Return when every outcome reported for this take so far is in the database."""
        await self._wish(taken, None)

    def report(self, taken: Take, outcome: Recorded) -> None:
        """An outcome, to be written with the next intent or by `write`."""
        account = self._account(taken)
        account.in_flight.discard(outcome.number)
        account.outcomes.append(outcome)

    def untouched(self, taken: Take, number: int) -> None:
        """That row was not handed over and nothing is to be recorded of it."""
        self._account(taken).in_flight.discard(number)

    def in_flight(self, taken: Take) -> list[int]:
        account = self._accounts.get(_place(taken))
        return sorted(account.in_flight) if account else []

    def forget(self, taken: Take) -> None:
        """The take is over. Kept while anything of it is still unanswered: a late accept counts."""
        account = self._accounts.get(_place(taken))
        if account and not account.in_flight and not account.outcomes:
            del self._accounts[_place(taken)]

    async def run(self) -> None:
        wishes: list[_Wish] = []
        try:
            while True:
                await self._woken.wait()
                await asyncio.sleep(0)  # a turn of the loop: whoever's answer has come by now goes along
                self._woken.clear()
                wishes, self._wishes = self._wishes, []
                if wishes:
                    await self._commit(wishes)
        finally:
            self._is_over = True
            for wish in (*wishes, *self._wishes):  # nobody will ever answer them
                wish.answer.cancel()

    def _account(self, taken: Take) -> _Account:
        place = (taken.span_id, taken.epoch)
        account = self._accounts.get(place)
        if account is None:
            account = self._accounts[place] = _Account(taken)
        return account

    def _wish(self, taken: Take, intent: int | None) -> "asyncio.Future[bool]":
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self._is_over:
            answer.cancel()
            return answer
        self._wishes.append(_Wish(taken, intent, answer))
        self._woken.set()
        return answer

    async def _commit(self, wishes: list[_Wish]) -> None:
        batches = self._batches(wishes)
        while True:
            try:
                standing = await committed(self._database, list(batches.values()))
                break
            except (DBAPIError, OSError) as error:
                log.warning("committer.failed", problem=str(error).splitlines()[0])
                await asyncio.sleep(TRY_AGAIN_SECONDS)
        for wish in wishes:
            stands = _place(wish.taken) in standing
            if stands and wish.intent is not None:
                self._account(wish.taken).in_flight.add(wish.intent)
            if not wish.answer.done():
                wish.answer.set_result(stands)

    def _batches(self, wishes: list[_Wish]) -> dict[Place, SpanBatch]:
        """One batch for each take that has a wish or an outcome. An outcome leaves `in_flight` before that is read."""
        accounts = {_place(wish.taken): self._account(wish.taken) for wish in wishes}
        accounts |= {place: account for place, account in self._accounts.items() if account.outcomes}
        batches: dict[Place, SpanBatch] = {}
        for place, account in accounts.items():
            outcomes, account.outcomes = account.outcomes, []
            batches[place] = SpanBatch(account.taken, outcomes, sorted(account.in_flight))
        for wish in wishes:
            if wish.intent is not None:
                batches[_place(wish.taken)].intents.append(wish.intent)
        return batches


async def committed(database: Database, batches: list[SpanBatch]) -> set[Place]:
    """Written, the short way where there is one. Returns (span, epoch) of those whose fence holds. Raises DBAPIError, OSError."""
    if database.at_once is None:
        return await database.write(recording.commit, batches)
    stands = await recording_at_once.commit(database.at_once, batches)
    others = [batch for batch in batches if _place(batch.taken) not in stands]
    standing = {place for place, holds in stands.items() if holds}
    return standing | (await database.write(recording.commit, others) if others else set())


def _place(taken: Take) -> Place:
    return (taken.span_id, taken.epoch)
