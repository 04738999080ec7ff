"""A person's limit for one provider's readers, measured where messages arrive."""

import asyncio
from itertools import chain, zip_longest

from service.delivery import provider_limits, relay_register
from service.delivery.provider_limits import WantedLimit
from service.dependencies import Resources
from service.ledger.models import DeliveryState
from tests.service.sending.test_pace import workers
from tests.support.arrivals import busiest_second
from tests.support.lag import Lag
from tests.support.outbox import open_outbox, relay_at
from tests.support.relay import Relay

LIMIT = 5
WATCHED_SECONDS = 2.5
GMAIL = [f"reader{number}@{('gmail.com', 'googlemail.com')[number % 2]}" for number in range(80)]
OTHERS = [f"reader{number}@example.org" for number in range(80)]


async def test_all_workers_keep_it_others_do_not_wait_and_a_change_is_felt_at_once(
    resources: Resources, relay: Relay
) -> None:
    address, now = relay_at(relay.url), resources.clock.now()
    write = resources.database.write
    await write(relay_register.follow_setting, address)
    await write(provider_limits.put, address.name, "Google", WantedLimit(rate=LIMIT, why="warming up"),
                now=now, actor="Ada")  # fmt: skip
    mixed = [one for one in chain(*zip_longest(GMAIL, OTHERS)) if one]
    outbox = await open_outbox(resources, mixed)

    def google() -> list[str]:
        return [one.recipient for one in relay.received if "mail.com" in one.recipient]

    loop = asyncio.get_running_loop()
    async with workers(resources, relay, 2):
        async with asyncio.timeout(20):
            while len(relay.received) - len(google()) < len(OTHERS):
                await asyncio.sleep(0.02)
        assert len(google()) < len(GMAIL) / 2, "the others did not wait for them"
        async with Lag().measured() as lag, asyncio.timeout(20):
            began = loop.time()
            while len(google()) < 2 * LIMIT:
                await asyncio.sleep(0.02)
            took = loop.time() - began
        assert took <= WATCHED_SECONDS + 2 * lag.seconds, "most of what is allowed is used, by those who wait"
        await asyncio.sleep(max(0.0, WATCHED_SECONDS - took))
        moments = sorted(one.at for one in relay.received if "mail.com" in one.recipient)
        assert busiest_second(moments) <= LIMIT + 1
        waiting = [row for row in (await outbox.rows()).values() if row.state is DeliveryState.DEFERRED]
        assert waiting
        assert all("at most 5 messages a second from us (warming up)" in str(row.reply) for row in waiting)
        assert {row.attempts for row in waiting} == {0}
        await write(provider_limits.lift, address.name, "Google", now=now, actor="Ada")
        before, lifted = len(relay.received), loop.time()
        async with Lag().measured() as lag:
            await relay.until(before + 4 * LIMIT, within=60)
            took = loop.time() - lifted
        assert took <= 4 + 2 * lag.seconds, "with the limit so many take four seconds"
        await relay.until(len(mixed), within=60)  # who was put off at that very moment keeps his time
