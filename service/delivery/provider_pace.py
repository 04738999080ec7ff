"""Readers of a provider that asked for less: who goes now, and who is put off to a moment of their own.

Put off is a row that waits, with a time and a reason, and no try counted: the span goes on to other readers meanwhile. Each next reader
gets the next moment that the provider's recovery allows, so they are spread out by themselves.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from service.delivery import provider_groups
from service.delivery.holding import Errand
from service.delivery.recovery import Slowing

SOON_SECONDS = 1.0  # who can leave so soon waits for it with a connection at hand
WHY = "Waits: {provider} has asked for less at a time; it goes by itself."


class Providers:
    def __init__(self, put_off: Callable[[Errand, float, str], None]) -> None:
        self._put_off = put_off
        self._booked: dict[str, datetime] = {}
        self._now: datetime | None = None
        self._looked_at = 0.0

    def looked(self, now: datetime | None) -> None:
        """`now`: what the database's clock said just now."""
        self._now, self._looked_at = now, asyncio.get_running_loop().time()

    def takes(self, errand: Errand, slowing: Slowing, waiting: int) -> bool:
        """Whether it may wait here for its turn, behind so many of the same provider. Otherwise it has been put off."""
        provider = provider_groups.of(errand.row.address)
        now = self._moment()
        rate = slowing.allowed(now)
        if rate is None or waiting < rate * SOON_SECONDS:
            return True
        at = max(self._booked.get(provider, now), slowing.begins, now + timedelta(seconds=SOON_SECONDS))
        self._booked[provider] = at + timedelta(seconds=1 / max(1.0, slowing.allowed(at) or 1_000.0))
        self._put_off(errand, (at - now).total_seconds(), WHY.format(provider=provider))
        return False

    def rate(self, provider: str, slowed: Mapping[str, Slowing]) -> float | None:
        slowing = slowed.get(provider)
        return slowing.allowed(self._moment()) or 1.0 if slowing is not None else None

    def _moment(self) -> datetime:
        assert self._now is not None
        return self._now + timedelta(seconds=asyncio.get_running_loop().time() - self._looked_at)
