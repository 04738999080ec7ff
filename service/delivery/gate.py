"""Between what is ready to leave and the connections: where there is a limit, errands go through at its pace.

    pages, the signing desk -> give -> [queues by lane and edition] -> the connections' own queue

Open, it is one comparison for each errand. Shut, an errand passes when every bucket it belongs to has a token; tokens are leased
ahead by a task of its own. Six times a second, while spans are held, it looks at what holds messages back: a limit that somebody
has just set, a higher lane that waits, a relay that takes nothing.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress

import sqlalchemy as sa

from service import logs
from service.database import Database
from service.delivery import pace_rows, provider_groups
from service.delivery.holding import Errand, Holding
from service.delivery.leasing import Leasing
from service.delivery.pace_rows import EDITION, PROVIDER, RELAY, Standing
from service.delivery.provider_pace import Providers
from service.delivery.queues import Queue, Queues
from service.delivery.turns import Turns, to_give_way
from service.ledger.models import Lane

log = logs.get(__name__)

LOOK_SECONDS = 0.15
BEAT_SECONDS = 0.02
PAGE_LEAST = 2


class Gate:
    def __init__(
        self,
        database: Database,
        relay: str,
        *,
        connections: int,
        is_wanted: Callable[[Errand], bool],
        drop: Callable[[Errand], None],
        put_off: Callable[[Errand, float, str], None],
    ) -> None:
        self._database = database
        self._relay = relay
        self._connections = connections
        self._is_wanted = is_wanted
        self._drop = drop
        self._providers = Providers(put_off)
        self._waiting = Queues()
        self._looked_at = self._known_at = float("-inf")
        # Until the first look has come back a span that is taken meanwhile looks for itself.
        self._is_known = False
        self._moved = asyncio.Event()
        self._held = asyncio.Event()
        self._idle = 0  # connections that wait for something to do
        self.holdings: set[Holding] = set()
        self.errands = Turns()
        self.standing = Standing()
        self.is_open = True
        self._leasing = Leasing(database, relay, rate_at=self._rate_at,
                                waiting=lambda: self._waiting.count, on_filled=self._moved.set)  # fmt: skip

    def ahead_count(self, edition_id: int) -> int:
        """Errands that the edition's next page waits for."""
        return self.errands.count_of(edition_id) + self._waiting.ahead_count(edition_id)

    @property
    def edition_count(self) -> int:
        return len({holding.taken.edition_id for holding in self.holdings})

    def give(self, errand: Errand) -> None:
        if self.is_open:
            self.errands.put_nowait(errand)
            return
        queue = self._queue_of(errand)
        allowance = self.standing.providers.get(queue[2])
        if allowance is None or self._providers.takes(errand, allowance, self._waiting.length(queue)):
            self._waiting.add(queue, errand)
            self._moved.set()

    async def next(self) -> Errand:
        """For a connection that has nothing to do."""
        self._idle += 1
        self._moved.set()
        try:
            return await self.errands.get()
        finally:
            self._idle -= 1

    def at_hand(self) -> Errand | None:
        """For one that could announce another message behind the present one."""
        if self.errands.empty():
            return None
        if not self.is_open:
            self._moved.set()
        return self.errands.get_nowait()

    def without_token(self, errand: Errand) -> Errand:
        """Nothing of it is handed over: somebody else may have its token."""
        if errand.has_token:
            self._leasing.come_back()
        return errand._replace(has_token=False)

    def first_page(self, rows: int, edition_id: int) -> int:
        """How many rows a span's first page has: what is read must leave before it is stale."""
        rate = self.standing.rate_of(edition_id)
        return rows if rate is None else max(PAGE_LEAST, min(rows, int(rate / 2)))

    @property
    def least_page(self) -> int:
        return self._connections if self.is_open else PAGE_LEAST

    def hold(self, holding: Holding) -> None:
        self.holdings.add(holding)
        self._held.set()

    def let_go(self, holding: Holding) -> None:
        self.holdings.discard(holding)
        if not self.holdings:
            self._held.clear()

    async def look_anew(self) -> None:
        self._looked_at = float("-inf")
        await self.look()

    async def look(self) -> None:
        """What holds messages back now, unless that is known already."""
        now = asyncio.get_running_loop().time()
        if self._is_known and now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        found = await self._database.read(pace_rows.standing, self._relay)
        if now < self._known_at:
            return  # a look that began later has come back before this one
        self._known_at = now
        was_open, before = self.is_open, self.standing
        self.standing, self.is_open, self._is_known = found, found.is_open, True
        self._providers.looked(found)
        self._leasing.has_quota = found.has_quota
        for holding in self.holdings:
            holding.is_outranked |= found.stops(holding.taken.lane, holding.taken.edition_id)
        if (going := to_give_way(self.holdings, self._is_waited_for, now)) is not None:
            going.is_outranked = True
        if found.is_open and not was_open:
            self._pass_all()
        elif (was_open and not found.is_open) or before.providers.keys() != found.providers.keys():
            self._call_back()
        if any(holding.is_outranked for holding in self.holdings):
            self.drop_unwanted()
        self._moved.set()

    def _is_waited_for(self, holding: Holding) -> bool:
        return self.standing.has_neglected(holding.taken.lane, holding.taken.edition_id)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._look_again_and_again())
            group.create_task(self._pass_again_and_again())
            group.create_task(self._leasing.run())

    async def close(self) -> None:
        """Nothing of it is sent any more."""
        while not self.errands.empty():
            self.without_token(self.errands.get_nowait())
        await self._leasing.close()

    async def _look_again_and_again(self) -> None:
        while True:
            await self._held.wait()
            try:
                await self.look()
            except (sa.exc.SQLAlchemyError, OSError) as error:
                log.warning("pace.not_read", problem=str(error).splitlines()[0])
            await asyncio.sleep(LOOK_SECONDS)

    async def _pass_again_and_again(self) -> None:
        while True:
            if not self._waiting.count:
                self._moved.clear()
                await self._moved.wait()
                continue
            self._moved.clear()
            self._pass_some()
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT_SECONDS):
                    await self._moved.wait()

    def _pass_some(self) -> None:
        """One errand of each queue in turn, the higher lane first, as long as there are tokens and connections for them."""
        for rank in self._waiting.ranks():
            queues = rank
            while queues:
                queues = [queue for queue in queues if self._has_room() and self._pass_one(queue)]

    def _pass_one(self, queue: Queue) -> bool:
        now = asyncio.get_running_loop().time()
        while (errand := self._waiting.first(queue)) is not None and not self._is_wanted(errand):
            self._drop(self._waiting.take(queue))
        if errand is None:
            return False
        purses = [self._leasing.of(place) for place in self._places(errand)]
        lacking = [purse for purse in purses if not purse.has(now)]
        self._leasing.ask(purses)
        if lacking:
            return False
        for purse in purses:
            purse.take()
        self.errands.put_nowait(self._waiting.take(queue)._replace(has_token=True))
        return True

    def _has_room(self) -> bool:
        """Not further ahead than connections are free: a token that is spent must be followed by its message."""
        return self.errands.qsize() <= self._idle

    def _places(self, errand: Errand) -> Iterator[str]:
        standing = self.standing
        if standing.relay is not None or standing.has_quota:
            yield RELAY + self._relay
        if errand.taken.edition_id in standing.editions:
            yield f"{EDITION}{errand.taken.edition_id}"
        if standing.providers and (provider := provider_groups.of(errand.row.address)) in standing.providers:
            yield f"{PROVIDER}{self._relay}:{provider}"

    def _rate_at(self, place: str) -> float | None:
        if place.startswith(RELAY):
            return self.standing.relay
        if place.startswith(PROVIDER):
            return self._providers.rate(
                place.removeprefix(f"{PROVIDER}{self._relay}:"), self.standing.providers
            )
        return self.standing.editions.get(int(place.removeprefix(EDITION)))

    def _queue_of(self, errand: Errand) -> Queue:
        """A provider that takes little has a queue of its own, so that nobody waits behind its readers."""
        taken, providers = errand.taken, self.standing.providers
        provider = provider_groups.of(errand.row.address) if providers else ""
        rank = 0 if taken.lane is Lane.BREAKING else 1
        return rank, taken.edition_id, provider if provider in providers else ""

    def _pass_all(self) -> None:
        for errand in self._waiting.take_all():
            self.errands.put_nowait(errand)
        self._leasing.forget()

    def _call_back(self) -> None:
        """What waits for a connection waits here instead, or is put off: a limit is felt at once."""
        errands = self._waiting.take_all()
        while not self.errands.empty():
            errands.append(self.without_token(self.errands.get_nowait()))
        for errand in errands:
            self.give(errand)

    def drop_unwanted(self) -> None:
        """Spans are let go as soon as nothing of theirs is on its way."""
        for errand in self._waiting.take_unless(self._is_wanted):
            self._drop(errand)
        for errand in [self.errands.get_nowait() for _ in range(self.errands.qsize())]:
            if self._is_wanted(errand):
                self.errands.put_nowait(errand)
            else:
                self._drop(self.without_token(errand))
