"""Readers of a provider that gets less: who goes now, and who is put off to a moment of their own.

Put off is a row that waits, with a time and a reason, and no try counted: the span goes on to other readers meanwhile. Each next reader
gets the next moment that the provider's allowance leaves, so they are spread out by themselves.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from service.delivery import provider_groups
from service.delivery.allowance import Allowance
from service.delivery.holding import Errand
from service.delivery.pace_rows import Standing

# Who can leave so soon waits for it here: less than a page's life, and more than the second in which those who are due come again.
SOON_SECONDS = 1.5
PUT_OFF_LEAST_SECONDS = 1.0


class Providers:
    def __init__(self, put_off: Callable[[Errand, float, str], None]) -> None:
        self._put_off = put_off
        self._booked: dict[str, datetime] = {}
        self._known: Mapping[str, Allowance] = {}
        self._now: datetime | None = None
        self._looked_at = 0.0

    def looked(self, found: Standing) -> None:
        """Moments that were given out under another allowance are forgotten: whoever has one is due anew."""
        self._now, self._looked_at = found.now, asyncio.get_running_loop().time()
        for provider in [one for one in self._booked if found.providers.get(one) != self._known.get(one)]:
            del self._booked[provider]
        self._known = found.providers

    def takes(self, errand: Errand, allowance: Allowance, waiting: int) -> bool:
        """Whether it may wait here for its turn, behind so many of the same provider. Otherwise it has been put off."""
        provider = provider_groups.of(errand.row.address)
        now = self._moment()
        rate = allowance.allowed(now)
        if rate is None or waiting < rate * SOON_SECONDS:
            return True
        soonest = now + timedelta(seconds=PUT_OFF_LEAST_SECONDS)
        at = max(self._booked.get(provider, now), allowance.begins(now), soonest)
        self._booked[provider] = at + timedelta(seconds=1 / max(1.0, allowance.allowed(at) or 1_000.0))
        self._put_off(errand, (at - now).total_seconds(), allowance.said(provider, now))
        return False

    def rate(self, provider: str, allowances: Mapping[str, Allowance]) -> float | None:
        allowance = allowances.get(provider)
        return allowance.allowed(self._moment()) or 1.0 if allowance is not None else None

    def _moment(self) -> datetime:
        assert self._now is not None
        return self._now + timedelta(seconds=asyncio.get_running_loop().time() - self._looked_at)
